"""Finite problems with known answers, for planners and tabular learners."""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from probes import Probes

from posology.environments.finite import FiniteEnvironment, Tables
from posology.environments.spec import Action, Feature, Spec


def spec(states, actions, steps, id="finite"):
    doses = tuple(Action(f"{i} mg", float(i), "mg") for i in range(actions))
    return Spec(id, (Feature("state", "1"),), doses, ("reward",), (1.0,), max_steps=steps, states=states)


def gamble(steps=50):
    """State 0: dose 0 ends it with reward 1; dose 1 pays 0 and leads to state 1 with probability 0.8, else to
    the end. State 1: dose 0 pays 2 and ends; dose 1 is not allowed. State 2 is the end.

    With discount γ the second dose is worth 1.6·γ, so that it is taken when γ > 0.625.
    """
    transition, reward = np.zeros((3, 2, 3)), np.zeros((3, 2, 3))
    transition[0, 0, 2] = 1.0
    reward[0, 0, 2] = 1.0
    transition[0, 1, 1], transition[0, 1, 2] = 0.8, 0.2
    transition[1, :, 2] = 1.0
    reward[1, 0, 2] = 2.0
    transition[2, :, 2] = 1.0
    admissible = np.array([[True, True], [True, False], [True, True]])
    tables = Tables(transition, reward, np.array([1.0, 0.0, 0.0]), np.array([False, False, True]), admissible)
    return FiniteEnvironment(spec(3, 2, steps), tables)


def drawn(seed, states=5, actions=3, steps=4):
    """A random problem; the last state is the end."""
    rng = np.random.default_rng(seed)
    transition = rng.dirichlet(np.full(states, 0.5), (states, actions))
    transition[:, :, -1] += 0.05
    transition /= transition.sum(-1, keepdims=True)
    admissible = rng.random((states, actions)) < 0.7
    admissible[:, 0] = True
    start, terminal = np.full(states, 1.0 / states), np.arange(states) == states - 1
    tables = Tables(transition, rng.normal(size=(states, actions, states)), start, terminal, admissible)
    return FiniteEnvironment(spec(states, actions, steps), tables)


@dataclass(frozen=True)
class Indexed:
    """The probe problems with a state's index as observation: cue −1, 0, 1 → state 0, 1, 2."""

    kind: int = 0
    spec: Spec = replace(Probes().spec, states=3)

    def draw(self, key, n):
        return Probes(self.kind).draw(key, n)

    def reset(self, key, patient):
        state, seen, mask = Probes().reset(key, patient)
        return state, seen + 1.0, mask

    def step(self, key, state, action, patient):
        step = Probes().step(key, state, action, patient)
        return step._replace(observation=step.observation + 1.0)


def empirical(env, action, n=20_000):
    """How often each state follows the first decision, and the mean reward."""
    patients, keys = env.draw(None, n), jax.random.split(jax.random.key(5), n)
    states = jax.jit(jax.vmap(env.reset))(keys, patients)[0]
    step = jax.jit(jax.vmap(env.step))(keys, states, jnp.full(n, action, jnp.int32), patients)
    return np.bincount(step.state.index, minlength=env.spec.states) / n, float(step.reward.mean()), step
