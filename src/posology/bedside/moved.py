"""What moved a choice, and which change of one fact would have: the policy asked again about records that say something else."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np

from posology.bedside.consult import Consultation, answer_for
from posology.bedside.facts import Fact, facts_to_change
from posology.bedside.inputs import inputs_of
from posology.bedside.sentences import spelled
from posology.environments.ruled import usual_dose
from posology.environments.spec import Action
from posology.explanation import counterfactual
from posology.explanation.attribution import attribute


def attribution(c: Consultation) -> dict[str, Any]:
    """Shapley values of the amount chosen; see `explanation/attribution.py` and `inputs.py`."""
    inputs = inputs_of(c)
    n, unit = len(inputs.each), usual_dose(c.treatment)[1]

    def worth(own: frozenset[int]) -> float:
        return _amount(c, answer_for(c, inputs.with_typical(frozenset(range(n)) - own)))

    a = attribute(worth, n)
    rows = [
        {"name": i.name, "kind": i.kind, "value": float(v), "error": float(e), "said": i.said, "typically": i.typically}
        for i, v, e in zip(inputs.each, a.values, a.errors, strict=True)
    ]
    return {
        "of": "amount chosen",
        "chosen": _label(c.decision.action),
        "unit": unit,
        "typical": a.typical,
        "actual": a.actual,
        "inputs": sorted(rows, key=lambda r: -abs(r["value"])),
        "method": a.method,
        "subsets": a.asked,
        "least": _step(c) / 10,
    }


def _amount(c: Consultation, action: Action | None) -> float:
    """What an action gives, by day where the treatment's doses are repeated until the next visit."""
    if action is None or not action.amount:
        return 0.0
    return float(action.amount * 24.0 / action.interval if c.treatment.standard.interval and action.interval else action.amount)


def _label(action: Action | None) -> str:
    return action.label if action else "no dose"


def _step(c: Consultation) -> float:
    """The smallest difference between two doses of the table."""
    amounts = sorted({round(_amount(c, a), 6) for a in c.treatment.actions if a.amount})
    return float(min(np.diff(amounts), default=amounts[0] if amounts else 1.0))


def counterfactuals(c: Consultation) -> dict[str, Any]:
    """Of each fact the smallest change to a lower and to a higher dose, the smallest of all first."""
    facts, found = facts_to_change(c), dict[str, list[dict[str, Any]]](lower=[], higher=[])
    for fact in facts:
        labels: dict[float, str] = {}

        def amount(value: float, fact: Fact = fact, labels: dict[float, str] = labels) -> float:
            action = answer_for(c, fact.at(value))
            labels[value] = _label(action)
            return _amount(c, action)

        for kind, change in counterfactual.changes(amount, fact.value, fact.low, fact.high).items():
            found[kind].append(_change(c, fact, change, labels[change.value]))
    rows = {kind: sorted(rows, key=lambda r: r["factor"]) for kind, rows in found.items()}
    told = [
        {"name": f.name, "time": f.time, "value": f.value, "unit": f.unit, "low": f.low, "high": f.high,
         "step": counterfactual.gap(f.value, f.low, f.high)}
        for f in facts
    ]  # fmt: skip
    return rows | {"facts": told}


def _change(c: Consultation, fact: Fact, change: counterfactual.Change, label: str) -> dict[str, Any]:
    """A change in plain data."""
    shown = "" if fact.unit == "1" else f" {spelled(fact.unit)}"
    said = f"If {fact.name}{_on(fact)} had been {change.value:.3g} instead of {fact.value:.3g}{shown}"
    return {
        "name": fact.name,
        "time": fact.time,
        "recorded": fact.value,
        "value": change.value,
        "not_yet_at": change.before,
        "unit": fact.unit,
        "dose": change.amount,
        "dose_unit": usual_dose(c.treatment)[1],
        "label": label,
        "factor": change.size(fact.value),
        "sentence": f"{said}, the choice would have been {label} instead of {_label(c.decision.action)}.",
    }


def _on(fact: Fact) -> str:
    if fact.time is None:
        return ""
    if isinstance(fact.time, float):
        return f" at {fact.time:g} h"
    return f" on {datetime.fromisoformat(fact.time):%-d %B}"
