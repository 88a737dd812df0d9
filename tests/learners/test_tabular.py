"""Tabular learners: the probes, exact values, the formula by hand, cells."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from finite_problems import Indexed, drawn  # noqa: E402
from probes import Probes, begun  # noqa: E402

from posology.learners.loops import advance  # noqa: E402
from posology.learners.planning import finite  # noqa: E402
from posology.learners.planning.value_iteration import ValueIteration  # noqa: E402
from posology.learners.rollout import Episode  # noqa: E402
from posology.learners.tabular import discretise, temporal_difference  # noqa: E402
from posology.learners.tabular.expected_sarsa import ExpectedSarsa  # noqa: E402
from posology.learners.tabular.q_learning import QLearning  # noqa: E402
from posology.learners.tabular.sarsa import Sarsa  # noqa: E402
from posology.policies.tabular import Table  # noqa: E402

LEARNERS = [QLearning, Sarsa, ExpectedSarsa]
ALL = pytest.mark.parametrize("made", LEARNERS, ids=lambda c: c.id)


@cache
def state_of(made, kind):
    learner, env = made(patients=32, discount=0.5, rate=0.3, decay=0.0, explore_over=20, explore_to=0.1), Indexed()
    many = jax.jit(advance(learner, env))
    return many(begun(learner, env, kind), Indexed(kind).draw(None, 64), jnp.int32(80))[0].values


@ALL
def test_the_values_of_the_probes_are_exact(made):
    assert state_of(made, 0)[1].max() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(state_of(made, 1)[jnp.array([2, 0])].max(axis=1), [1.0, -1.0], atol=0.01)
    np.testing.assert_allclose(state_of(made, 2)[1:].max(axis=1), [0.5, 1.0], atol=0.02)
    assert state_of(made, 3)[1].argmax() == 1
    assert state_of(made, 4)[jnp.array([2, 0])].argmax(axis=1).tolist() == [1, 0]
    assert state_of(made, 5)[1].max() == pytest.approx(2.0, abs=0.02)


def learned(made, **settings):
    """Values on a drawn problem after many courses, with steps that shrink."""
    env = drawn(2, steps=200)
    learner = made(patients=256, discount=0.9, rate=1.0, decay=0.7, explore_over=1, **settings)
    many = jax.jit(advance(learner, env))
    return env, many(begun(learner, env), env.draw(None, 512), jnp.int32(300))[0].values


def test_q_learning_finds_the_values_of_the_best_policy_while_it_doses_at_random():
    env, values = learned(QLearning, explore_from=1.0, explore_to=1.0)
    best = ValueIteration(discount=0.9).plan(env.tables, 0).values
    seen = np.isfinite(best) & ~env.tables.terminal[:, None]
    np.testing.assert_allclose(np.asarray(values)[seen], best[seen], atol=0.1)


@pytest.mark.parametrize("made", [Sarsa, ExpectedSarsa], ids=lambda c: c.id)
def test_sarsa_finds_the_values_of_the_policy_that_is_played(made):
    env, values = learned(made, explore_from=1.0, explore_to=1.0)
    t = env.tables
    evenly = t.admissible / t.admissible.sum(axis=1, keepdims=True)
    played = finite.ahead(t, finite.of_policy(t, evenly, 0.9), 0.9)
    seen = np.isfinite(played) & ~t.terminal[:, None]
    np.testing.assert_allclose(np.asarray(values)[seen], played[seen], atol=0.1)


def after(**changes):
    values, mask = jnp.array([1.0, 4.0, 9.0]), jnp.array([True, True, False])
    return temporal_difference.Next(values, mask, action=0, alive=True, epsilon=0.2)._replace(**changes)


def test_what_is_expected_next_by_hand():
    assert temporal_difference.best(after()) == 4.0
    assert temporal_difference.mean(after()) == pytest.approx(0.2 * 2.5 + 0.8 * 4.0)
    from posology.learners.tabular import sarsa

    assert sarsa.expects(after()) == 1.0
    assert sarsa.expects(after(alive=False)) == pytest.approx(temporal_difference.mean(after()))


def test_several_patients_move_a_number_as_far_as_one_after_the_other_would():
    """Two of three patients take dose 1 in state 0 and die with rewards 1 and 3; the third takes dose 0."""
    learner = QLearning(rate=0.5, decay=0.0, patients=3)
    env = drawn(0, states=2, actions=2, steps=1)
    column = lambda *v: jnp.array(v)[:, None]  # noqa: E731
    yes = jnp.ones((3, 1), bool)
    e = Episode(
        jnp.zeros((3, 2, 1)), jnp.ones((3, 2, 2), bool), column(1, 1, 0), jnp.zeros((3, 1), jnp.int32),
        column(1.0, 3.0, 5.0), None, None, yes, ~yes, yes, jnp.ones((3, 1)),
    )  # fmt: skip
    state = begun(learner, env)
    values, visits, error = temporal_difference.learn(learner, temporal_difference.best, state, env.spec, e, 0.1)
    np.testing.assert_allclose(values[0], [0.5 * 5.0, 0.75 * 2.0])
    assert visits[0].tolist() == [1.0, 2.0]
    assert error == pytest.approx(3.0)


def test_k_means_finds_three_clusters_and_ignores_what_is_absent():
    rng = np.random.default_rng(0)
    middles = np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    points = np.concatenate([m + 0.1 * rng.normal(size=(50, 2)) for m in middles] + [np.full((50, 2), 99.0)])
    present = np.arange(200) < 150
    tries = [discretise.k_means(jax.random.key(s), jnp.float32(points), jnp.array(present), 3) for s in range(5)]
    # Lloyd's rounds end in a local optimum: the best of some beginnings is the one to look at
    assert min(np.abs(np.sort(c, axis=0) - np.sort(middles, axis=0)).max() for c in tries) < 0.1


def test_an_observation_falls_into_the_nearest_cell():
    form = Table(2, 2, 2, nearest=True)
    arrays = {
        "table": jnp.array([[1.0, 0.0], [0.0, 1.0]]), "centres": jnp.array([[-1.0, 0.0], [1.0, 0.0]]),
        "observation.mean": jnp.array([10.0, 0.0]), "observation.sd": jnp.array([2.0, 1.0]),
    }  # fmt: skip
    policy = form.policy("made", arrays)
    both, only = jnp.array([True, True]), jnp.array([True, False])
    assert policy.act(None, jnp.array([8.5, 0.0]), both, ())[0] == 0
    assert policy.act(None, jnp.array([11.5, 0.0]), both, ())[0] == 1
    assert policy.act(None, jnp.array([11.5, 0.0]), only, ())[0] == 0


def test_cells_tell_observations_of_numbers_apart():
    env = Probes(4)  # the right dose depends on the sign of the observation
    learner = QLearning(patients=32, cells=4, discount=0.5, explore_over=20)
    many = jax.jit(advance(learner, env))
    state, metrics = many(begun(learner, env), env.draw(None, 64), jnp.int32(60))
    policy = learner.policy(learner.parameters(state), env.spec)
    chosen = [int(policy.act(None, jnp.array([cue]), jnp.ones(2, bool), ())[0]) for cue in (-1.0, 1.0)]
    assert chosen == [0, 1]
    assert 0 < metrics["cells_seen"] <= 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"cells": 0}, "cells is 0"), ({"rate": 1.5}, "rate is 1.5"), ({"explore_to": -0.1}, "explore_to is -0.1")],
)
def test_impossible_settings_are_named(changes, says):
    with pytest.raises(ValueError, match=says):
        QLearning(**changes)
