"""How long a patient is spared each cause: cumulative hazards along a course, survival, and the time of the event.

    H(t) = ∫₀ᵗ hazard,   alive(t) = exp(−Σ H over the causes),   a cause strikes at H(T) = −ln u,   u uniform on (0, 1)

Each step of a course is cut at the three nodes of Gauss and Legendre, where the hazard is asked for: exact where it is a
polynomial in time of degree 5. Within a step events fall as under a constant hazard. There is one u per patient and cause, so a
patient whom a dose spares for longer never dies earlier for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

EVENT = 4  # stream of random numbers, beside those of treatments
NODES, WEIGHTS = (v / 2 for v in np.polynomial.legendre.leggauss(3))  # on (−1/2, 1/2), which sum to 1
PARTS = len(NODES) + 1
SLACK = 1e-5  # relative: float32 does not hold a time exactly


class Event(NamedTuple):
    """The first event: when, infinite without one; and which cause by position, −1 without one."""

    time: Any
    cause: Any


def cut(ends: np.ndarray) -> np.ndarray:
    """Step ends `[K]`, from time 0, with the nodes inside each step: `[4K]`."""
    starts = np.concatenate([[0.0], ends[:-1]])
    inside = starts[:, None] + (ends - starts)[:, None] * (NODES + 0.5)
    return np.concatenate([inside, ends[:, None]], axis=1).ravel()


def cumulative(model: Any, p: Any, time: Any, states: Any) -> dict[str, Any]:
    """H of each cause at 0 and at the end of each step, `[K + 1]`.

    Args:
        p: individual parameters, the same throughout.
        time: 0 and what `cut` made, `[4K + 1]`.
        states: the states at these times.
    """
    time = jnp.asarray(time, jnp.asarray(states[0]).dtype)
    held = jnp.sum(time <= model.hazards.landmark * (1 + SLACK)) - 1
    index = jnp.minimum(jnp.arange(len(time)), held)[1:]  # of the state that the hazard sees
    rates = jax.vmap(lambda t, x: model.hazards(t, x, p))(time[1:], jax.tree.map(lambda v: v[index], states))
    length = time[PARTS::PARTS] - time[:-PARTS:PARTS]
    inside = lambda r: r.reshape(-1, PARTS)[:, :-1] @ jnp.asarray(WEIGHTS, time.dtype)  # noqa: E731
    return {cause: _summed(length * inside(r)) for cause, r in rates.items()}


def cumulative_in_steps(model: Any, p: Any, states: Any) -> dict[str, Any]:
    """The same for a model in steps, with the states `[K + 1]` from the start on: each rate holds for its step."""
    after = jax.tree.map(lambda v: v[1:], states)
    time = model.step * jnp.arange(1, len(states[0]))
    rates = jax.vmap(lambda t, x: model.hazards(t, x, p))(time.astype(states[0].dtype), after)
    return {cause: _summed(model.step * r) for cause, r in rates.items()}


def _summed(each: Any) -> Any:
    return jnp.concatenate([jnp.zeros_like(each[:1]), jnp.cumsum(each)])


def alive(hazards: Mapping[str, Any]) -> Any:
    """The share of such patients without an event, from their cumulative hazards."""
    return jnp.exp(-sum(hazards.values()))


def event(key: Any, time: Any, hazards: Mapping[str, Any]) -> Event:
    """One patient's first event.

    Args:
        key: the patient's own.
        time: `[K + 1]`, from 0, increasing.
        hazards: of each cause, the cumulative hazard at these times; an event beyond the last one is none.
    """
    times = jnp.stack([_struck(_lot(key, i), jnp.asarray(time), h) for i, h in enumerate(hazards.values())])
    first = jnp.argmin(times)
    return Event(times[first], jnp.where(jnp.isfinite(times[first]), first, -1))


def _lot(key: Any, cause: int) -> Any:
    return jax.random.uniform(jax.random.fold_in(jax.random.fold_in(key, EVENT), cause))


def _struck(u: Any, time: Any, hazard: Any) -> Any:
    """When the cumulative hazard reaches −ln(1 − u)."""
    return jnp.interp(-jnp.log1p(-u), hazard, time, right=jnp.inf)


def told(hazards: Mapping[str, Any], nodes: list[int]) -> dict[str, Any]:
    """Cumulative hazards and the share alive at some of the times, as plain lists."""
    pick = lambda v: [float(np.asarray(v)[i]) for i in nodes]  # noqa: E731
    return {"cumulative_hazard": {cause: pick(h) for cause, h in hazards.items()}, "alive": pick(alive(hazards))}
