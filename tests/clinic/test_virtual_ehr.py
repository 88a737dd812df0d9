"""Simulated patients behind FHIR are the environment's own: same seed and same doses, same course."""

from __future__ import annotations

import json
from datetime import timedelta
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.clinic import virtual_ehr as ehr
from posology.clinic.ehr_run import course
from posology.clinic.fhir.parts import instant
from posology.commands import run as command
from posology.data.history import DAY, encode
from posology.data.readers import fhir
from posology.environments.catalogue import treatment
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.records import history_of

from .fhirgate import faults

LABEL = treatment("paclitaxel-label-v1")
SEED, PATIENTS, VISITS = 5, 1, 3


@cache
def policy_run() -> Any:
    """Three visits of the clinical rule through FHIR: what was ordered, and the hospital at the end."""
    return course(LABEL, "clinical-rule", PATIENTS, VISITS, SEED)


@cache
def own_course(patient: int) -> list[Any]:
    """The environment's own states at each visit of this patient under the doses that were ordered."""
    env, key = TreatmentEnvironment(LABEL), jax.random.key(SEED)
    play = jax.jit(lambda s, c, p: env.play(key, s, c, p)[0])
    who = jax.tree.map(lambda v: v[patient], env.draw(key, 7))  # drawn among more: a patient is himself whatever their number
    states = [jax.jit(env.reset)(key, who)[0]]
    for v in [v for v in policy_run()[0] if v.patient == f"virtual-{SEED}-{patient}"]:
        amount = v.mg / float(who.covariates["bsa"])
        states.append(play(states[-1], Chosen(jnp.float32(amount), jnp.float32(v.wait_days), jnp.float32(0)), who))
    return states


def asked(mg: float, state: ehr.State, **more: Any) -> dict[str, Any]:
    told = {"timing": {"event": [instant(ehr.now(state))]}, "doseAndRate": [{"doseQuantity": {"value": mg, "unit": "mg"}}]}
    made = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "dosageInstruction": [told]}
    return made | {"medicationCodeableConcept": {"text": "paclitaxel"}} | more


@cache
def started() -> ehr.State:
    return ehr.begin(LABEL, 2, SEED)


def test_a_policy_through_fhir_meets_the_environments_own_course():
    made, state = policy_run()
    assert len(made) == PATIENTS * VISITS
    assert any(v.mg > 0 for v in made)
    for patient in range(PATIENTS):
        for mine, theirs in zip(jax.tree.leaves(state.courses[patient]), jax.tree.leaves(own_course(patient)[-1]), strict=True):
            # one program follows many patients, the other one: their float32 sums may differ in the last digits
            np.testing.assert_allclose(np.asarray(mine), np.asarray(theirs), rtol=1e-5, atol=1e-9)


def test_what_a_chart_tells_is_the_environments_observation():
    """At each visit the record read from the bundle gives what a policy sees in the environment."""
    env, state = TreatmentEnvironment(LABEL), started()
    observed = jax.jit(env.observe)
    seen_by = jax.jit(lambda history, now: encode(history, now, LABEL.channels, LABEL.days * DAY))
    for patient in range(PATIENTS):
        for course_state in own_course(patient):
            day = float(course_state.day)
            then = ehr.replace(state, day=day, courses=(course_state,) * 2)
            (record,) = fhir.records(ehr.chart(then, patient), "chart")
            history, _ = history_of(record, LABEL, _hours(record, then))
            np.testing.assert_allclose(seen_by(history, day * DAY), observed(course_state), atol=1e-5)


def _hours(record: Any, state: ehr.State) -> float:
    return (ehr.now(state) - record.start) / timedelta(hours=1) if record.start else state.day * DAY


