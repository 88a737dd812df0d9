"""The shield: which doses it lets pass by hand, and against the exact harm of a finite problem."""

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
from finite_problems import spec  # noqa: E402
from probes import Masked, Probes, Titrate, begun  # noqa: E402
from test_formulas import everywhere  # noqa: E402

from posology.environments.finite import FiniteEnvironment, Tables  # noqa: E402
from posology.environments.shielded import ShieldedEnvironment  # noqa: E402
from posology.learners.judge import evaluator  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.learners.rollout import rollout  # noqa: E402
from posology.learners.safe.shielded_ppo import ShieldedPPO  # noqa: E402
from posology.policies import forms  # noqa: E402
from posology.policies.shielded import Shielded, nearest, safe  # noqa: E402

START, EDGE, HARMED, FINE = range(4)
UNAVOIDABLE, MOST = 0.1, 0.2


@cache
def edge(at_most=MOST):
    """Two decisions. At the start dose 0 brings 0.2 and is safe; dose 1 brings 0.5 and leads half of the patients to the
    edge; dose 2 brings 1 and harms every second. At the edge dose 0 brings nothing and harms one in ten, the others
    bring 1 and harm for certain."""
    transition, reward = np.zeros((4, 3, 4)), np.zeros((4, 3, 4))
    transition[START, 0, FINE] = 1.0
    transition[START, 1, [EDGE, FINE]] = 0.5
    transition[START, 2, [HARMED, FINE]] = 0.5
    transition[EDGE, 0, [HARMED, FINE]] = UNAVOIDABLE, 1 - UNAVOIDABLE
    transition[EDGE, 1:, HARMED] = 1.0
    transition[[HARMED, FINE], :, FINE] = 1.0
    reward[START, 0], reward[START, 1], reward[START, 2] = 0.2, 0.5, 1.0
    reward[EDGE, 1:] = 1.0
    tables = Tables(transition, reward, np.eye(4)[START], np.array([False, False, True, True]), np.ones((4, 3), bool))
    return FiniteEnvironment(replace(spec(4, 3, 2, "edge"), costs=("harm",), at_most=(at_most,)), tables, harms=(HARMED,))


def least_harm(env):
    """Chance of harm after each dose under the least harmful doses from then on, by backward induction."""
    p, live = env.tables.transition, ~env.tables.terminal
    entered, h = np.isin(np.arange(len(live)), env.harms), np.zeros(p.shape[:2])
    for _ in range(env.spec.max_steps):
        h = np.where(live[:, None], p @ (entered + np.where(live, h.min(axis=1), 0.0)), 0.0)
    return h[[START, EDGE]]


def test_the_exact_harm_by_hand():
    np.testing.assert_allclose(least_harm(edge()), [[0.0, 0.05, 0.5], [0.1, 1.0, 1.0]])


def test_safe_doses_by_hand():
    harm, mask = jnp.array([0.3, 0.1, 0.25, 0.0]), jnp.array([True, True, True, False])
    assert everywhere(lambda h: safe(h, mask, 0.16), harm).tolist() == [False, True, True, False]
    assert safe(harm, mask, 0.0).tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("wanted", "among", "given"),
    [(2, [1, 1, 1, 1], 2), (2, [1, 1, 0, 1], 1), (2, [1, 0, 0, 1], 3), (3, [1, 0, 0, 0], 0), (0, [0, 1, 1, 1], 1)],
)
def test_the_nearest_safe_dose_by_hand(wanted, among, given):
    """Amounts 5, 20, 30 and 40: 20 and 40 are as near to 30, so the smaller is given."""
    found = everywhere(lambda row: nearest((5.0, 20.0, 30.0, 40.0), row, jnp.array(among, bool)), jnp.int32(wanted))
    assert int(found) == given


def test_a_shielded_patient_gets_the_corrected_dose_and_the_row_is_told():
    """Masked pays the row that is given: proposals of 1 and 0 under a shield that gives the other one."""
    env = ShieldedEnvironment(Masked(), lambda observation, mask, row: 1 - row)
    patient, key = jax.tree.map(lambda v: v[0], env.draw(None, 1)), jax.random.key(0)
    act = lambda key, seen, mask, memory: (jnp.int32(seen[0] < 2), (), memory)  # noqa: E731
    e = rollout(env, act, (), key, key, patient)
    assert (e.action.tolist(), e.terms[:, -1].tolist(), e.reward.tolist()) == ([1, 1, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1])
    assert float(jnp.array(env.spec.weights) @ e.terms[2]) == float(e.reward[2])


