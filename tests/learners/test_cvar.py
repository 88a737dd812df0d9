"""The worst share of courses: its formula by hand, and a gamble whose best mean and best worst share differ."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from finite_problems import gamble  # noqa: E402
from probes import begun  # noqa: E402

from posology.environments.finite import FiniteEnvironment  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.learners.rollout import Episode  # noqa: E402
from posology.learners.safe.cvar_ppo import CVaRPPO, at_the_end, tail  # noqa: E402

RETURNS = jnp.array([3.0, 0.0, 2.0, 1.0])
SMALL = {"patients": 256, "repeats": 1, "minibatches": 2, "epochs": 4, "hidden": (16,), "entropy": 0.0, "learning_rate": 5e-3}


@pytest.mark.parametrize(
    ("share", "at", "mean", "short"),
    [
        (0.25, 0.0, 0.0, [0, 0, 0, 0]),
        (0.375, 1.0, 1 / 3, [0, -8 / 3, 0, 0]),
        (0.5, 1.0, 0.5, [0, -2, 0, 0]),
        (1.0, 3.0, 1.5, [0, -3, -1, -2]),
    ],
)
def test_the_worst_share_by_hand(share, at, mean, short):
    """Of 0.375 of four courses, one is whole and half of the next: (0 + 0.5·1)/1.5."""
    for found in (tail(RETURNS, share), jax.jit(tail, static_argnums=1)(RETURNS, share)):
        np.testing.assert_allclose([found.at, found.mean], [at, mean], atol=1e-6)
        np.testing.assert_allclose(found.short, short, atol=1e-6)
    both = jax.vmap(lambda r: tail(r, share))(jnp.stack([RETURNS, 2 * RETURNS]))
    np.testing.assert_allclose(both.mean, [mean, 2 * mean], atol=1e-6)


def test_what_the_learner_climbs_is_the_derivative_of_the_worst_share():
    """R ~ N(θ, e^(2·s)) has CVaR θ − e^s·φ(z_α)/α: its slope is 1 along θ and −e^s·φ(z_α)/α along s."""
    share, n = 0.2, 200_000
    z = jax.random.normal(jax.random.key(0), (n,))
    short = tail(z, share).short
    score = jnp.stack([z, z * z - 1.0])  # of a draw at θ = 0, s = 0
    slope = jnp.mean(score * short[None], axis=1)
    density = np.exp(-(0.8416212**2) / 2) / np.sqrt(2 * np.pi)
    np.testing.assert_allclose(slope, [1.0, -density / share], atol=0.03)


def test_a_course_is_paid_at_its_last_decision():
    alive = jnp.array([[True, True, False], [True, True, True]])
    e = Episode(**dict.fromkeys(Episode._fields))._replace(alive=alive)
    np.testing.assert_array_equal(at_the_end(e, jnp.array([-1.0, -2.0])), [[0, -1, 0], [0, 0, -2]])


@cache
def learned(env, learner, updates):
    many = jax.jit(advance(learner, env))
    pool = env.draw(None, 256)
    state = many(begun(learner, env), pool, jnp.int32(updates))[0]
    return many(state, pool, jnp.int32(20))


@cache
def problem():
    """The gamble; its cost counts how often a course enters the end, once each."""
    env = gamble(steps=3)
    return FiniteEnvironment(replace(env.spec, costs=("end",), at_most=(1.0,)), env.tables, harms=(2,))


@pytest.mark.parametrize(("share", "dose", "worth", "at"), [(0.2, 0, 1.0, 1.0), (1.0, 1, 1.6, 2.0)])
def test_the_worst_share_refuses_the_gamble_that_the_mean_takes(share, dose, worth, at):
    """The gamble brings 2 with probability 0.8, else 0; without it 1 is certain. Its worst fifth is worth 0."""
    learner = CVaRPPO(share=share, **SMALL)
    state, told = learned(problem(), learner, 100)
    policy = learner.policy(learner.parameters(state), problem().spec, greedy=False)
    assert policy.probabilities(jnp.zeros(1), jnp.ones(2, bool), ())[dose] > 0.98
    assert float(told["cvar"]) == pytest.approx(worth, abs=0.05)
    assert float(told["value_at_risk"]) == pytest.approx(at)


def test_harm_while_learning_is_counted():
    state, told = learned(problem(), CVaRPPO(share=1.0, **SMALL), 100)
    assert float(told["harm"]) == 1.0
    assert state.harm.tolist() == [120 * 256]


@pytest.mark.parametrize("share", [0.0, 1.5, 1e-4])
def test_an_impossible_share_is_named(share):
    with pytest.raises(ValueError, match=f"share is {share}; it must lie between one of 512 patients and 1"):
        CVaRPPO(share=share)
