"""Linear bandits: one decision per patient, whose expected response is linear in what is observed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.spec import Spec, Step


class Person(NamedTuple):
    """A patient and his covariates."""

    id: Any
    x: Any


class LinearBandit:
    """`theta[A][1 + size]`: constant and slopes of each dose; `noise` is the SD of a response. The one cost is
    the regret: how much less is expected of the dose than of the best one."""

    def __init__(self, spec: Spec, theta: Sequence[Sequence[float]], noise: float) -> None:
        self.spec, self.theta, self.noise = spec, jnp.asarray(theta, jnp.float32), noise
        self.fingerprint = hashlib.sha256(repr((spec, theta, noise)).encode()).hexdigest()[:16]

    def draw(self, key: Any, n: int) -> Person:
        """`n` patients; patient i depends on (key, i) alone."""
        ids = jnp.arange(n, dtype=jnp.int32)
        own = lambda i: jax.random.normal(jax.random.fold_in(key, i), (self.spec.size,))  # noqa: E731
        return Person(ids, jax.vmap(own)(ids))

    def reset(self, key: Any, patient: Person) -> tuple[Any, Any, Any]:
        """The covariates."""
        return jnp.int32(0), patient.x, jnp.ones(len(self.spec.actions), bool)

    def step(self, key: Any, state: Any, action: Any, patient: Person) -> Step:
        """The response, and the end."""
        expected = self.theta @ jnp.concatenate([jnp.ones(1), patient.x])
        reward = expected[action] + self.noise * jax.random.normal(jax.random.fold_in(key, patient.id))
        regret = (jnp.max(expected) - expected[action])[None]
        over, mask = jnp.bool_(True), jnp.ones(len(self.spec.actions), bool)
        return Step(state + 1, patient.x, reward, reward[None], regret, over, jnp.logical_not(over), mask)