def test_a_chart_is_valid_fhir_and_shows_nothing_that_lies_ahead():
    state = policy_run()[1]
    early = ehr.replace(state, day=8.0)
    before, after = (ehr.chart(s, 0) for s in (early, state))
    assert [f for f in faults(after) if "is not in the bundle" not in f] == []
    dates = [e["resource"].get("effectiveDateTime", "") for e in before["entry"]]
    assert max(dates) <= instant(ehr.now(early)) and len(before["entry"]) < len(after["entry"])
    assert len({e["fullUrl"] for e in after["entry"]}) == len(after["entry"])


def test_orders_are_taken_only_from_those_who_wait_and_time_passes_nobody_over():
    state = started()
    assert ehr.due(state) == (0, 1)
    with pytest.raises(ValueError, match="would pass the visit of virtual-5-0 in 0 days"):
        ehr.advance(state, 1.0)
    state = ehr.order(state, 0, asked(300.0, state))
    assert ehr.due(state) == (1,)
    with pytest.raises(ValueError, match="patient 0: waits for no order: his next visit is on day 21"):
        ehr.order(state, 0, asked(300.0, state))
    state = ehr.wait(state, 1, ehr.waiting(LABEL)[0])
    state = ehr.advance(state, ehr.ends(state))
    assert ehr.due(state) == (1,)
    with pytest.raises(ValueError, match="days: 0 is no time"):
        ehr.advance(state, 0.0)
    with pytest.raises(ValueError, match="patient 2: is not there; allowed: 0 to 1"):
        ehr.wait(state, 2)
    with pytest.raises(ValueError, match="days: 5 is no wait of paclitaxel-label-v1; allowed: "):
        ehr.wait(state, 1, 5.0)


def test_an_order_in_the_unit_of_the_treatment_is_the_same_as_one_in_mg():
    state = started()
    size = float(np.asarray(state.patients.covariates["bsa"])[0])
    told = asked(1.0, state)
    told["dosageInstruction"][0]["doseAndRate"] = [{"doseQuantity": {"value": 150.0, "unit": "mg/m2"}}]
    by_size, by_mass = ehr.order(state, 0, told), ehr.order(state, 0, asked(150.0 * size, state))
    assert float(by_size.courses[0].last_dose) == 150.0
    assert float(by_mass.courses[0].last_dose) == pytest.approx(150.0, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"resourceType": "Observation"}, "order, resourceType: must be MedicationRequest"),
        ({"doNotPerform": True}, "order, MedicationRequest.doNotPerform: must be false"),
        ({"status": "cancelled"}, "order, MedicationRequest.dosageInstruction: must hold one planned dose, got 0"),
        ({"medicationCodeableConcept": {"text": "docetaxel"}}, "medicationCodeableConcept: must be paclitaxel, got 'docetaxel'"),
        ({"subject": {"reference": "Patient/virtual-5-1"}}, "subject.reference: must be Patient/virtual-5-0, got Patient/v"),
        ({"dosageInstruction": [{"timing": {"event": ["2031-01-01T08:00:00Z"]}, "doseAndRate": [
            {"doseQuantity": {"value": 3, "unit": "mg"}}]}]}, "timing: must be within a day of 2030-01-01"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_carried_out_is_refused_with_its_path(change, said):
    state = started()
    with pytest.raises(ValueError) as caught:
        ehr.order(state, 0, asked(300.0, state) | change)
    assert said in str(caught.value)


def test_treatments_that_nobody_can_order_for_and_no_patients_are_refused():
    with pytest.raises(ValueError, match="patients: 0 are too few"):
        ehr.begin(LABEL, 0, 1)


def test_the_command_prints_what_was_seen_and_ordered(capsys):
    numbers = ("--patients", str(PATIENTS), "--visits", str(VISITS), "--seed", str(SEED))
    assert command(["ehr", "run", "paclitaxel-label-v1:clinical-rule", *numbers, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [v["mg"] for v in told["visits"]] == [v.mg for v in policy_run()[0]]
    assert "not a medical device" in told["disclaimer"]
    assert command(["ehr", "run", "paclitaxel-label-v1:nobody", "--patients", "1"]) == 1
    assert "unknown arm 'nobody'" in capsys.readouterr().err
