"""The drugs of the table (`drugs.toml`), read with their units checked: a unit that is unknown or mixed is refused.

Amounts are mass, volume or units of activity, fixed or per kg of body weight. All amounts of one drug are in one unit, so that
nobody reads 125 mcg where the row above says mg.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from posology.data.units import convert, dimension, ucum
from posology.safety.interactions import AVOID, WATCH, Interaction
from posology.symptoms.table import table
from posology.symptoms.words import GROUP_IDS, all_of, quantity

BREAST_FEEDING = "breast-feeding"
# Further conditions that drugs ask for, beside the history that diseases know.
CONDITIONS = (BREAST_FEEDING, "kidney-disease", "liver-disease", "peptic-ulcer", "stroke", "g6pd-deficiency", "qt-prolongation")
_AMOUNTS = (dimension("g"), dimension("L"), dimension("U"), dimension("[iU]"))


class Amount(NamedTuple):
    """So much in the drug's unit, or so much per kg of body weight."""

    value: float
    per_kg: bool = False

    def of(self, weight: float | None) -> float | None:
        """For a patient of that weight in kg; None where that has to be known and is not."""
        if not self.per_kg:
            return self.value
        return None if weight is None else self.value * weight


class Dose(NamedTuple):
    """One row of a drug: for whom, how much, how often; ages in years, weights in kg, times in hours and days."""

    groups: tuple[str, ...]
    least_age: float
    below_age: float
    amount: Amount | None
    bands: tuple[tuple[float, Amount], ...]  # weight up to and with so many kg, amount
    lightest: float
    every: float | None
    when: str
    most_per_dose: tuple[Amount, ...]
    most_per_day: tuple[Amount, ...]
    course: float | None
    note: str
    read: str  # what of the row was read, and where; empty: nothing


@dataclass(frozen=True)
class Drug:
    """A drug with everything needed to judge it; reasons by condition or symptom, interactions by the other drug's name."""

    id: str
    title: str
    group: str
    unit: str
    step: float
    forms: tuple[str, ...]
    indications: tuple[str, ...]
    doses: tuple[Dose, ...]
    contraindicated: Mapping[str, str]
    caution: Mapping[str, str]
    interactions: Mapping[str, Interaction]
    status: str
    source: str
    allergens: tuple[str, ...] = ()
    related: Mapping[str, str] = field(default_factory=dict)  # allergy to another group → what that means here

    def status_of(self, row: Dose) -> tuple[str, str]:
        """Status and source of one of its doses."""
        return ("verified", row.read) if row.read else (self.status, self.source)


@cache
def drugs() -> Mapping[str, Drug]:
    """The drugs that ship, by id."""
    return read(resources.files(__package__).joinpath("drugs.toml").read_text(encoding="utf-8"))


@cache
def allergens() -> tuple[str, ...]:
    """What a patient may be allergic to, as far as it is known here: groups, then single drugs."""
    groups = {a: None for drug in drugs().values() for a in (*drug.allergens, *drug.related)}
    return (*groups, *drugs())


def treats(drug: str) -> tuple[str, ...]:
    """The diseases of the table that a drug is an option for."""
    return tuple(d.id for d in table().diseases if drug in d.drugs)


def read(text: str) -> Mapping[str, Drug]:
    """Drugs from TOML.

    Raises: ValueError: naming the drug and what is wrong: a unit that is unknown, mixed or no unit of dose, an unknown
    group or condition.
    """
    return {id: _drug(id, row) for id, row in tomllib.loads(text)["drugs"].items()}


def _drug(id: str, row: Mapping[str, Any]) -> Drug:
    where, rest = f"drug {id}", dict(row)
    step, units = _amount(rest.pop("step"), f"{where}, step"), set[str]()
    units.add(step[1])
    doses = tuple(_dose(each, f"{where}, dose {i}", units) for i, each in enumerate(rest.pop("doses"), start=1))
    if len(units) > 1:
        raise ValueError(f"{where}: amounts are mixed in {' and '.join(sorted(units))}; write all of them in one unit")
    conditions = (*table().history_ids, *CONDITIONS, *table().symptom_ids)
    for kind in ("contraindicated", "caution"):
        all_of(rest[kind], conditions, f"condition under {kind} of {id}")
    said = {other: _interaction(text, row, f"{where}, interaction {other}") for other, text in rest.pop("interactions").items()}
    lists: dict[str, Any] = {name: tuple(rest.pop(name, ())) for name in ("forms", "indications", "allergens")}
    return Drug(id, unit=units.pop(), step=step[0].value, doses=doses, interactions=said, **lists, **rest)


def _amount(text: str, where: str) -> tuple[Amount, str]:
    try:
        value, unit = quantity(text)
        per_kg = unit.endswith("/kg")
        code = ucum(unit.removesuffix("/kg"))
        if dimension(code) not in _AMOUNTS:
            raise ValueError(f"'{unit}' is not a unit of dose; use mg, ug, mL or IU, or one of them per kg")
    except ValueError as why:
        raise ValueError(f"{where}: '{text}': {why}") from None
    if value <= 0:
        raise ValueError(f"{where}: '{text}' is not allowed; an amount is above 0")
    return Amount(value, per_kg), code


def _dose(row: Mapping[str, Any], where: str, units: set[str]) -> Dose:
    def amounts(texts: Iterable[str], field: str) -> tuple[Amount, ...]:
        found = [_amount(text, f"{where}, {field}") for text in texts]
        units.update(unit for _, unit in found)
        return tuple(amount for amount, _ in found)

    bands = tuple((_number(kg, "kg", where), amounts([text], "bands")[0]) for kg, text in row.get("bands", ()))
    single = amounts([row["amount"]], "amount") if "amount" in row else ()
    if bool(bands) == bool(single):
        raise ValueError(f"{where}: has to hold either amount or bands")
    if not ("every" in row) ^ ("when" in row):
        raise ValueError(f"{where}: has to hold either every, as in '8 h', or when")
    return Dose(
        all_of(row["for"], GROUP_IDS, f"age group in {where}"),
        _number(row.get("from", "0 a"), "a", where),
        _number(row.get("to", "200 a"), "a", where),
        single[0] if single else None,
        bands,
        _number(row.get("lightest", "0 kg"), "kg", where),
        _number(row["every"], "h", where) if "every" in row else None,
        row.get("when", ""),
        amounts(row.get("most_per_dose", ()), "most_per_dose"),
        amounts(row.get("most_per_day", ()), "most_per_day"),
        _number(row["course"], "d", where) if "course" in row else None,
        row.get("note", ""),
        row.get("read", ""),
    )


def _number(text: str, unit: str, where: str) -> float:
    try:
        value, said = quantity(text)
        return convert(value, said, unit)
    except ValueError as why:
        raise ValueError(f"{where}: '{text}': {why}") from None


def _interaction(text: str, row: Mapping[str, Any], where: str) -> Interaction:
    kind, _, why = text.partition(": ")
    if kind not in (AVOID, WATCH) or not why:
        raise ValueError(f"{where}: '{text}' has to begin with '{AVOID}: ' or '{WATCH}: '")
    return Interaction(kind, why=why, status=row["status"], source=row["source"])
