"""The belief about a simulated patient: made of what is known, the same from a record, and of use."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY
from posology.environments.belief import Believer, last_entries, with_belief
from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.patients import particles

KEY = jax.random.key(7)
NAMES = ("paclitaxel-cycles-v1", "phenobarbital-maintenance-v1")
COUNT = 16


@cache
def played(name):
    """Three visits of four patients: the believing environment, observations and states, stacked over time."""
    env = with_belief(TreatmentEnvironment(TREATMENTS[name]), COUNT)
    patients = env.draw(KEY, 4)

    def one(patient):
        state, observation, _ = env.reset(KEY, patient)

        def decide(state, action):
            step = env.step(KEY, state, action, patient)
            return step.state, (step.state, step.observation)

        return (state, observation), jax.lax.scan(decide, state, jnp.array([3, 1, 2]))[1]

    return env, patients, jax.jit(jax.vmap(one))(patients)


@pytest.mark.parametrize("name", NAMES)
def test_the_observation_goes_on_with_the_belief_that_the_spec_names(name):
    env, _, ((_, first), (_, later)) = played(name)
    plain = TREATMENTS[name].spec
    assert first.shape == (4, env.spec.size)
    assert later.shape == (4, 3, env.spec.size)
    assert [f.name for f in env.spec.observation[: plain.size]] == [f.name for f in plain.observation]
    assert np.isfinite(first).all()
    assert np.isfinite(later).all()


@pytest.mark.parametrize("name", NAMES)
def test_predictions_are_ordered_and_a_higher_dose_is_expected_to_do_more(name):
    env, _, (_, (_, later)) = played(name)
    effects = 2 * len(env.believer.prior.names)
    bands = np.asarray(later)[..., TREATMENTS[name].spec.size + effects :].reshape(4, 3, -1, 3)
    assert (np.diff(bands, axis=-1) >= -1e-5).all()
    doses = np.array([a.amount * DAY / (a.interval or DAY) for a in TREATMENTS[name].actions])
    median = bands[..., 1][..., np.argsort(doses)]
    rising = np.diff(median[..., [0, -1]], axis=-1)
    assert ((rising > 0) if TREATMENTS[name].window else (rising < 0)).all()


@pytest.mark.parametrize("name", NAMES)
def test_a_belief_never_sees_the_hidden_patient(name):
    env, patients, ((start, _), (states, _)) = played(name)
    b = env.believer
    other = patients._replace(own=jax.tree.map(lambda v: 2 * v, patients.own))
    inner = jax.tree.map(lambda v: v[:, 0], states.inner)
    visit = jax.jit(jax.vmap(b.visit))
    hidden = inner._replace(x=jax.tree.map(lambda v: v * 0, inner.x))
    for a, c in zip(
        jax.tree.leaves(visit(patients, start.belief, inner)), jax.tree.leaves(visit(other, start.belief, hidden)), strict=True
    ):
        np.testing.assert_array_equal(a, c)


def test_the_belief_from_the_whole_past_is_that_of_the_visits():
    env, patients, (_, (states, _)) = played("paclitaxel-cycles-v1")
    b = env.believer
    last = jax.tree.map(lambda v: v[:, -1], states)

    def whole(patient, state):
        return b.replay(patient, b.past(state.history, state.day * DAY), b.frame)

    again = jax.jit(jax.vmap(whole))(patients, last.inner)
    np.testing.assert_allclose(again.effects, last.belief.effects, atol=1e-4)
    np.testing.assert_allclose(again.log_weight, last.belief.log_weight, atol=2e-3)


def test_a_loading_dose_is_believed_before_the_first_visit():
    _, _, ((start, _), _) = played("phenobarbital-maintenance-v1")
    assert (np.asarray(start.belief.seen) == 1).all()
    assert (np.asarray(start.belief.x.central) > 0).all()


def test_what_a_visit_added_to_the_history_is_found():
    env, _, (_, (states, _)) = played("paclitaxel-cycles-v1")
    inner = jax.tree.map(lambda v: v[0, 1], states.inner)
    entries = last_entries(env.env, inner.history, inner.step)
    dose = TREATMENTS["paclitaxel-cycles-v1"].actions[1].amount
    assert float(entries.time[0]) == 21 * DAY
    assert float(entries.value[0]) > dose  # mg for more than one m2


def test_more_is_known_after_more_was_measured():
    _, _, ((start, _), (states, _)) = played("paclitaxel-cycles-v1")
    spread = lambda belief: np.asarray(jax.vmap(lambda b: particles.moments(b)[1][-1, -1])(belief)).mean()  # noqa: E731
    assert spread(jax.tree.map(lambda v: v[:, -1], states.belief)) < 0.95 * spread(start.belief)


def test_rows_of_a_table_keep_their_order_whatever_is_simulated_together():
    b = Believer(TREATMENTS["paclitaxel-label-v1"], 2)
    patient = jax.tree.map(lambda v: v[0], b.env.draw(KEY, 1))
    expected = jax.jit(lambda p: b.expected(p, b.start(p)))(patient)
    np.testing.assert_allclose(expected.dose[0], b.env.amount)
    np.testing.assert_allclose(expected.days[0], b.env.wait)
    dosed = np.asarray(expected.lowest[:, 1:])
    assert (np.diff(dosed, axis=1) < 0).all()
