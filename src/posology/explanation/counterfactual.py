"""The smallest change of one fact at which another dose would be chosen.

The choice is asked at values ever further from the recorded one, up to the ends of the fact's range; where it first is another
dose in the direction wanted, the interval between the last two values is halved until it is as fine as asked. So a change is
missed only where the choice switches there and back between two neighbouring values of the search, which the answer names.
"""

from __future__ import annotations

from collections.abc import Callable
from math import ceil, floor, log10
from typing import NamedTuple

import numpy as np

STEPS = 12  # values asked on each side, evenly spaced in the logarithm of the value
FINENESS = 0.01  # share of the value at which halving ends

Choose = Callable[[float], float]


class Change(NamedTuple):
    """A fact at `value` instead of the recorded one would have led to `amount`. `before` is the value nearest to it, towards the
    recorded one, at which that was not yet so: the threshold lies between the two. `value` has three digits where that is still
    within the range and leads to a dose in the same direction."""

    value: float
    before: float
    amount: float

    def size(self, recorded: float) -> float:
        """How far the value is from the recorded one, as a factor above 1."""
        return float(np.exp(abs(np.log(self.value / recorded))))


def changes(choose: Choose, recorded: float, low: float, high: float) -> dict[str, Change]:
    """The smallest changes of a positive fact within [low, high] that lead to a `lower` and to a `higher` amount, where any do.

    Args:
        choose: the amount chosen when the fact has a value.
        recorded: its value in the record; a range that does not hold it is widened to it.

    Raises:
        ValueError: for a value or a range that is not above 0.
    """
    if not 0 < low <= high or not recorded > 0:
        raise ValueError(f"a fact of {recorded:g} within {low:g} to {high:g} cannot be changed by shares; all must be above 0")
    known: dict[float, float] = {}

    def amount(value: float) -> float:
        if value not in known:
            known[value] = choose(value)
        return known[value]

    now, found = amount(recorded), list[tuple[str, Change]]()
    for end in (min(low, recorded), max(high, recorded)):
        values = np.geomspace(recorded, end, STEPS + 1).tolist() if end != recorded else []
        for kind, other in (("lower", lambda a: a < now), ("higher", lambda a: a > now)):
            outer = next((i for i, value in enumerate(values) if i and other(amount(value))), None)
            if outer is not None:
                change = _halved(amount, other, values[outer - 1], values[outer])
                shown = _three_digits(change.value, up=change.value > recorded)
                if low <= shown <= high and other(amount(shown)):
                    change = change._replace(value=shown, amount=amount(shown))
                found.append((kind, change))
    best: dict[str, Change] = {}
    for kind, change in found:
        if kind not in best or change.size(recorded) < best[kind].size(recorded):
            best[kind] = change
    return best


def _halved(amount: Choose, other: Callable[[float], bool], inner: float, outer: float) -> Change:
    """The threshold between a value that keeps the choice and one that does not."""
    while abs(np.log(outer / inner)) > FINENESS:
        middle = float(np.sqrt(inner * outer))
        if other(amount(middle)):
            outer = middle
        else:
            inner = middle
    return Change(outer, inner, amount(outer))


def _three_digits(value: float, up: bool) -> float:
    """The value rounded away from the recorded one to three digits."""
    unit = 10.0 ** (floor(log10(value)) - 2)
    return float(f"{(ceil if up else floor)(round(value / unit, 9)) * unit:.3g}")


def gap(recorded: float, low: float, high: float) -> float:
    """The largest factor between two neighbouring values of the search."""
    return float(max(recorded / min(low, recorded), max(high, recorded) / recorded) ** (1 / STEPS))
