"""How much of a drug a patient of an age and a weight gets: his row, its ceilings, rounded down to what can be measured."""

from __future__ import annotations

import math
from typing import Any

from posology.symptoms.drugs import Amount, Dose, Drug
from posology.symptoms.words import GROUP_IDS, group_of


def row_for(drug: Drug, age: float) -> Dose | None:
    """The row for an age in years; None where there is none."""
    group = group_of(age)
    return next((d for d in drug.doses if group in d.groups and d.least_age <= age < d.below_age), None)


def dose(drug: Drug, age: float, weight: float | None = None) -> tuple[dict[str, Any] | None, list[str], str]:
    """What to give at an age in years and a weight in kg: the dose, what is missing, and why there is none.

    The dose is the row's amount, not above its ceilings per dose and per day, rounded down to the drug's step.
    """
    row = row_for(drug, age)
    if row is None:
        return None, [], f"no dose is recorded here at the age of {told_age(age)}"
    wanted = _wanted(row, weight)
    if wanted is None:
        return None, [f"weight: the dose of {drug.title} at this age is by weight"], ""
    if weight is not None and weight < row.lightest:
        return None, [], f"no dose is recorded here below {row.lightest:g} kg"
    ceilings, unchecked = _ceilings(row, weight)
    least, bound_by = min(((c, name) for c, name in ceilings), default=(math.inf, ""))
    given = math.floor(min(wanted, least) / drug.step + 1e-9) * drug.step
    if given <= 0:
        return None, [], f"less than {drug.step:g} {drug.unit}, the smallest amount that can be measured out, would be due"
    missing = [f"weight: the ceiling of {drug.title} by weight could not be checked"] if unchecked else []
    status, source = drug.status_of(row)
    found = {
        "amount": round(given, 6),
        "unit": drug.unit,
        "every_hours": row.every,
        "when": row.when or None,
        "most_per_day": _most_per_day(row, weight),
        "course_days": row.course,
        "rule": rule(drug, row),
        "before_rounding": round(min(wanted, least), 6),
        "bound_by": bound_by if least < wanted else None,
        "note": row.note or None,
        "status": status,
        "source": source,
    }
    return found, missing, ""


def _wanted(row: Dose, weight: float | None) -> float | None:
    if row.amount is not None:
        return row.amount.of(weight)
    if weight is None:
        return None
    return next((amount.of(weight) for most, amount in row.bands if weight <= most), None)


def _ceilings(row: Dose, weight: float | None) -> tuple[list[tuple[float, str]], bool]:
    """Each ceiling as an amount per dose with its name, and whether one could not be worked out."""
    times = 24 / row.every if row.every else 1.0
    every = [(m.of(weight), "most per dose") for m in row.most_per_dose]
    every += [(None if (most := m.of(weight)) is None else most / times, "most per day") for m in row.most_per_day]
    return [(most, name) for most, name in every if most is not None], any(most is None for most, _ in every)


def _most_per_day(row: Dose, weight: float | None) -> float | None:
    known = [most for m in row.most_per_day if (most := m.of(weight)) is not None]
    return round(min(known), 6) if known else None


def told_age(age: float) -> str:
    """An age in years in the unit that a clinic would use."""
    if age < 2 / 12:
        return f"{age * 365.25:.0f} days"
    return f"{age * 12:.0f} months" if age < 2 else f"{age:g} years"


def told(amount: Amount, unit: str) -> str:
    """An amount in words."""
    return f"{amount.value:.12g} {unit}{'/kg' if amount.per_kg else ''}"


def rule(drug: Drug, row: Dose) -> str:
    """A row in words: amount, how often, ceilings, how long."""
    bands = ", ".join(f"{told(a, drug.unit)} up to {kg:g} kg" for kg, a in row.bands[:-1])
    bands += f", {told(row.bands[-1][1], drug.unit)} above" if row.bands else ""
    parts = [bands if row.amount is None else told(row.amount, drug.unit), f"every {row.every:g} h" if row.every else row.when]
    if row.most_per_dose:
        parts.append(f"at most {' and '.join(told(m, drug.unit) for m in row.most_per_dose)} a dose")
    if row.most_per_day:
        parts.append(f"at most {' and '.join(told(m, drug.unit) for m in row.most_per_day)} a day")
    parts += [f"for {row.course:g} days"] if row.course else []
    return ", ".join([*parts, *([row.note] if row.note else [])])


def by_age(drug: Drug) -> list[dict[str, Any]]:
    """Every age group in order: its rows, or that none is recorded."""
    found: list[dict[str, Any]] = []
    for group in GROUP_IDS:
        nothing = {"group": group, "ages": None, "dose": None, "status": None, "source": None}
        found += [_row(drug, group, row) for row in drug.doses if group in row.groups] or [nothing]
    return found


def _row(drug: Drug, group: str, row: Dose) -> dict[str, Any]:
    status, source = drug.status_of(row)
    return {"group": group, "ages": _ages(row), "dose": rule(drug, row), "status": status, "source": source}


def _ages(row: Dose) -> str | None:
    parts = [f"from {told_age(row.least_age)}"] if row.least_age else []
    return " ".join([*parts, *([f"below {told_age(row.below_age)}"] if row.below_age < 200 else [])]) or None
