"""Why this dose: what moved the choice, what would change it, and what is not known, for one record.

The choice is that of `recommend` for the same record. Each piece carries its own error or extent; the paragraph
(`explanation/narrative.py`) says nothing that is not among them.
"""

from __future__ import annotations

from typing import Any

from posology.bedside import rules
from posology.bedside.alike import neighbours
from posology.bedside.consult import DRAWS, At, Consultation, consult
from posology.bedside.distilled import tree
from posology.bedside.measure_next import next_measurement
from posology.bedside.moved import attribution, counterfactuals
from posology.bedside.recommend import CHOSEN, laid_out, used
from posology.bedside.sentences import DISCLAIMER
from posology.bedside.view import verdicts
from posology.data.record import Record, calendar
from posology.environments.treatment import Treatment
from posology.explanation import narrative


def explain(
    treatment: Treatment, policy: str, record: Record, at: At = None, draws: int = DRAWS, research: bool = False
) -> dict[str, Any]:
    """Why `policy` chooses what it chooses for one patient: plain data in the form of `docs/explain.md`.

    Args and errors are those of `recommend`.
    """
    return explanation(consult(treatment, policy, record, at, draws, research))


def explanation(c: Consultation) -> dict[str, Any]:
    """The answer of `explain` to a consultation."""
    t = c.treatment
    table, (laid, ahead) = laid_out(t, c.patient, c.view, c.decision)
    wanted = (c.decision.action or t.standard).label
    here = next(i for i, o in enumerate(laid) if o.action.label == wanted)
    target = (ahead.end if t.window else ahead.lowest)[here]
    answer: dict[str, Any] = {
        "treatment": t.id,
        "model": t.model.id,
        "policy": c.who.name,
        "patient": c.record.id,
        "time": calendar(c.record, c.now).isoformat() if c.record.start else c.now,
        "chosen": None if c.reason or c.decision.action is None else {k: table[here][k] for k in CHOSEN},
        "abstained": c.reason,
        "options": sorted(table, key=lambda row: row["rank"]),
        "attribution": attribution(c),
        "counterfactual": counterfactuals(c),
        "tree": tree(c),
        "neighbours": neighbours(c, laid, here),
        "next_lab": next_measurement(c, laid[here], target, ahead.weight),
        "trace": narrative.trace(
            t.limits, c.view.facts, t.actions, verdicts(t, c.view.facts, t.actions).permits, c.decision.bound_by
        ),
    }
    answer["sentence"] = narrative.sentence(answer)
    answer["used"] = used(t, c.found) + rules.used(c.told, c.found)
    told = {"fingerprint": c.asked.fingerprint, "not_for": t.not_for, "research_only": t.research_only or None}
    return answer | told | {"disclaimer": DISCLAIMER}
