"""Constraints: the price of harm and the policy against the exact solution of a constrained process."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

sys.path.insert(0, str(Path(__file__).parent))
from finite_problems import spec  # noqa: E402
from probes import Masked, Probes, begun  # noqa: E402

from posology.environments.finite import FiniteEnvironment, Tables  # noqa: E402
from posology.learners.catalogue import learner  # noqa: E402
from posology.learners.learner import configure  # noqa: E402
from posology.learners.loops import advance, train  # noqa: E402
from posology.learners.planning import finite  # noqa: E402
from posology.learners.safe.lagrangian_ppo import LagrangianPPO  # noqa: E402

ALIVE, HARMED, FINE = 0, 1, 2
MOST = 0.2


def risky():
    """One decision: dose 0 brings 0.4 for certain, dose 1 brings 1 and harms every second patient."""
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    transition[ALIVE, 0, FINE] = 1.0
    transition[ALIVE, 1] = [0.0, 0.5, 0.5]
    transition[[HARMED, FINE], :, FINE] = 1.0
    reward[ALIVE, 0], reward[ALIVE, 1] = 0.4, 1.0
    terminal = np.array([False, True, True])
    tables = Tables(transition, reward, np.eye(3)[ALIVE], terminal, np.ones((3, 2), bool))
    return FiniteEnvironment(replace(spec(3, 2, 1, "risky"), costs=("harm",), at_most=(MOST,)), tables, harms=(HARMED,))


def exact(env, bound):
    """Best return and best policy within the bound on entering the first harmful state, and the price of harm, by
    the linear programme over how often each decision is taken (Altman 1999, chapter 3)."""
    t = env.tables
    live = np.flatnonzero(~t.terminal)
    pairs = [(s, a) for s in live for a in np.flatnonzero(t.admissible[s])]
    gain = -np.array([t.expected[p] for p in pairs])
    harm = np.array([[t.transition[p][env.harms[0]] for p in pairs]])
    flow = np.array([[(p[0] == s) - t.transition[p][s] for p in pairs] for s in live])
    found = linprog(gain, harm, [bound], flow, t.start[live])
    taken = np.zeros(t.admissible.shape)
    for p, often in zip(pairs, found.x, strict=True):
        taken[p] = often
    policy = taken / np.maximum(taken.sum(axis=1, keepdims=True), 1e-12)
    return -found.fun, policy, -found.ineqlin.marginals[0]


def test_the_exact_solution_by_hand():
    """p of dose 1: 0.5·p = 0.2, so p = 0.4 and the return 0.4 + 0.6·p; a unit of harm is worth 0.6/0.5."""
    best, policy, price = exact(risky(), MOST)
    assert best == pytest.approx(0.64)
    assert price == pytest.approx(1.2)
    np.testing.assert_allclose(policy[ALIVE], [0.6, 0.4])
    t = risky().tables
    assert finite.start_value(t, finite.of_policy(t, policy, 1.0)) == pytest.approx(best)


TINY = {"repeats": 1, "minibatches": 1, "epochs": 1, "hidden": "4"}
SMALL = {"patients": 256, "repeats": 1, "minibatches": 2, "epochs": 4, "discount": 1.0, "bootstrap": False, "hidden": (16,)}


@cache
def learned(env, learner, updates=300):
    many = jax.jit(advance(learner, env))
    state = many(begun(learner, env), env.draw(None, 1024), jnp.int32(updates))[0]
    return many(state, env.draw(None, 1024), jnp.int32(100))


def test_the_price_and_the_policy_are_those_of_the_exact_solution():
    env = risky()
    learner = LagrangianPPO(learning_rate=3e-3, anneal_over=400, entropy=0.0, follow=0.02, **SMALL)
    state, told = learned(env, learner)
    _, policy, price = exact(env, MOST)
    drawn = learner.policy(learner.parameters(state), env.spec, greedy=False)
    share = drawn.probabilities(jnp.zeros(1), jnp.ones(2, bool), ())
    np.testing.assert_allclose(share, policy[ALIVE], atol=0.1)
    assert float(told["price"]) == pytest.approx(price, abs=0.25)
    assert float(told["harm"]) == pytest.approx(MOST, abs=0.03)


def test_without_need_harm_has_no_price():
    state, told = learned(risky(), LagrangianPPO(at_most=0.9, learning_rate=1e-2, **SMALL), 60)
    assert float(told["price"]) == 0.0
    assert float(told["harm"]) == pytest.approx(0.5, abs=0.05)
    assert float(state.harm[0]) > 0.3 * 256 * 160


@pytest.mark.parametrize("id", ["lagrangian-ppo", "shielded-ppo", "cvar-ppo"])
def test_harm_while_learning_is_on_record(id, tmp_path):
    """The first course to be harmed and the last are counted: updates · courses · harm of a mean course."""
    made = configure(learner(id)(), {**TINY, "patients": 64, **({"capacity": 64} if id == "shielded-ppo" else {})})
    told = []
    found = train(risky(), made, tmp_path / "run", updates=3, chunk=1, pool=64, held_out=8, report=told.append)
    expected = 64 * sum(e["metrics"]["harm"] for e in told if e["event"] == "progress")
    assert found["harm_while_learning"] == {"harm": pytest.approx(expected)}
    stored = json.loads((tmp_path / "run" / "evaluation.json").read_text())
    assert stored["harm_while_learning"] == found["harm_while_learning"]
    assert expected > 0


def test_a_problem_without_costs_is_refused():
    with pytest.raises(ValueError, match="probes counts no costs"):
        LagrangianPPO().init(jax.random.key(0), Probes())
    assert LagrangianPPO().bounds(Masked().spec).tolist() == [0.0]
