"""Learners that adapt within one course, on patients whose optimum is known."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hidden_kinds import HiddenKinds  # noqa: E402
from probes import Masked, Titrate, begun  # noqa: E402

from posology.environments.catalogue import treatment  # noqa: E402
from posology.environments.experience import ExperienceEnvironment, experienced, spec_of  # noqa: E402
from posology.learners.deep.ppo import PPO  # noqa: E402
from posology.learners.judge import evaluator  # noqa: E402
from posology.learners.loops import advance, seen  # noqa: E402
from posology.learners.meta import context  # noqa: E402
from posology.learners.meta.context_ppo import ContextPPO  # noqa: E402
from posology.learners.meta.rl2 import RL2  # noqa: E402
from posology.policies import forms  # noqa: E402
from posology.policies.contextual import Contextual  # noqa: E402

SMALL = {
    "patients": 256, "minibatches": 2, "repeats": 4, "discount": 1.0, "hidden": (32, 32), "learning_rate": 3e-3,
    "entropy": 0.01,
}  # fmt: skip
RECURRENT = RL2(**SMALL)
CONTEXT = ContextPPO(sees_reward=True, encoder=(16,), **SMALL)
FORGETS = PPO(**SMALL)


@cache
def learned(learner, updates=60):
    env = HiddenKinds()
    many = jax.jit(advance(learner, env))
    return many(begun(learner, env), env.draw(jax.random.key(1), 512), jnp.int32(updates))


def returns(learner):
    """Of 300 unseen patients, and which dose helps each of them."""
    env = seen(learner, HiddenKinds())
    patients = env.draw(jax.random.key(9), 300)
    judge = evaluator(env, lambda parameters: learner.policy(parameters, env.spec), patients, jax.random.key(8))
    found = judge(learner.parameters(learned(learner)[0]))["returns"]
    return np.asarray(found), np.asarray(patients.right).argmax(axis=1)


@pytest.mark.parametrize("learner", [RECURRENT, CONTEXT], ids=["rl2", "context-ppo"])
def test_the_dose_that_helps_is_looked_for_once_and_then_kept(learner):
    found, kind = returns(learner)
    by_kind = [set(found[kind == k].tolist()) for k in range(3)]
    assert sorted(map(sorted, by_kind)) == [[3.0], [4.0], [5.0]]  # tried third, second, first: the optimum in each kind


def test_without_memory_nobody_gets_more_than_a_third():
    found, kind = returns(FORGETS)
    assert sum(found[kind == k].mean() for k in range(3)) <= 5.0 + 1e-5


def test_a_context_learns_all_that_a_course_can_tell():
    """Before the first decision nothing is known (error 1, in units of the variance); after a failure, in 2 of 3 patients,
    two kinds are left (error 3/4); then the kind is known: (1 + 2/3·3/4)/5."""
    _, metrics = learned(CONTEXT)
    state = learned(CONTEXT)[0]
    later = jax.jit(advance(CONTEXT, HiddenKinds()))(state, HiddenKinds().draw(jax.random.key(1), 512), jnp.int32(5))[1]
    assert float(later["context_loss"]) == pytest.approx(0.3, abs=0.03)
    assert float(later["context_loss"]) < float(metrics["context_loss"])


# the formulas by hand ----------------------------------------------------------------------------


def test_the_loss_of_a_context_is_the_squared_error_of_what_differs():
    """One layer of size 1, whose weights are 0: h stays 0, so that the context is tanh of the head's bias."""
    learner, form = ContextPPO(context=1, encoder=(1,)), Contextual(1, 2, 1, (1,))
    encoder = {name: jnp.zeros(shape) for name, shape in _shapes(form).items()}
    encoder["head.b"] = jnp.arctanh(jnp.array([0.5]))
    reader = {"w": jnp.array([[2.0, 1.0]]), "b": jnp.array([[0.0, 1.0]])}  # says (1.0, 1.5)
    x, truth = jnp.ones((2, 2, 1)), jnp.broadcast_to(jnp.array([0.0, 9.0]), (2, 2, 2))
    alive, differs = jnp.array([[True, True], [True, False]]), jnp.array([True, False])
    for found in (learner.loss, jax.jit(learner.loss, static_argnums=1)):
        assert float(found((encoder, reader), form, x, truth, alive, differs)) == pytest.approx(1.0)
        every = found((encoder, reader), form, x, truth, alive, jnp.array([True, True]))
        assert float(every) == pytest.approx((1.0 + 7.5**2) / 2)
    many = jax.vmap(lambda t: learner.loss((encoder, reader), form, x, t, alive, differs))(jnp.stack([truth, truth - 1]))
    np.testing.assert_allclose(many, [1.0, 4.0], rtol=1e-6)


