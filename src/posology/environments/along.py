"""What terms need of an interval's whole course beside its ends: the key reading at an hour, the time above a level.

A treatment names such numbers (`Treatment.along`), and its terms find them in `Interval.along`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from posology.quantities import log, maximum, minimum, where

NONE = 1e-3  # of a level: stands for no drug, which has no logarithm


class Steps(NamedTuple):
    """The key reading from one step of the model to the next, `[K]` each.

    `hours` since the visit at which a step ends, `length` of the step in hours (0 after the interval), the reading at its
    `start` and its `end`.
    """

    hours: Any
    length: Any
    start: Any
    end: Any


Along = Callable[[Steps], Any]


def at(hour: float) -> Along:
    """The key reading so many hours after the visit, straight from step to step; exact where a sample is taken."""

    def reading(s: Steps) -> Any:
        import jax.numpy as jnp

        return jnp.interp(hour, jnp.concatenate([0 * s.hours[:1], s.hours]), jnp.concatenate([s.start[:1], s.end]))

    return reading


def hours_above(level: float) -> Along:
    """Hours that the key reading spends above a level, straight in the logarithm from step to step, as drugs leave."""

    def ln(reading: Any) -> Any:
        return log(maximum(reading / level, NONE))

    def hours(s: Steps) -> Any:
        top, bottom = ln(maximum(s.start, s.end)), ln(minimum(s.start, s.end))
        crossing = top / where(top > bottom, top - bottom, 1.0)
        return (s.length * where(bottom >= 0, 1.0, where(top > 0, crossing, 0.0))).sum()

    return hours
