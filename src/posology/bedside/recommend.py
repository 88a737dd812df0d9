"""From a record to a recommendation: options with what they are expected to bring, one of them chosen.

The posterior of this patient (`believed.py`) goes through the next interval under every option
(`forecast.py`); limits, the rules of the drug among them (`rules.py`), say what may be given (`view.py`), the policy chooses
inside them (`doser.py`), and where the model does not know such a patient, or a needed value is missing or old, nothing is
chosen.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from posology.bedside import options as shown
from posology.bedside import rules, sentences
from posology.bedside.believed import Believed, departures
from posology.bedside.consult import DRAWS, At, Consultation, consult, read
from posology.bedside.doser import Decision, Doser
from posology.bedside.forecast import Outlook, outlook
from posology.bedside.horizon import follow
from posology.bedside.missing import missing
from posology.bedside.view import View, verdicts
from posology.data.record import Record, calendar
from posology.environments.records import Known, Value
from posology.environments.treatment import Treatment

CHOSEN = ("dose", "unit", "label", "mg", "every_hours", "duration_hours", "wait_days", "rank")


def recommend(
    treatment: Treatment,
    policy: str,
    record: Record,
    at: At = None,
    draws: int = DRAWS,
    to_horizon: bool = False,
    research: bool = False,
) -> dict[str, Any]:
    """What to give one patient next: plain data in the form of `docs/recommend.md`.

    Args:
        policy: an arm of the treatment (`standard`, `ensemble-greedy`, …) or the folder of a run.
        at: hours of the record or a calendar time; by default that of the next planned dose, else of
            the last entry.
        draws: of the posterior.
        to_horizon: also follow the policy after each option until the end of the course (slower).
        research: also for a treatment that is marked for research only; the answer says why it is.

    Raises:
        ValueError: one sentence, for a treatment that nothing is recommended from, an unknown arm, entries
            after `at`, a missing size, a unit, a drug or a genotype that cannot be understood.
    """
    return recommended(consult(treatment, policy, record, at, draws, research), to_horizon)


def recommended(c: Consultation, to_horizon: bool = False) -> dict[str, Any]:
    """The answer of `recommend` to a consultation."""
    treatment, who, patient, view, decision, reason = c.treatment, c.who, c.patient, c.view, c.decision, c.reason
    table, laid = laid_out(treatment, patient, view, decision)
    if to_horizon:
        room = patient.believer.env.per_step * treatment.spec.max_steps
        later = follow(treatment, who, read(treatment, c.record, c.now, room), patient, laid[0])
        table = [row | {"to_horizon": sums} for row, sums in zip(table, later, strict=True)]
    answer = _answer(treatment, who, c.record, c.now, c.found, patient, view, decision, reason, table, laid[1])
    answer["missing"][:0] = rules.lacking(c.told)
    answer["used"] += rules.used(c.told, c.found)
    return answer | {"fingerprint": c.asked.fingerprint, "rules": c.said}


def laid_out(
    treatment: Treatment, patient: Believed, view: View, decision: Decision
) -> tuple[list[dict[str, Any]], tuple[tuple[shown.Option, ...], Outlook]]:
    """The rows of a table of options, and what they were made from: the options and what each would bring."""
    permitted = verdicts(treatment, view.facts, treatment.actions).allowed
    actions = shown.chosen_rows(treatment, permitted, decision.action)
    laid = tuple(shown.option(a, patient.covariates) for a in actions)
    ahead = outlook(treatment, patient, actions, [o.amount for o in laid])
    said = shown.judged(treatment, view.facts, actions)
    order = shown.ranks(ahead, said.allowed)
    rows = []
    for i, o in enumerate(laid):
        row = shown.described(treatment, o, i, ahead)
        row |= {"rank": order[i], "allowed": bool(said.allowed[i]), "limits": shown.limits_of(treatment, said, i)}
        row["is_standard"] = o.action == treatment.standard
        rows.append(row)
    return rows, (laid, ahead)


def _answer(
    treatment: Treatment, who: Doser, record: Record, now: float, found: Known, patient: Believed, view: View,
    decision: Decision, reason: str | None, table: list[dict[str, Any]], ahead: Outlook,
) -> dict[str, Any]:  # fmt: skip
    rows = {row["label"]: i for i, row in enumerate(table)}
    at = rows[(decision.action or treatment.standard).label]
    chosen = None if reason or decision.action is None else table[at]
    return {
        "treatment": treatment.id,
        "model": treatment.model.id,
        "policy": who.name,
        "patient": record.id,
        "time": calendar(record, now).isoformat() if record.start else now,
        "options": sorted(table, key=lambda row: row["rank"]),
        "chosen": chosen and {k: chosen[k] for k in CHOSEN},
        "bound_by": decision.bound_by,
        "abstained": reason,
        "explanation": _explained(treatment, who, found, patient, chosen, decision, reason, table),
        "missing": missing(treatment, found, patient, view.facts, (ahead.end if treatment.window else ahead.lowest)[at]),
        "used": used(treatment, found),
        "draws": {"number": len(ahead.weight), "effective": round(float(1 / np.sum(ahead.weight**2)), 1)},
        "not_for": treatment.not_for,
        "research_only": treatment.research_only or None,
        "disclaimer": sentences.DISCLAIMER,
    }


def _explained(
    treatment: Treatment, who: Doser, found: Known, patient: Believed, chosen: dict[str, Any] | None,
    decision: Decision, reason: str | None, table: list[dict[str, Any]],
) -> dict[str, Any]:  # fmt: skip
    rows = departures(patient)
    why = [f"No dose is recommended: {reason}."] if reason else []
    if chosen:
        why = sentences.why_sentences(treatment, who.name, chosen, decision.bound_by)
    return {
        "known": sentences.known_sentences(found),
        "differs": sentences.difference_sentences(rows),
        "why": why,
        "disagreement": sentences.disagreement(chosen, min(table, key=lambda row: row["rank"])) if chosen else None,
        "parameters": [r._asdict() for r in rows],
    }


def used(treatment: Treatment, found: Known) -> list[dict[str, Any]]:
    """Everything that entered: covariates, measurements and doses with value, unit, age and source."""
    now = found.begin + found.now
    rows = []
    for v in found.latest.values():
        source = v.source + ("" if v.time is None or v.time == now else ", carried forward")
        rows.append(_entry("covariate", v, now, source))
    for m in found.measured:
        limit = m._replace(value=2 * m.value) if m.below else m
        rows.append(_entry("measurement", limit, now, m.source) | {"below": m.below})
    for d in found.doses:
        source = "record" if d.recorded else "steady state"
        rows.append(_entry("dose", Value("dose", d.amount, "mg", d.time, source), now, source))
    return rows


def _entry(kind: str, v: Value, now: float, source: str) -> dict[str, Any]:
    age = None if v.time is None else now - v.time
    return {"kind": kind, "name": v.name, "value": v.value, "unit": v.unit, "age_hours": age, "source": source}
