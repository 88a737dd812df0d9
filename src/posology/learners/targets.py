"""What a learner should believe, as pure functions of one patient's episode; the caller vmaps.

Time runs along the first axis of every array. At step t the patient had observation t, got action t
and reward t, and `value[t + 1]` belongs to the observation that followed, the true last one at the
end. Death (`terminated`) is worth nothing afterwards; the end of study (`truncated`) is worth
`value[t + 1]`; padding after either (`alive` false) gives exactly 0.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def gae(reward: Any, value: Any, terminated: Any, truncated: Any, alive: Any, discount: Any, trace: Any) -> Any:
    """Generalised advantage estimates `[T]`.

        δ_t = r_t + γ_t·(1 − terminated_t)·V_{t+1} − V_t
        A_t = δ_t + γ_t·λ·(1 − terminated_t)·(1 − truncated_t)·A_{t+1}       Schulman 2016, arXiv:1506.02438

    Args:
        reward, terminated, truncated, alive: `[T]`; `value`: `[T + 1]`.
        discount: γ, one number or `[T]`; trace: λ.
    """
    discount = jnp.broadcast_to(discount, reward.shape)
    after = discount * jnp.where(terminated, 0.0, value[1:])
    delta = jnp.where(alive, reward + after - value[:-1], 0.0)
    carry_on = jnp.where(terminated | truncated | ~alive, 0.0, discount * trace)

    def back(later: Any, now: Any) -> tuple[Any, Any]:
        d, c = now
        advantage = d + c * later
        return advantage, advantage

    _, advantage = jax.lax.scan(back, jnp.zeros_like(delta[0]), (delta, carry_on), reverse=True)
    return advantage


def discounted(reward: Any, alive: Any, discount: Any) -> Any:
    """Discounted sums of the rewards to come `[T]`, nothing after the last."""
    discount = jnp.broadcast_to(discount, reward.shape)

    def back(later: Any, now: Any) -> tuple[Any, Any]:
        r, g, here = now
        total = jnp.where(here, r + g * later, 0.0)
        return total, total

    return jax.lax.scan(back, jnp.zeros_like(reward[0]), (reward, discount, alive), reverse=True)[1]


def n_step(reward: Any, terminated: Any, truncated: Any, alive: Any, discount: Any, n: int) -> tuple[Any, Any, Any]:
    """`(returns, weights, after)`: y_t = returns_t + weights_t · value at observation `after_t`.

    Sums up to `n` rewards, fewer when the episode ends before; the weight is the product of the
    discounts passed, 0 after death. Sutton & Barto 2018, Eq. 7.1.
    """
    steps = reward.shape[0]
    discount = jnp.broadcast_to(discount, reward.shape)
    index = jnp.arange(steps)
    total, weight = jnp.zeros_like(reward), jnp.ones_like(reward)
    after, going = index, alive
    for k in range(n):
        at = jnp.minimum(index + k, steps - 1)
        going = going & (index + k < steps) & alive[at]
        total = total + jnp.where(going, weight * reward[at], 0.0)
        weight = jnp.where(going, weight * discount[at] * jnp.where(terminated[at], 0.0, 1.0), weight)
        after = jnp.where(going, index + k + 1, after)
        going = going & ~terminated[at] & ~truncated[at]
    return total, jnp.where(alive, weight, 0.0), after


def double_q(value_next: Any, slow_next: Any, mask_next: Any) -> Any:
    """Value of the next observation: chosen by the learning values, judged by the slow ones.

    All `[actions]`, forbidden actions never chosen. van Hasselt 2016, arXiv:1509.06461.
    """
    best = jnp.argmax(jnp.where(mask_next, value_next, -jnp.inf))
    return slow_next[best]


def symlog(x: Any) -> Any:
    """sign(x)·ln(1 + |x|): the logarithm of what may be large and of either sign; Hafner 2023, arXiv:2301.04104, Eq. 9."""
    return jnp.sign(x) * jnp.log1p(jnp.abs(x))


def symexp(x: Any) -> Any:
    """The inverse of `symlog`; beyond ±60, where no return lies, it goes on as there."""
    return jnp.sign(x) * jnp.expm1(jnp.minimum(jnp.abs(x), 60.0))