SMALL = ShieldedPPO(
    patients=128, repeats=1, minibatches=2, epochs=4, hidden=(16,), entropy=0.0, learning_rate=5e-3, discount=1.0,
    bootstrap=False, gradients=8, batch=64, capacity=65_536,
)  # fmt: skip


@cache
def learned(learner, env):
    many, pool = jax.jit(advance(learner, env)), env.draw(None, 64)
    state = many(begun(learner, env), pool, jnp.int32(150))[0]
    return many(state, pool, jnp.int32(20))


def test_harm_and_the_safe_doses_are_those_of_the_exact_solution():
    form, arrays = SMALL.form(edge().spec), SMALL.parameters(learned(SMALL, edge())[0])
    assert form.tolerance == MOST / 2
    h, every = least_harm(edge()), jnp.ones(3, bool)
    for state in (START, EDGE):
        found = form.harm(arrays, jnp.array([float(state)]))
        np.testing.assert_allclose(found, h[state], atol=0.1)
        np.testing.assert_array_equal(safe(found, every, form.tolerance), h[state] <= h[state].min() + MOST / 2)


def test_the_policy_is_the_best_behind_the_shield_and_keeps_the_bound():
    """Dose 1, then dose 0: 0.5 a course and harm 0.05, where without a shield dose 2 is taken, with harm 0.5."""
    state, told = learned(SMALL, edge())
    drawn = SMALL.policy(SMALL.parameters(state), edge().spec, greedy=False)
    shares = [drawn.probabilities(jnp.array([s]), jnp.ones(3, bool), ()) for s in (0.0, 1.0)]
    np.testing.assert_allclose(shares, [[0, 1, 0], [1, 0, 0]], atol=0.05)
    assert float(told["harm"]) == pytest.approx(0.05, abs=0.02)
    policy_of = lambda parameters: SMALL.policy(parameters, edge().spec)  # noqa: E731
    outcome = evaluator(edge(), policy_of, edge().draw(None, 4000), jax.random.key(3))(SMALL.parameters(state))
    assert float(outcome["returns"].mean()) == pytest.approx(0.5)
    assert float(outcome["costs"].mean()) == pytest.approx(0.05, abs=0.01)


def test_the_shield_spares_harm_while_learning():
    """One that tolerates everything is none: dose 2 is learned, and half of the patients are harmed."""
    bare = replace(SMALL, tolerance=9.0)
    state, told = learned(bare, edge())
    assert float(told["corrected"]) == 0.0
    assert float(told["harm"]) == pytest.approx(0.5, abs=0.06)
    assert float(learned(SMALL, edge())[0].harm[0]) < 0.25 * float(state.harm[0])


def test_the_form_is_read_back_and_gives_the_same_doses():
    form = SMALL.form(edge().spec)
    arrays = {k: np.asarray(v) for k, v in SMALL.parameters(learned(SMALL, edge())[0]).items()}
    assert {k: v.shape for k, v in arrays.items()} == form.arrays()
    again = forms.read(forms.description(form))
    assert again == form
    policy = again.policy("stored", arrays)
    doses = [int(policy.act(None, jnp.array([s]), jnp.ones(3, bool), ())[0]) for s in (0.0, 1.0)]
    assert doses == [1, 0]
    assert int(policy.act(None, jnp.array([0.0]), jnp.array([True, False, True]), ())[0]) == 0  # dose 1 is masked


@pytest.mark.parametrize(
    ("env", "says"), [(Probes(), "probes counts no costs"), (Titrate(), "titrate has a continuous dose")]
)
def test_a_problem_that_does_not_fit_is_refused(env, says):
    with pytest.raises(ValueError, match=says):
        ShieldedPPO().init(jax.random.key(0), env)


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="tolerance is -0.1; it must be at least 0"):
        Shielded(1, (0.0, 1.0), -0.1)
    with pytest.raises(ValueError, match="foresight is 2"):
        ShieldedPPO(foresight=2.0)
