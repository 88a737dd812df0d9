"""Doses that are tried rather than chosen, and what is seen under them."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners import networks
from posology.learners.networks import Moments
from posology.learners.rollout import rollout
from posology.policies import network as net

SCOUTS = 256  # patients whose observations set a scale or make cells


def share(learner: Any, updates: Any) -> Any:
    """Probability of a random dose after so many updates: from `explore_from` to `explore_to`, linearly over
    `explore_over` updates."""
    done = jnp.minimum(updates.astype(jnp.float32) / learner.explore_over, 1.0)
    return learner.explore_from + (learner.explore_to - learner.explore_from) * done


def evenly(key: Any, mask: Any) -> Any:
    """Any dose that may be given."""
    return jax.random.categorical(key, net.allowed(jnp.zeros(mask.shape, jnp.float32), mask)).astype(jnp.int32)


class Scouted(NamedTuple):
    """Observations `[n, T, size]` under random doses, where there was one (`alive`), and their moments."""

    observation: Any
    alive: Any
    moments: Moments


def scout(key: Any, env: Environment) -> Scouted:
    """What patients show before anything is learned."""
    draw, noise, choice = jax.random.split(key, 3)
    patients = env.draw(draw, SCOUTS)
    act = lambda key, observation, mask, memory: (evenly(key, mask), (), memory)  # noqa: E731
    play = lambda n, c, patient: rollout(env, act, (), n, c, patient)  # noqa: E731
    e = jax.vmap(play)(jax.random.split(noise, SCOUTS), jax.random.split(choice, SCOUTS), patients)
    seen = e.observation[:, :-1]
    return Scouted(seen, e.alive, networks.merge(networks.no_moments((env.spec.size,)), seen, e.alive))
