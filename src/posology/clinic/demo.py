"""A clinic to try: accounts whose password everybody may know, and patients that are plainly made up.

The demo has a database of its own; known passwords are never put into one that other users have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Engine

from posology.clinic import store
from posology.clinic.roles import ROLES
from posology.data.record import from_dict

PASSWORD = "all patients here are made up"
ACCOUNTS = tuple((f"demo-{role.replace(' ', '-')}", role) for role in ROLES)
ACTOR = "demo"


def seed(engine: Engine) -> None:
    """Add what is missing of the demo's accounts and patients.

    Raises:
        ValueError: when the database has users that are not the demo's.
    """
    known = {user["name"] for user in store.list_users(engine)}
    ours = {name for name, _ in ACCOUNTS}
    if (others := sorted(known - ours)) and not ours <= known:  # a demo may have been given more users
        raise ValueError(f"demo: the database has other users ({others[0]}, …); start the demo with a database of its own")
    for name, role in ACCOUNTS:
        if name not in known:
            store.add_user(engine, name, PASSWORD, role, ACTOR)
    if not store.count(engine):
        for raw in patients():
            store.create(engine, from_dict(raw), ACTOR, "made up for the demo")


def patients() -> Iterator[dict[str, Any]]:
    """Made-up patients: under paclitaxel with counts, before a first dose, with what keeps a dose from being given."""
    yield paclitaxel("DEMO-ANNA", 58, 68, 164, 0, ((305, 0.9, 3.6), (305, 0.6, 2.8)), 5.8, bilirubin=9)
    yield paclitaxel("DEMO-BRUNO", 71, 82, 176, 1, ((340, 0.4, 2.1),), 4.4, bilirubin=12, allergies=["penicillin"])
    yield paclitaxel("DEMO-CLARA", 46, 61, 170, 0, (), 6.1, bilirubin=7)
    yield paclitaxel("DEMO-DORA", 64, 70, 160, 0, ((300, 1.1, 3.9),), 5.2, bilirubin=41, medications=["ketoconazole"])
    yield paclitaxel("DEMO-EMIL", 93, 54, 168, 1, ((270, 0.8, 3.0),), 4.0, bilirubin=10)
    yield vancomycin("DEMO-FRED", 67, 78, 0.9, ((0, 1000, 1), (12, 1000, 1), (24, 1000, 1)), ((35.5, 9.4),))
    yield vancomycin("DEMO-GRETA", 52, 64, 1.4, (), ())


def paclitaxel(
    name: str, age: float, weight: float, height: float, male: int, cycles: tuple[tuple[float, float, float], ...],
    anc: float, bilirubin: float, **more: Any,
) -> dict[str, Any]:  # fmt: skip
    """A patient under paclitaxel every three weeks: per cycle mg, the lowest count and that before the next dose."""
    doses, counts = [], []
    for i, (mg, lowest, before_next) in enumerate(cycles):
        begin = 24.0 + 21 * 24 * i
        doses.append({"time": begin, "amount": mg, "unit": "mg", "duration": 3, "route": "iv", "drug": "paclitaxel"})
        counts += [(begin + 7 * 24, 1.6 * lowest), (begin + 11 * 24, lowest), (begin + 20 * 24, before_next)]
    return {
        "id": name,
        "covariates": {
            "male": {"value": male, "unit": "1"}, "age": {"value": age, "unit": "a"},
            "height": {"value": height, "unit": "cm"}, "weight": {"value": weight, "unit": "kg", "time": 0},
            "bilirubin": {"value": bilirubin, "unit": "umol/L", "time": max([0.0] + [t for t, _ in counts])},
            "baseline_anc": {"value": anc, "unit": "10*9/L", "time": 0},
        },
        "start": "2026-09-07T08:00:00+00:00",
        "doses": doses,
        "observations": [{"time": t, "name": "anc", "value": round(v, 1), "unit": "10*9/L"} for t, v in counts],
        "conditions": ["ovarian cancer" if not male else "lung cancer"],
        **more,
    }  # fmt: skip


def vancomycin(
    name: str, age: float, weight: float, creatinine: float, doses: tuple[tuple[float, float, float], ...],
    levels: tuple[tuple[float, float], ...],
) -> dict[str, Any]:  # fmt: skip
    """A patient under vancomycin: doses as hour, mg and hours of infusion; levels as hour and mg/L."""
    return {
        "id": name,
        "start": "2026-10-12T06:00:00+00:00",
        "covariates": {
            "age": {"value": age, "unit": "a"}, "weight": {"value": weight, "unit": "kg", "time": 0},
            "male": {"value": 1, "unit": "1"}, "height": {"value": 174, "unit": "cm"},
            "creatinine": {"value": creatinine, "unit": "mg/dL", "time": 0},
        },
        "doses": [
            {"time": t, "amount": mg, "unit": "mg", "duration": h, "route": "iv", "drug": "vancomycin"} for t, mg, h in doses
        ],
        "observations": [{"time": t, "name": "concentration", "value": v, "unit": "mg/L"} for t, v in levels],
        "conditions": ["sepsis"],
    }  # fmt: skip