def _shapes(form):
    return {k.removeprefix("encoder."): v for k, v in form.arrays().items() if k.startswith("encoder.")}


class Someone(NamedTuple):
    id: object
    clearance: object
    effect: object
    same: object


def test_what_is_known_of_patients_is_standardised_and_logarithmic_where_it_is_positive():
    pool = Someone(jnp.arange(2), jnp.array([1.0, np.e**2]), jnp.array([-1.0, 3.0]), jnp.full(2, 7.0))
    found, differs = context.known(pool)
    np.testing.assert_allclose(found.truth, [[-1, -1, 0], [1, 1, 0]], atol=1e-6)
    assert differs.tolist() == [True, True, False]


def test_patients_who_do_not_differ_leave_the_context_nothing_to_learn():
    state = begun(CONTEXT, Masked())
    assert float(jax.jit(lambda s: CONTEXT.update(s, Masked(), Masked().draw(None, 8))[1]["context_loss"])(state)) == 0.0


def test_a_stored_policy_sums_a_course_up_as_it_did_in_learning():
    env, state = seen(CONTEXT, HiddenKinds()), learned(CONTEXT)[0]
    form = CONTEXT.form(env.spec)
    scale = state.inner.observations.mean, state.inner.observations.sd
    world = context.ContextEnvironment(env, form, state.encoder, scale)
    who = jax.tree.map(lambda v: v[0], world.draw(jax.random.key(3), 1))
    arrays = {k: np.asarray(v) for k, v in CONTEXT.parameters(state).items()}
    assert {k: v.shape for k, v in arrays.items()} == form.arrays()
    stored = forms.read(forms.description(form)).policy("stored", arrays)
    actor = form.actor_network().policy("actor", {k: v for k, v in arrays.items() if not k.startswith("encoder.")})
    key, memory = jax.random.key(0), stored.memory()
    now, observation, mask = world.reset(key, who)
    for _ in range(5):
        plain = observation[: form.inputs]
        share = stored.probabilities(plain, mask, memory)
        action, memory = stored.act(key, plain, mask, memory)
        assert action == actor.act(key, observation, mask, ())[0] == share.argmax()
        np.testing.assert_allclose(memory, now.memory, atol=1e-6)
        step = world.step(key, now, action, who)
        now, observation = step.state, step.observation


# what is seen of the decision before -------------------------------------------------------------


def test_the_decision_before_and_its_reward_are_seen():
    env = ExperienceEnvironment(HiddenKinds(), reward=True)
    who = jax.tree.map(lambda v: v[0], env.draw(jax.random.key(2), 1))
    state, observation, _ = env.reset(jax.random.key(0), who)
    np.testing.assert_array_equal(observation, [0, 0, 0, 0, 0])
    right = int(who.right.argmax())
    step = env.step(jax.random.key(0), state, right, who)
    np.testing.assert_array_equal(step.observation, [1, *np.eye(3)[right], 1])
    assert [f.name for f in env.spec.observation][1:] == [
        "0 mg was the decision before", "1 mg was the decision before", "2 mg was the decision before",
        "reward of the decision before",
    ]  # fmt: skip
    assert experienced(env, True) is env


def test_a_continuous_dose_before_is_a_share_of_the_range():
    env = ExperienceEnvironment(Titrate(), reward=False)
    who = jax.tree.map(lambda v: v[0], env.draw(None, 1))
    state, observation, _ = env.reset(jax.random.key(0), who)
    np.testing.assert_array_equal(observation[1:], [0, 0])
    np.testing.assert_allclose(env.step(jax.random.key(0), state, 2.5, who).observation[1:], [0.25, 1.0])


def test_a_history_holds_the_doses_already_and_a_reward_only_if_asked():
    spec = treatment("phenobarbital-maintenance-v1").spec
    assert spec_of(spec, False) == spec
    assert [f.name for f in spec_of(spec, True).observation[spec.size :]] == ["reward of the decision before"]


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="context is 0; it must be at least 1"):
        ContextPPO(context=0)
    with pytest.raises(ValueError, match="context is 0; it must be at least 1"):
        Contextual(1, 2, 0)
    with pytest.raises(ValueError, match="patients is 10; it must be a multiple of minibatches, 4"):
        RL2(patients=10)
