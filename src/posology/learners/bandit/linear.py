"""What linear bandits share: a ridge regression of the reward of each dose on the observation.

    A_a = λI + Σ x·xᵀ,   b_a = Σ r·x,   θ_a = A_a⁻¹·b_a        over the decisions that gave dose a

x = (1, o in standard deviations), the scale of o once from patients under random doses. A bandit judges a dose by
the reward until the next decision alone; where doses act longer than that, it is greedy. `learner` is any frozen
dataclass with `patients` and `ridge` λ.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.exploration import scout
from posology.learners.rollout import Episode, courses
from posology.policies.linear import Linear


class Evidence(NamedTuple):
    """Σ x·xᵀ `[A, d, d]`, Σ r·x `[A, d]` and the number of decisions `[A]` of each dose."""

    gram: Any
    moment: Any
    count: Any


class State(NamedTuple):
    """`seen` of all decisions, `forced` of those that were made to learn alone; `arrays` scale the observation."""

    seen: Evidence
    forced: Evidence
    arrays: dict[str, Any]
    key: Any
    updates: Any
    decisions: Any


class Estimate(NamedTuple):
    """θ `[A, d]` and A⁻¹ `[A, d, d]`."""

    theta: Any
    inverse: Any


Choose = Callable[[Any, Any, Any], tuple[Any, Any]]  # (key, x, mask) -> dose, whether it was forced


def form(learner: Any, spec: Spec) -> Linear:
    """A linear function per dose."""
    return Linear(spec.size, len(spec.actions))


def init(learner: Any, key: Any, env: Environment) -> State:
    """Nothing learned."""
    key, first = jax.random.split(key)
    moments = scout(first, env).moments
    doses, d = len(env.spec.actions), env.spec.size + 1
    none = Evidence(jnp.zeros((doses, d, d)), jnp.zeros((doses, d)), jnp.zeros(doses))
    arrays = {"observation.mean": moments.mean, "observation.sd": moments.sd}
    return State(none, none, arrays, key, jnp.int32(0), jnp.int32(0))


def estimate(evidence: Evidence, ridge: float) -> Estimate:
    """Ridge regression of each dose."""
    inverse = jnp.linalg.inv(evidence.gram + ridge * jnp.eye(evidence.moment.shape[1])[None])
    return Estimate(jnp.einsum("aij,aj->ai", inverse, evidence.moment), inverse)


def update(
    learner: Any, choose: Choose, state: State, env: Environment, patients: Any
) -> tuple[State, dict[str, Any]]:
    """One course of each of `learner.patients` patients, then what was seen."""
    key = jax.random.fold_in(state.key, state.updates)
    e = interact(learner, choose, key, state, env, patients)
    x, forced = e.extra
    seen, made = add(state.seen, x, e, e.alive), add(state.forced, x, e, e.alive & forced)
    count = jnp.sum(e.alive, dtype=jnp.int32)
    told = {
        "return": jnp.mean(jnp.sum(e.reward, 1)),
        "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
        "forced": jnp.sum(e.alive & forced, dtype=jnp.float32) / jnp.maximum(count.astype(jnp.float32), 1.0),
    }
    return State(seen, made, state.arrays, state.key, state.updates + 1, state.decisions + count), told


def interact(learner: Any, choose: Choose, key: Any, state: State, env: Environment, patients: Any) -> Episode:
    """Courses under the doses that `choose` says; `extra` is x and whether the dose was forced."""
    features = form(learner, env.spec).features

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
        x = features(state.arrays, observation)
        action, forced = choose(key, x, mask)
        return action.astype(jnp.int32), (x, forced), memory

    return courses(env, act, key, patients, learner.patients)


def add(evidence: Evidence, x: Any, e: Episode, present: Any) -> Evidence:
    """The evidence with the decisions that are `present`."""
    doses = evidence.count.shape[0]
    mine = jax.nn.one_hot(e.action, doses) * present[..., None].astype(jnp.float32)
    mine, x, reward = mine.reshape(-1, doses), x.reshape(-1, x.shape[-1]), e.reward.reshape(-1)
    return Evidence(
        evidence.gram + jnp.einsum("na,ni,nj->aij", mine, x, x),
        evidence.moment + jnp.einsum("na,ni,n->ai", mine, x, reward),
        evidence.count + jnp.sum(mine, axis=0),
    )


def parameters(state: State, theta: Any) -> dict[str, Any]:
    """What the greedy policy of some weights is stored as."""
    return {"weights": theta, **state.arrays}
