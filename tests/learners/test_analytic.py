"""The gradient through the patient: against finite differences, and what it learns."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import Titrate, begun  # noqa: E402

from posology.environments.problems import four_state_chemo  # noqa: E402
from posology.learners import networks  # noqa: E402
from posology.learners.catalogue import LEARNERS  # noqa: E402
from posology.learners.deep.analytic import AnalyticPolicyGradient  # noqa: E402
from posology.learners.judge import evaluator  # noqa: E402
from posology.learners.loops import advance  # noqa: E402


def short(steps=8):
    """Two days of the four-state patient, as one course."""
    env = four_state_chemo.continuous()
    env.spec = replace(env.spec, max_steps=steps)
    return env


def test_a_dose_between_fits_the_observation():
    learner, env = AnalyticPolicyGradient(learning_rate=1e-2, hidden=(32, 32)), Titrate()
    state = jax.jit(advance(learner, env))(begun(learner, env), env.draw(None, 64), jnp.int32(150))[0]
    policy_of = lambda parameters: learner.policy(parameters, env.spec)  # noqa: E731
    outcome = evaluator(env, policy_of, env.draw(None, 100), jax.random.key(8))(learner.parameters(state))
    assert outcome["returns"].min() > -1e-4  # within 0.1 mg


def test_the_gradient_is_that_of_finite_differences(x64):
    learner, env = AnalyticPolicyGradient(hidden=(3,), discount=0.95), short()
    weights = jax.tree.map(lambda v: v.astype(float), networks.initial(jax.random.key(0), learner.form(env.spec)))
    moments = networks.Moments(1.0, jnp.array([0.2, 0.1, 0.3]), jnp.ones(3))
    patient = jax.tree.map(lambda v: v[0], env.draw(jax.random.key(0), 1))
    worth = jax.jit(lambda w: learner._course(w, moments, env, jax.random.key(0), patient).worth)
    slope = jax.jit(jax.grad(worth))(weights)
    for name, at in (("head.b", (0,)), ("layer0.w", (1, 2)), ("head.w", (0, 0))):
        moved = [worth({**weights, name: weights[name].at[at].add(d)}) for d in (1e-5, -1e-5)]
        assert float(slope[name][at]) == pytest.approx(float(moved[0] - moved[1]) / 2e-5, rel=1e-4), name


def test_a_window_cuts_what_a_dose_does_later():
    """Within its own decision a dose only costs: the published reward looks at the cells before it."""
    env = short()
    learner = AnalyticPolicyGradient(hidden=(3,), window=1, learning_rate=1e-2)
    many = jax.jit(advance(learner, env))
    state = many(begun(learner, env), env.draw(jax.random.key(0), 4), jnp.int32(150))[0]
    policy = learner.policy(learner.parameters(state), env.spec)
    assert float(policy.act(None, jnp.array([0.2, 0.005, 0.0]), jnp.ones(1, bool), ())[0]) < 0.2


class Edge(Titrate):
    """Every second patient has a derivative that is no number; `all` of them, where that is asked."""

    every = False

    def step(self, key, state, action, patient):
        step = super().step(key, state, action, patient)
        smooth = 0.0 if self.every else patient.id % 2
        return step._replace(reward=step.reward - 1e-6 * jnp.sqrt(smooth * (action**2 + 1.0)))


def test_a_patient_without_a_derivative_is_left_out_and_counted():
    learner, env = AnalyticPolicyGradient(learning_rate=1e-2, hidden=(8,)), Edge()
    state, told = jax.jit(lambda s: learner.update(s, env, env.draw(None, 64)))(begun(learner, env))
    assert 10 < float(told["left_out"]) < 54 and bool(jnp.isfinite(told["gradient"]))
    assert all(bool(jnp.isfinite(v).all()) for v in jax.tree.leaves(state.weights))


def test_learning_ends_where_no_patient_has_a_derivative():
    learner, env = AnalyticPolicyGradient(hidden=(8,)), Edge()
    object.__setattr__(env, "every", True)
    _, told = jax.jit(lambda s: learner.update(s, env, env.draw(None, 64)))(begun(learner, env))
    assert float(told["left_out"]) == 64 and not bool(jnp.isfinite(told["gradient"]))


def test_it_is_offered_where_the_patient_can_be_differentiated():
    entry = LEARNERS["analytic"]
    assert entry.refuses(four_state_chemo.SPEC) is None
    assert "not differentiable" in entry.refuses(replace(four_state_chemo.SPEC, differentiable=False))
    assert "table of" in entry.refuses(four_state_chemo.LEVEL_SPEC)
