"""What is asked of one patient: the record read once, what is believed of it, who doses and what he chooses.

`recommend.py` lays options beside the choice, `explain.py` says why; both begin here, so that they speak of the same choice and
refuse the same records in the same words.
"""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any, NamedTuple

from posology.bedside import other_drugs, rules
from posology.bedside.believed import Believed, believed, covariates_of, subject, told_of
from posology.bedside.doser import Decision, Doser, answered, choice, doser
from posology.bedside.view import View, seen
from posology.data.history import DAY
from posology.data.record import Record, at_hours, check_not_after
from posology.environments.given import in_mg
from posology.environments.records import SIZE_OF, UNDATED, Known, known
from posology.environments.ruled import ruled, rules_of
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.safety.abstain import abstain

DRAWS = 256
At = float | str | datetime | None


class Consultation(NamedTuple):
    """One patient before one decision.

    The treatment as `asked`, and `treatment` with the rules of its drug; `who` doses; the record and the hour of it at which is
    decided; what the rules were `told`, and what they and the patient's other drugs `said`; what is known (`found`) and believed
    (`patient`); what policy and limits see (`view`); the choice, and the `reason` for which nothing is recommended (None: the
    choice stands).
    """

    asked: Treatment
    treatment: Treatment
    who: Doser
    record: Record
    now: float
    told: rules.Told
    said: list[dict[str, Any]]
    found: Known
    patient: Believed
    view: View
    decision: Decision
    reason: str | None


def consult(
    treatment: Treatment, policy: str, record: Record, at: At = None, draws: int = DRAWS, research: bool = False
) -> Consultation:
    """What `policy` chooses for a record, with all that the choice rests on.

    Raises:
        ValueError: as `recommend`.
    """
    check_recommendable(treatment, research)
    now = decision_time(record, at)
    found = read(treatment, record, now)
    who, added, inside = doser(treatment, policy, told_of(treatment, found)), rules_of(treatment), ruled(treatment)
    told = rules.gathered(record, inside, now)
    patient, view = believed(inside, found, draws), seen(inside, found)
    decision = choice(who, inside, found, patient.patient, view)
    said, beside = rules.rows(inside, told, view.facts), other_drugs.rows(record, told.drug)
    reasons = (other_drugs.stops(beside), outside(inside, found, view), rules.stops(told, said, added), decision.reason)
    reason = "; ".join(r for r in reasons if r) or None
    return Consultation(treatment, inside, who, record, now, told, beside + said, found, patient, view, decision, reason)


def answer_for(c: Consultation, record: Record) -> Action | None:
    """What the same chooser would give at the same time, inside the limits, had the record said this; None for nothing."""
    found = read(c.treatment, record, c.now)
    who = subject(c.patient.believer, covariates_of(c.treatment, found))
    return answered(c.who, c.treatment, found, who, seen(c.treatment, found))


def check_recommendable(treatment: Treatment, research: bool = False) -> None:
    """Refuse a treatment that is for research only, unless that is asked for, or has no limits.

    Raises:
        ValueError: saying why.
    """
    if treatment.research_only and not research:
        raise ValueError(f"nothing is recommended from {treatment.id}: {treatment.research_only}")
    if not treatment.limits:
        raise ValueError(f"nothing is recommended from {treatment.id}: it has no limits on what may be given")


def decision_time(record: Record, at: At = None) -> float:
    """The hour of the record at which is decided.

    Raises:
        ValueError: for a time that cannot be read, or entries that lie after it.
    """
    if at is not None:
        now = at_hours(record, at)
        if not math.isfinite(now):
            raise ValueError(f"time {at}: must be a finite number of hours or a date and time with a zone")
        check_not_after(record, now)
        return now
    entries = [d.last_time for d in record.doses if d.status != "planned"] + [o.time for o in record.observations]
    entries += [m.time for values in record.covariates.values() for m in values if m.time is not None]
    planned = [d.time for d in record.doses if d.status == "planned" and d.time >= max(entries, default=-math.inf)]
    return min(planned) if planned else max(entries, default=0.0)


def read(treatment: Treatment, record: Record, now: float, room: int = 0) -> Known:
    """The record as it stands, checked for the size that doses are scaled by; `room` as in `known`.

    Raises:
        ValueError: when a dose per m2 or kg cannot be made mg.
    """
    in_mg(treatment.model)
    found = known(record, treatment, now, room)
    found = found._replace(told=rules.facts(rules.gathered(record, treatment, now)))
    per = treatment.standard.unit.partition("/")[2]
    if per and SIZE_OF[per] not in found.latest:
        name, instead = SIZE_OF[per], ", or height and weight" if per == "m2" else ""
        raise ValueError(f"record '{record.id}', covariate {name}: is missing; doses are per {per}, so give it in {per}{instead}")
    return found


def outside(treatment: Treatment, found: Known, view: View) -> str | None:
    """Why the model may not speak about this patient, or None."""
    values: dict[str, float | None] = {name: v.value for name, v in found.latest.items()}
    ages: dict[str, float | None] = {}
    oldest = {limit.needs[0][0]: dict(limit.numbers)["oldest"] for limit in treatment.limits if limit.id == "anc-gate"}
    if oldest:
        age = float(view.facts.anc_age)
        values["anc"], ages["anc"] = float(view.facts.anc), None if age > -UNDATED / DAY / 2 else age
    return abstain(treatment.model, values, ages, oldest).reason
