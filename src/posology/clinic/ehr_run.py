"""A policy run against the virtual hospital through the interfaces that a real one has: chart in, proposal out, order back.

Nothing but FHIR goes between the two: the record is read from the patient's bundle, the recommendation is exported as a bundle,
and its MedicationRequest is the order. Where nothing is proposed, the patient waits.
"""

from __future__ import annotations

from typing import NamedTuple

from posology.bedside.recommend import recommend
from posology.clinic import virtual_ehr as ehr
from posology.clinic.fhir.export import recommended
from posology.clinic.fhir.parts import of_kind
from posology.data.readers import fhir
from posology.environments.treatment import Treatment


class Visit(NamedTuple):
    """What was seen and ordered at one visit: `day` of the calendar, the last value of the key reading (None: no value yet),
    what was ordered (mg of one dose, 0 for none), days until the next visit, and why nothing was recommended."""

    patient: str
    visit: int
    day: float
    reading: str
    seen: float | None
    unit: str
    ordered: str
    mg: float
    wait_days: float
    abstained: str | None


def run(treatment: Treatment, policy: str, patients: int, visits: int, seed: int, research: bool = False) -> list[Visit]:
    """So many visits of each patient, or until his course ends; in the order of the calendar.

    Raises:
        ValueError: for an unknown policy, or a treatment that nothing is recommended from.
    """
    return course(treatment, policy, patients, visits, seed, research)[0]


def course(
    treatment: Treatment, policy: str, patients: int, visits: int, seed: int, research: bool = False
) -> tuple[list[Visit], ehr.State]:
    """The visits, and the hospital at the last of them."""
    state, made = ehr.begin(treatment, patients, seed), list[Visit]()
    counted = [0] * patients
    while True:
        for patient in ehr.due(state):
            if counted[patient] < visits:
                counted[patient] += 1
                state, visit = _visit(state, patient, counted[patient], policy, research)
                made.append(visit)
        open_ones = [i for i in range(patients) if counted[i] < visits and not state.ended[i]]
        if not open_ones:
            return made, state
        state = ehr.until(state, open_ones)


def _visit(state: ehr.State, patient: int, number: int, policy: str, research: bool) -> tuple[ehr.State, Visit]:
    t, day = state.treatment, state.day
    (record,) = fhir.records(ehr.chart(state, patient), "chart")
    answer = recommend(t, policy, record, ehr.now(state), research=research)
    chosen = answer["chosen"]
    proposed = of_kind(recommended(answer, record, ehr.now(state)), "MedicationRequest")
    if proposed:
        state = ehr.order(state, patient, proposed[0])
    else:
        state = ehr.wait(state, patient, chosen["wait_days"] if chosen else None)
    values = [(m["age_hours"], m["value"]) for m in answer["used"] if m["kind"] == "measurement" and m["name"] == t.key]
    visit = Visit(
        record.id, number, day, t.key, min(values)[1] if values else None, t.model.reading_units[t.key],
        chosen["label"] if chosen else "nothing recommended", chosen["mg"] if chosen else 0.0,
        float(state.courses[patient].day) - day, answer["abstained"],
    )  # fmt: skip
    return state, visit
