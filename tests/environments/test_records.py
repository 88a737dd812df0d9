"""A record gives the observation that the simulated patient gave: the history is all a policy knows."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY, encode, latest
from posology.data.readers import read, to_long_csv, write
from posology.data.record import from_dict
from posology.environments.catalogue import TREATMENTS
from posology.environments.facts import facts_of
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.records import history_of, known, record_of
from posology.safety.shield import offered

KEY = jax.random.key(5)
LABEL = TREATMENTS["paclitaxel-label-v1"]
NAMES = [c.name for c in LABEL.channels]


@cache
def episodes(name):
    """Three patients after the first visit and after some more: states, observations, masks."""
    env = TreatmentEnvironment(TREATMENTS[name])
    rows = [i for i, a in enumerate(env.treatment.actions) if not a.delay]

    @jax.jit
    @jax.vmap
    def one(patient):
        first = env.reset(KEY, patient)

        def visit(before, wanted):
            state, _, mask = before
            step = env.step(KEY, state, jnp.where(mask[wanted], wanted, jnp.argmax(mask)), patient)
            after = (step.state, step.observation, step.mask)
            return after, after

        later = jax.lax.scan(visit, first, jnp.array([rows[(5 * t + 1) % len(rows)] for t in range(3)]))[1]
        return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), first, later)

    return env.treatment, one(env.draw(KEY, 3))


@cache
def seen(name):
    """What a policy of a treatment sees of a history, and which rows are open: compiled once for all kinds of files."""
    t = TREATMENTS[name]
    offers = lambda h, now: offered(t.limits, t.spec, facts_of(h, now, t))[0]  # noqa: E731
    return jax.jit(lambda h, now: encode(h, now, t.channels, t.days * DAY)), jax.jit(offers)


def policy(treatment, observation, mask):
    """Some fixed function of the observation."""
    weights = np.random.default_rng(1).normal(size=(len(treatment.actions), len(observation)))
    return int(np.argmax(np.where(mask, weights @ np.asarray(observation), -np.inf)))


@pytest.mark.parametrize("kind", ["json", "fhir", "csv", "nonmem"])
@pytest.mark.parametrize("name", TREATMENTS)
def test_an_episode_written_as_a_record_gives_the_same_observation_mask_and_dose(tmp_path, name, kind):
    t, kept = episodes(name)
    encoded, offers = seen(name)
    for i, visit in [(0, 0), (0, 1), (0, 3), (1, 3), (2, 2)]:
        state, observation, mask = jax.tree.map(lambda v, at=(i, visit): v[at], kept)
        now = float(state.day) * DAY
        record = record_of(t, state.history, now, f"simulated {i}")
        if kind == "nonmem":  # it has no names of drugs
            if any(d.status == "missed" for d in record.doses):
                continue
            record = record.model_copy(update={"doses": tuple(d.model_copy(update={"drug": ""}) for d in record.doses)})
        path = tmp_path / f"{i}-{visit}.{'csv' if kind in ('csv', 'nonmem') else 'json'}"
        write(record, path, kind)
        history, _ = history_of(read(path), t, now)
        again = encoded(history, now)
        np.testing.assert_allclose(again, observation, atol=1e-6)
        open_rows = offers(history, now) if t.limits else jnp.ones(len(t.actions), bool)
        np.testing.assert_array_equal(open_rows, mask)
        assert policy(t, again, open_rows) == policy(t, observation, mask)


def test_an_episode_that_began_with_a_wait_keeps_its_calendar():
    t, kept = episodes("paclitaxel-label-v1")
    state = jax.tree.map(lambda v: v[0, 0], kept)[0]
    record = record_of(t, state.history, 7 * DAY, "waited")
    assert [(d.time, d.status) for d in record.doses] == [(0.0, "missed")]
    assert known(record, t, 7 * DAY).now == 7 * DAY


def patient(**changes):
    raw = {
        "id": "P1",
        "covariates": {
            "male": {"value": 0, "unit": "1"},
            "age": {"value": 61, "unit": "a"},
            "bsa": {"value": 1.8, "unit": "m2"},
            "bilirubin": {"value": 10, "unit": "umol/L"},
            "baseline_anc": {"value": 5.5, "unit": "10*9/L", "time": -2},
        },
        "doses": [{"time": 0, "amount": 315, "unit": "mg", "duration": 3, "drug": "paclitaxel"}],
        "observations": [{"time": 240, "name": "anc", "value": 1.1, "unit": "10*9/L"}],
    }
    for name, value in changes.items():
        place = raw["covariates"] if name in ("covariates",) else raw
        if name == "covariates":
            place |= value
            raw["covariates"] = {k: v for k, v in place.items() if v is not None}
        else:
            raw[name] = value
    return from_dict(raw)


def value_of(found, name, now=None):
    value, age = latest(jax.tree.map(jnp.asarray, found.history), NAMES.index(name), found.now if now is None else now)
    return float(value), float(age)


def test_units_are_converted_to_those_of_the_channels():
    observed = [{"time": 240, "name": "neutrophils", "value": 1100, "unit": "/uL"}]
    found = known(
        patient(covariates={"bilirubin": {"value": 0.6, "unit": "mg/dL"}}, observations=observed), LABEL, 504.0
    )
    assert value_of(found, "bilirubin")[0] == pytest.approx(0.6 * 17.104, rel=1e-3)
    assert value_of(found, "anc") == (pytest.approx(1.1), 264.0)


@pytest.mark.parametrize(
    ("dose", "mg"),
    [
        ({"amount": 0.3, "unit": "g"}, 300.0),
        ({"amount": 175, "unit": "mg/m2"}, 315.0),
        ({"amount": 351.3, "unit": "umol"}, 351.3 * 0.8539),
    ],
)
def test_doses_are_brought_to_mg(dose, mg):
    found = known(patient(doses=[{"time": 0, "duration": 3, **dose}]), LABEL, 504.0)
    assert found.doses[0].amount == pytest.approx(mg, rel=1e-6)


def test_surface_area_by_mosteller_is_said():
    record = patient(
        covariates={"bsa": None, "height": {"value": 170, "unit": "cm"}, "weight": {"value": 72, "unit": "kg"}}
    )
    found = known(record, LABEL, 504.0)
    assert found.latest["bsa"].value == pytest.approx((170 * 72 / 3600) ** 0.5)
    assert any("Mosteller" in note for note in found.notes)


def test_the_last_value_is_carried_forward_and_said():
    twice = [{"time": 0, "value": 8, "unit": "umol/L"}, {"time": 100, "value": 16, "unit": "umol/L"}]
    found = known(patient(covariates={"bilirubin": twice}), LABEL, 504.0)
    assert value_of(found, "bilirubin") == (16.0, 404.0)
    assert value_of(found, "bilirubin", now=50.0)[0] == 8.0
    assert any(note.startswith("bilirubin 16 umol/L was measured 16.8 days before") for note in found.notes)


@pytest.mark.parametrize(
    ("covariate", "male"),
    [
        ({"female": {"value": 1, "unit": "1"}}, 0.0),
        ({"sex": {"value": 1, "unit": "1"}}, 1.0),
        ({"sex": {"value": 2, "unit": "1"}}, 0.0),
    ],
)
def test_male_is_read_from_sex_and_said(covariate, male):
    found = known(patient(covariates={"male": None, **covariate}), LABEL, 504.0)
    assert found.latest["male"].value == male
    assert any(note.startswith("male: from ") for note in found.notes)


def test_a_code_of_sex_that_could_mean_either_is_refused():
    with pytest.raises(ValueError, match="covariate sex: 0 says neither male"):
        known(patient(covariates={"male": None, "sex": {"value": 0, "unit": "1"}}), LABEL, 504.0)


def test_the_count_before_the_first_dose_is_the_baseline():
    observed = [
        {"time": -30, "name": "anc", "value": 4.4, "unit": "10*9/L"},
        {"time": 240, "name": "anc", "value": 1.1, "unit": "10*9/L"},
    ]
    found = known(patient(covariates={"baseline_anc": None}, observations=observed), LABEL, 504.0)
    assert value_of(found, "baseline_anc")[0] == pytest.approx(4.4)
    assert value_of(found, "anc") == (pytest.approx(1.1), 264.0)
    assert int(np.sum(found.history.present & (found.history.what == NAMES.index("anc")))) == 1


def test_an_undated_baseline_opens_no_gate():
    record = patient(covariates={"baseline_anc": {"value": 5.5, "unit": "10*9/L"}}, doses=[], observations=[])
    facts = facts_of(jax.tree.map(jnp.asarray, known(record, LABEL, 0.0).history), 0.0, LABEL)
    assert float(facts.anc) == 5.5 and float(facts.anc_age) > 1000


def test_additional_and_steady_state_doses_are_written_out_and_planned_ones_left_out():
    doses = [
        {"time": 0, "amount": 10, "unit": "mg", "ii": 12, "addl": 3},
        {"time": 60, "amount": 20, "unit": "mg", "status": "planned"},
        {"time": 48, "amount": 30, "unit": "mg", "drug": "docetaxel"},
    ]
    found = known(patient(doses=doses), LABEL, 30.0)
    assert [d.time for d in found.doses] == [0.0, 12.0, 24.0]
    assert any("docetaxel were left out" in note for note in found.notes)
    steady = known(patient(doses=[{"time": 0, "amount": 10, "unit": "mg", "ii": 24, "ss": True}]), LABEL, 30.0)
    assert [d.time for d in steady.doses][-2:] == [-24.0, 0.0] and len(steady.doses) == 31
    assert any("steady state" in note for note in steady.notes)


@pytest.mark.parametrize(
    ("drug", "said"), [("paclitaxel protein-bound", "docs"), ("paclitaxel sodium", "may or may not be paclitaxel")]
)
def test_a_drug_of_another_mass_is_not_taken_for_this_one(drug, said):
    record = patient(doses=[{"time": 0, "amount": 10, "unit": "mg", "drug": drug}])
    if said == "docs":
        assert known(record, LABEL, 10.0).doses == ()
    else:
        with pytest.raises(ValueError, match=said):
            known(record, LABEL, 10.0)


def test_a_censored_value_is_half_its_limit_for_the_policy_and_censored_for_the_likelihood():
    observed = [{"time": 240, "name": "anc", "value": 0.2, "unit": "10*9/L", "below": True}]
    found = known(patient(observations=observed), LABEL, 504.0)
    assert value_of(found, "anc")[0] == pytest.approx(0.1)
    assert found.measured[0].below
    assert "half of it" in " ".join(found.notes)


def test_later_entries_are_not_read():
    found = known(patient(), LABEL, 100.0)
    assert np.isnan(value_of(found, "anc")[0])


def test_more_entries_than_can_be_held_are_refused():
    doses = [{"time": 0, "amount": 10, "unit": "mg", "ii": 1, "addl": 5000}]
    with pytest.raises(ValueError, match="the record has 50.. entries; at most 4096"):
        known(patient(doses=doses), LABEL, 6000.0)


def test_a_long_csv_of_an_episode_holds_only_what_was_seen():
    t, kept = episodes("paclitaxel-label-v1")
    state = jax.tree.map(lambda v: v[0, 3], kept)[0]
    text = to_long_csv(record_of(t, state.history, float(state.day) * DAY, "x"))
    assert "sl" not in text.split("\n")[0] and text.count("covariate") == 5
