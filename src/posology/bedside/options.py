"""Which doses are laid before a clinician: what may be given, what is near it, and what can be measured out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from posology.bedside.forecast import Outlook, summary
from posology.bedside.view import Verdicts, verdicts
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.safety.limits import Facts, Limit

FEWEST = 3
FINENESS = 0.025  # a dose is rounded down by less than this share of itself


class Option(NamedTuple):
    """An action and what is given: mg per dose as it can be measured out, and that in the action's unit."""

    action: Action
    mg: float
    amount: float


def rounded(mg: float) -> float:
    """A dose in mg rounded down to 1, 2 or 5 times a power of ten, a step below 2.5 % of it.

    Down, so that rounding never passes a limit.
    """
    if mg <= 0:
        return 0.0
    largest = mg * FINENESS
    power = 10.0 ** math.floor(math.log10(largest))
    step = max(m * power for m in (1, 2, 5) if m * power <= largest * (1 + 1e-9))
    return float(f"{math.floor(mg / step + 1e-6) * step:.12g}")


def option(action: Action, covariates: Mapping[str, float]) -> Option:
    """The action for a patient of this size; an amount in mg is given as it stands."""
    size = scale(action.unit, covariates)
    mg = rounded(action.amount * size) if "/" in action.unit else action.amount * size
    return Option(action, mg, mg / size)


def scale(unit: str, covariates: Mapping[str, float]) -> float:
    """mg per unit of dose: the body surface or weight where the unit has one."""
    return covariates["bsa"] if unit.endswith("/m2") else covariates["weight"] if unit.endswith("/kg") else 1.0


def chosen_rows(treatment: Treatment, permitted: np.ndarray, chosen: Action | None) -> tuple[Action, ...]:
    """What is shown: every row that may be given, the next larger one, the standard of care, no dose and
    what is chosen; at least three."""
    table = treatment.actions
    kept = [a for a, ok in zip(table, permitted, strict=True) if ok]
    doses = [a.amount for a in kept if a.interval == treatment.standard.interval]
    larger = [a for a in table if a.amount > max(doses, default=0) and a.interval == treatment.standard.interval]
    none = next((a for a in table if not a.amount), None) or _no_dose(treatment)
    kept += [treatment.standard, none, *([chosen] if chosen else [])]
    kept += sorted(larger, key=lambda a: a.amount)[:1] if doses and max(doses) > 0 else []
    near = sorted(table, key=lambda a: abs(a.amount - 0.8 * treatment.standard.amount))
    shown = dict.fromkeys(kept)
    for a in near:
        if len(shown) < FEWEST:
            shown[a] = None
    return tuple(sorted(shown, key=lambda a: (a.amount > 0, a.interval, a.amount)))


def _no_dose(treatment: Treatment) -> Action:
    return Action("no dose", 0.0, treatment.standard.unit, wait=treatment.standard.wait)


def ranks(outlook: Outlook, allowed: np.ndarray) -> list[int]:
    """1 for the best expected reward; what is not allowed comes after all that is."""
    expected = outlook.reward @ outlook.weight
    order = sorted(range(len(expected)), key=lambda i: (not allowed[i], -expected[i]))
    return [order.index(i) + 1 for i in range(len(expected))]


def judged(treatment: Treatment, facts: Facts, actions: tuple[Action, ...]) -> Verdicts:
    """What the limits say of these actions; rows of the table come from its compiled verdicts."""
    table = verdicts(treatment, facts, treatment.actions)
    columns = []
    for a in actions:
        if a in treatment.actions:
            at = treatment.actions.index(a)
            columns.append((table.permits[:, at], table.permits_more[:, at]))
        else:
            own = verdicts(treatment, facts, (a,))
            columns.append((own.permits[:, 0], own.permits_more[:, 0]))
    return Verdicts(*(np.stack(v, axis=1) for v in zip(*columns, strict=True)))


def about(limit: Limit, effect: str) -> dict[str, str]:
    """A limit in words."""
    return {"name": limit.id, "effect": effect, "sentence": limit.sentence, "source": limit.source, "status": limit.status}


def limits_of(treatment: Treatment, said: Verdicts, i: int) -> list[dict[str, str]]:
    """The limits that forbid option `i`, or that bind there: they permit it and nothing larger."""
    rows = []
    for limit, permits, more in zip(treatment.limits, said.permits[:, i], said.permits_more[:, i], strict=True):
        if not permits or (not more and limit.unit):
            rows.append(about(limit, "binds" if permits else "forbids"))
    return rows


def described(treatment: Treatment, o: Option, i: int, outlook: Outlook) -> dict[str, Any]:
    """What is expected of option `i`: terms, reward and key reading as mean and 90 % interval, harms as
    probabilities."""
    w = outlook.weight
    spec = treatment.spec
    reading = {"name": treatment.key, "unit": treatment.model.reading_units[treatment.key]}
    reading["deciding"] = "at_next_visit" if treatment.window else "lowest"
    return {
        "dose": o.action.amount,
        "unit": o.action.unit,
        "label": o.action.label,
        "mg": o.mg,
        "every_hours": o.action.interval if o.action.amount and o.action.interval else None,
        "duration_hours": o.action.duration if o.action.amount else None,
        "wait_days": o.action.wait,
        "expected": {name: summary(outlook.terms[i, :, t], w) for t, name in enumerate(spec.terms)},
        "harm": {name: float(w @ (outlook.costs[i, :, c] > 0)) for c, name in enumerate(spec.costs)},
        "reward": summary(outlook.reward[i], w),
        "reading": {**reading, "lowest": summary(outlook.lowest[i], w), "at_next_visit": summary(outlook.end[i], w)},
        "to_horizon": None,
    }
