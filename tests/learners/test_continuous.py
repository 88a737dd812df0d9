"""Learners of a continuous dose: the probes, and their formulas by hand."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import Probes, Titrate, begun  # noqa: E402

from posology.learners import adam, networks  # noqa: E402
from posology.learners.deep import continuous  # noqa: E402
from posology.learners.deep.ddpg import DDPG  # noqa: E402
from posology.learners.deep.sac import SAC  # noqa: E402
from posology.learners.deep.td3 import TD3  # noqa: E402
from posology.learners.judge import evaluator  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.policies import network as net  # noqa: E402

SIZES = {"patients": 32, "gradients": 16, "batch": 128, "capacity": 4096, "hidden": (32, 32)}
SMALL = {**SIZES, "learning_rate": 3e-3, "follow": 0.1}
LEARNERS = [DDPG(discount=0.5, **SMALL), TD3(discount=0.5, **SMALL), SAC(discount=0.5, temperature=0.01, **SMALL)]
every = pytest.mark.parametrize("learner", LEARNERS, ids=lambda x: x.id)
CUES = jnp.array([[0.0], [1.0], [-1.0]])


@dataclass(frozen=True)
class Smooth:
    """The probes with a dose from 0 to 2 mg in place of two rows: half of it counts where the row did."""

    kind: int = 0
    spec = replace(Probes().spec, id="smooth", actions=(), low=0.0, high=2.0, action_unit="mg")

    def draw(self, key, n):
        return Probes(self.kind).draw(key, n)

    def reset(self, key, patient):
        state, seen, _ = Probes().reset(key, patient)
        return state, seen, jnp.ones(1, bool)

    def step(self, key, state, action, patient):
        step = Probes().step(key, state, jnp.int32(0), patient)
        share = action / 2.0
        graded = jnp.where(state.kind == 3, share, jnp.where(state.cue > 0, 2 * share - 1, 1 - 2 * share))
        reward = jnp.where((state.kind == 3) | (state.kind == 4), graded, step.reward)
        return step._replace(reward=reward, terms=reward[None], mask=jnp.ones(1, bool))


@cache
def compiled(learner):
    return jax.jit(lambda key: learner.init(key, Smooth())), jax.jit(advance(learner, Smooth()))


@cache
def learned(learner, kind):
    """Doses and values at the cues after learning one kind."""
    start, many = compiled(learner)
    state = many(start(jax.random.key(kind)), Smooth(kind).draw(None, 64), jnp.int32(60))[0]
    policy = learner.policy(learner.parameters(state), Smooth.spec)
    doses = jnp.stack([policy.act(jax.random.key(0), o, jnp.ones(1, bool), ())[0] for o in CUES])
    x = jax.vmap(net.normalise, (0, None, None))(CUES, state.observations.mean, state.observations.sd)
    values = continuous.values(learner, Smooth.spec, state.weights["critics"], x, doses - 1.0)[0]
    return doses, values * continuous.unit(state)


@every
def test_the_values_of_the_probes_are_found(learner):
    assert learned(learner, 0)[1][0] == pytest.approx(1.0, abs=0.02)
    np.testing.assert_allclose(learned(learner, 1)[1][1:], [1.0, -1.0], atol=0.06)
    np.testing.assert_allclose(learned(learner, 2)[1][:2], [0.5, 1.0], atol=0.05)
    assert learned(learner, 5)[1][0] == pytest.approx(2.0, abs=0.1)


@every
def test_the_rewarded_dose_is_found(learner):
    assert learned(learner, 3)[0][0] > 1.9
    doses = learned(learner, 4)[0]
    assert doses[1] > 1.9 and doses[2] < 0.1


@every
def test_a_dose_in_between_fits_the_observation(learner):
    learner, env = replace(learner, patients=128, discount=1.0), Titrate()
    state = jax.jit(advance(learner, env))(begun(learner, env), env.draw(None, 64), jnp.int32(80))[0]
    policy_of = lambda parameters: learner.policy(parameters, env.spec)  # noqa: E731
    outcome = evaluator(env, policy_of, env.draw(None, 100), jax.random.key(8))(learner.parameters(state))
    assert outcome["returns"].min() > -2.5e-3  # within 0.5 mg of the right dose


def test_the_density_of_a_squashed_dose_is_that_of_its_draws():
    """The probability of u below 0.5, from the density at the draws' places and from their share."""
    learner, spec = SAC(hidden=(4,)), Smooth.spec
    actor = jax.tree.map(jnp.zeros_like, networks.initial(jax.random.key(0), learner.form(spec)))
    actor["head.b"] = jnp.array([0.4, -0.3])
    u, ln_p = jax.vmap(lambda k: learner._drawn(k, actor, jnp.zeros(1), spec))(jax.random.split(jax.random.key(1), 20_000))
    share = float((u < 0.5).mean())
    inside = np.asarray(u) < 0.5
    order = np.argsort(np.asarray(u)[inside])
    grid, density = np.asarray(u)[inside][order], np.exp(np.asarray(ln_p)[inside][order])
    assert np.trapezoid(density, grid) == pytest.approx(share, abs=0.01)


def critics_that_say(learner, *constants):
    """Critics whose value is a constant plus u."""
    made = []
    for c in constants:
        w = jax.tree.map(jnp.zeros_like, networks.initial(jax.random.key(0), continuous.critic_of(learner, Smooth.spec)))
        first = w["layer0.w"].at[1, 0].set(1e-3)  # tanh is the identity there
        made.append({**w, "layer0.w": first, "head.w": w["head.w"].at[0, 0].set(1e3), "head.b": jnp.array([c])})
    return made


def test_the_target_of_td3_takes_the_lower_critic_and_its_actor_climbs_the_first():
    learner = TD3(hidden=(2,), smoothing=0.0, batch=1, learning_rate=0.0)
    actor = jax.tree.map(jnp.zeros_like, networks.initial(jax.random.key(0), learner.form(Smooth.spec)))
    weights = {"actor": actor, "critics": critics_that_say(learner, 3.0, 1.0)}
    memory = {name: adam.shortened(1.0).init(w) for name, w in weights.items()}
    one = jnp.ones(1)
    d = continuous.Decision(jnp.zeros((1, 1)), 0 * one, 2 * one, 0.5 * one, jnp.zeros((1, 1)))
    _, _, told = learner._improve(jax.random.key(0), weights, weights, memory, d, Smooth.spec, 0.0, 0)
    y = 2 + 0.5 * 1.0  # u = 0
    assert told["value_loss"] == pytest.approx(0.5 * ((3 - y) ** 2 + (1 - y) ** 2), rel=1e-4)
    assert told["policy_loss"] == pytest.approx(-3.0, rel=1e-4)
