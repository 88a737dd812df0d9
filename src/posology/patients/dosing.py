"""Doses as step ends: a bolus enters at the start of a step, an infusion's rate is held over a step.

Every change of input is a step end, and steps after a change begin small and grow (`Grid`), so no
solver ever integrates across a jump.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from posology.patients.model import Grid


class Schedule(NamedTuple):
    """Steps of one patient: lengths, infusion rate during and bolus at the start of each.

    Shape `[K]` each; amounts in the unit of the entry's state. Steps of length 0 do nothing.
    """

    length: Any
    rate: Any
    bolus: Any


def graded(grid: Grid, span: float) -> np.ndarray:
    """Offsets of step ends after a change of input, from the first step to `span` inclusive."""
    ends, step = [0.0], grid.first
    while ends[-1] < span - 1e-9:
        ends.append(min(span, ends[-1] + step))
        step = min(step * grid.growth, grid.largest)
    if len(ends) > 2 and ends[-1] - ends[-2] < 0.3 * (ends[-2] - ends[-3]):
        del ends[-2]  # no sliver at the end
    return np.array(ends[1:])


def step_ends(grid: Grid, doses: list[tuple[float, float]], stops: Any, until: float) -> np.ndarray:
    """Times of all step ends from 0 to `until`, for doses (time, duration) and times to stop at."""
    changes = sorted({0.0} | {t for t, _ in doses} | {t + d for t, d in doses if d > 0})
    changes = [t for t in changes if t < until - 1e-9]
    ends: list[float] = []
    for start, end in zip(changes, [*changes[1:], until], strict=True):
        ends += list(start + graded(grid, end - start))
    everything = np.array(sorted({*ends, *(float(s) for s in stops if 0 < s <= until), until}))
    keep = np.diff(np.concatenate([[0.0], everything])) > 1e-9
    return everything[keep]


def fractions(ends: np.ndarray, doses: list[tuple[float, float]]) -> tuple[np.ndarray, np.ndarray]:
    """Per step and dose: share of the dose per unit of time infused, and share given as a bolus.

    Shapes `[K, D]`; multiply by amounts in the entry's unit.
    """
    starts = np.concatenate([[0.0], ends[:-1]])
    middle = (starts + ends) / 2
    rate = np.zeros((len(ends), len(doses)))
    bolus = np.zeros((len(ends), len(doses)))
    for d, (time, duration) in enumerate(doses):
        if duration > 0:
            rate[:, d] = ((middle > time) & (middle < time + duration)) / duration
        else:
            bolus[int(np.argmin(np.abs(starts - time))), d] = 1.0
    return rate, bolus
