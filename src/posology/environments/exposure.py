"""Terms for an area under the curve that is wanted in a range: how near it came, and how long it was below, in and above."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from posology.environments.reward import Interval, one
from posology.quantities import maximum, where

Of = Callable[[Interval], Any]


@dataclass(frozen=True)
class Wanted:
    """An area, read by `of` from an interval, that is best at `aim` and good up to `high`, as far below it as above."""

    of: Of
    aim: float
    high: float

    def distance(self, i: Interval) -> Any:
        """|area − aim|."""
        return maximum(self.of(i) - self.aim, self.aim - self.of(i))

    def near(self, i: Interval) -> Any:
        """1 for a good area, outside less by its distance from the aim, down to 0."""
        far = self.distance(i)
        return where(far <= self.high - self.aim, 0.0 * far + 1.0, maximum(1.0 - far / self.aim, 0.0 * far))

    def between(self, low: float, high: float) -> Of:
        """1 for an area from `low` to below `high`; what is no number counts as above."""
        return lambda i: one(self.of(i) < high) - one(self.of(i) < low)

    def beyond(self, low: float) -> Of:
        """1 for an area above `low`, or none that is a number."""
        return lambda i: 1.0 - one(self.of(i) <= low)


def days(of: Of) -> Of:
    """The same, counted in days."""
    return lambda i: i.days * of(i)
