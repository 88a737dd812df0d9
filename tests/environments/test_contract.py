"""One contract for every treatment of the catalogue."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY, History, encode
from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import guideline

KEY = jax.random.key(3)
FINGERPRINTS = Path(__file__).parents[1] / "fingerprints.json"


@cache
def environment(name):
    return TreatmentEnvironment(TREATMENTS[name])


@cache
def player(name):
    """(patients, rows) → what was known at the start, and all steps, stacked over time."""
    env = environment(name)

    def one(patient, actions):
        state, observation, mask = env.reset(KEY, patient)

        def step(state, action):
            out = env.step(KEY, state, action, patient)
            return out.state, out

        return (observation, mask), jax.lax.scan(step, state, actions)[1]

    return jax.jit(jax.vmap(one, in_axes=(0, None)))


def course(name, actions):
    """Three patients, each dosed with the same rows of the table."""
    t = environment(name).treatment
    taken = jnp.array(actions) if t.spec.discrete else jnp.array([t.actions[i].amount for i in actions])
    return player(name)(environment(name).draw(KEY, 3), taken)


def some_actions(name):
    env = environment(name)
    rows = [i for i, a in enumerate(env.treatment.actions) if not a.delay]
    return tuple(rows[(5 * t) % len(rows)] for t in range(min(3, env.spec.max_steps)))


@pytest.mark.parametrize("name", TREATMENTS)
def test_patients_do_not_depend_on_how_many_are_drawn(name):
    few, many = environment(name).draw(KEY, 3), environment(name).draw(KEY, 8)
    for a, b in zip(jax.tree.leaves(few), jax.tree.leaves(many), strict=True):
        np.testing.assert_array_equal(a, b[:3])


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_same_doses_give_the_same_course(name):
    first = course(name, some_actions(name))
    second = course(name, some_actions(name))
    for a, b in zip(jax.tree.leaves(first), jax.tree.leaves(second), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("name", TREATMENTS)
def test_shapes_reward_and_flags_are_as_the_spec_says(name):
    spec = environment(name).spec
    (observation, mask), steps = course(name, some_actions(name))
    assert observation.shape == (3, spec.size)
    assert observation.dtype == jnp.float32
    assert mask.shape == (3, len(environment(name).treatment.actions))
    assert spec.discrete or (not spec.actions and spec.low < spec.high and spec.action_unit)
    assert mask.any(axis=1).all()
    assert steps.terms.shape[-1] == len(spec.terms)
    assert steps.costs.shape[-1] == len(spec.costs)
    assert np.isfinite(steps.observation).all()
    np.testing.assert_allclose(steps.reward, steps.terms @ np.array(spec.weights), rtol=1e-5, atol=1e-6)
    assert not (steps.terminated & steps.truncated).any()


@pytest.mark.parametrize("name", TREATMENTS)
def test_equal_doses_give_equal_days_whatever_came_later(name):
    """Two courses that part at the third decision agree before it, noise included."""
    actions = some_actions(name)
    other = (*actions[:-1], actions[0])
    a, b = course(name, actions)[1], course(name, other)[1]
    before = len(actions) - 1
    np.testing.assert_array_equal(a.observation[:, :before], b.observation[:, :before])


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_observation_follows_from_the_history_alone(name):
    """The history written out as plain rows in any order, and read back, gives the same observation."""
    t = environment(name).treatment
    _, steps = course(name, some_actions(name))
    last = jax.tree.map(lambda v: v[0, -1], steps.state)
    rows = [tuple(map(float, row)) for row in zip(*last.history, strict=True) if row[-1]]
    rows = [rows[i] for i in np.random.default_rng(0).permutation(len(rows))]
    columns = [jnp.array(c) for c in zip(*json.loads(json.dumps(rows)), strict=True)]
    history = History(columns[0], columns[1].astype(int), columns[2], columns[3], columns[4].astype(bool))
    again = encode(history, last.day * DAY, t.channels, t.days * DAY)
    np.testing.assert_allclose(again, steps.observation[0, -1], atol=1e-6)


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_history_holds_no_hidden_state(name):
    """Another patient of the same observations would be treated alike: only measured kinds are kept."""
    t = environment(name).treatment
    readings = {s.reading for s in t.samples}
    covariates = {c.name for c in t.model.covariates} | set(t.population)
    for channel in t.channels:
        allowed = {"reading": readings, "covariate": covariates, "dose": {"dose"}}[channel.kind]
        assert channel.name in allowed


@pytest.mark.parametrize("name", TREATMENTS)
def test_the_history_holds_every_dose_at_its_time(name):
    env, actions = environment(name), some_actions(name)
    t, patients = env.treatment, env.draw(KEY, 3)
    _, steps = course(name, actions)
    state = jax.tree.map(lambda v: v[0, -1], steps.state)
    patient = jax.tree.map(lambda v: v[0], patients)
    expected, now = [], 0.0
    for a in [*([t.loading] if t.loading else []), *(t.actions[i] for i in actions)]:
        times = np.arange(0.0, a.wait * DAY, a.interval) if a.interval else [0.0]
        expected += [(now + when, float(env.recorded(a.amount, patient))) for when in times if a.amount > 0]
        now += a.wait * DAY
    mine = state.history.present & (state.history.what == env.names.index("dose"))
    found = sorted(zip(np.asarray(state.history.time[mine]), np.asarray(state.history.value[mine]), strict=True))
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert float(state.day) * DAY == now


@pytest.mark.parametrize("name", TREATMENTS)
def test_some_dose_is_open_at_the_first_visit_and_the_standard_is_a_row(name):
    t = environment(name).treatment
    (_, mask), _ = course(name, some_actions(name))
    doses = np.array([a.amount > 0 for a in t.actions])
    assert (mask & doses).any(axis=1).all()
    assert t.standard in t.actions


@pytest.mark.parametrize("name", TREATMENTS)
def test_every_baseline_is_a_known_arm(name):
    for baseline in environment(name).treatment.baselines:
        assert guideline(baseline, environment(name)).name == baseline


def test_a_changed_treatment_needs_a_new_version():
    stored = json.loads(FINGERPRINTS.read_text())
    assert {name: t.fingerprint for name, t in TREATMENTS.items()} == stored


@pytest.mark.parametrize("name", TREATMENTS)
def test_every_number_of_a_treatment_is_described(name):
    t = TREATMENTS[name]
    assert t.question.endswith("?")
    assert t.not_for
    assert t.source
    assert all(term.meaning for term in t.terms)
