"""What learners need of networks beyond the policy itself: first weights, likelihoods, running moments.

The forward equations are in `posology.policies.network`, which a stored policy needs without any
learner. Orthogonal first weights: Saxe 2014, arXiv:1312.6120.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.policies.network import Network, allowed, shapes

SMALLEST_SD = 1e-4  # of a constant channel: it stays finite, and constant


def initial(key: Any, network: Network, head_gain: float = 1.0) -> dict[str, Any]:
    """Orthogonal weights (gain √2 in hidden layers, `head_gain` in the head) and zero biases."""
    found = shapes(network)
    # One draw for all layers: a draw per layer costs seconds of compilation.
    numbers = jax.random.normal(key, (sum(math.prod(shape) for shape in found.values()),), jnp.float32)
    params, used = {}, 0
    for name, shape in found.items():
        part = numbers[used : used + math.prod(shape)].reshape(shape)
        used += math.prod(shape)
        params[name] = (
            jnp.zeros(shape, jnp.float32) if name.endswith(".b") else _gain(name, head_gain) * _orthogonal(part)
        )
    return params


def _gain(name: str, head: float) -> float:
    if name == "head.w":
        return head
    return 1.0 if name.startswith("gru") else 2.0**0.5


def _orthogonal(normal: Any) -> Any:
    """A matrix with orthonormal rows or columns, uniformly drawn when `normal` is Gaussian."""
    rows, columns = normal.shape
    q, r = jnp.linalg.qr(normal if rows >= columns else normal.T)
    q = q * jnp.sign(jnp.diagonal(r))[None]
    return q if rows >= columns else q.T


class Moments(NamedTuple):
    """Running count, mean and sum of squared deviations of a number or vector."""

    count: Any
    mean: Any
    squares: Any

    @property
    def sd(self) -> Any:
        """Standard deviation, 1 before anything was seen, at least `SMALLEST_SD`."""
        variance = self.squares / jnp.maximum(self.count, 1.0)
        return jnp.where(self.count > 0, jnp.maximum(jnp.sqrt(variance), SMALLEST_SD), 1.0)


def no_moments(shape: tuple[int, ...] = ()) -> Moments:
    """Moments of nothing yet: they normalise to the identity."""
    return Moments(jnp.float32(0), jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.float32))


def merge(moments: Moments, values: Any, present: Any) -> Moments:
    """Moments after also seeing `values[i]` wherever `present[i]` (Chan's pairwise formula).

    `present` has the leading axes of `values`; absent values may be anything, NaN included.
    """
    values = values.reshape(-1, *moments.mean.shape)
    seen = jnp.broadcast_to(present.reshape(-1, *(1 for _ in moments.mean.shape)), values.shape)
    n = jnp.sum(present, dtype=jnp.float32)
    mean = jnp.sum(jnp.where(seen, values, 0.0), 0) / jnp.maximum(n, 1.0)
    squares = jnp.sum(jnp.where(seen, (values - mean[None]) ** 2, 0.0), 0)
    total = moments.count + n
    gap, share = mean - moments.mean, n / jnp.maximum(total, 1.0)
    return Moments(total, moments.mean + gap * share, moments.squares + squares + gap**2 * moments.count * share)


def log_probability(logits: Any, mask: Any, action: Any) -> Any:
    """ln probability of dose `action` under masked logits."""
    return jax.nn.log_softmax(allowed(logits, mask))[action]


def entropy(logits: Any, mask: Any) -> Any:
    """Entropy of the masked categorical distribution, in nats."""
    logs = jax.nn.log_softmax(allowed(logits, mask))
    return -jnp.sum(jnp.where(mask, jnp.exp(logs) * logs, 0.0))


def normal_log_probability(u: Any, mean: Any, log_sd: Any) -> Any:
    """ln density of `u` under a normal distribution."""
    z = (u - mean) * jnp.exp(-log_sd)
    return -0.5 * (z * z + jnp.log(2 * jnp.pi)) - log_sd


def normal_entropy(log_sd: Any) -> Any:
    """Entropy of a normal distribution, in nats."""
    return 0.5 * (1.0 + jnp.log(2 * jnp.pi)) + log_sd
