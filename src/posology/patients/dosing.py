"""Doses as step ends: a bolus enters at the start of a step, an infusion's rate is held over a step.

Every change of input is a step end, and steps after a change begin small and grow (`Grid`), so no
solver ever integrates across a jump.
"""

from __future__ import annotations

import math
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


def steps_until(grid: Grid, time: float) -> float:
    """How many steps the grid asks for until `time` after a change of input, as a real number."""
    if grid.growth == 1.0:
        return time / grid.first
    growing = min(time, (grid.largest - grid.first) / (grid.growth - 1))
    steps = math.log1p((grid.growth - 1) * growing / grid.first) / math.log(grid.growth)
    return steps + (time - growing) / grid.largest


def time_after(grid: Grid, steps: np.ndarray) -> np.ndarray:
    """The time after a change of input at which the grid asked for so many steps: inverse of `steps_until`."""
    if grid.growth == 1.0:
        return steps * grid.first
    last = (grid.largest - grid.first) / (grid.growth - 1)
    growing = np.minimum(steps, steps_until(grid, last))
    return np.expm1(growing * math.log(grid.growth)) * grid.first / (grid.growth - 1) + (steps - growing) * grid.largest


def graded(grid: Grid, span: float, start: float = 0.0) -> np.ndarray:
    """Step ends between `start` (not included) and `span` (included), both times after a change of input.

    The steps follow the grid and fit the interval: each is at most a quarter of a step off, none is a sliver.
    """
    before, after = steps_until(grid, start), steps_until(grid, span)
    n = max(1, math.ceil(after - before - 0.25))
    ends = time_after(grid, before + (after - before) * np.arange(1, n + 1) / n)
    ends[-1] = span
    return ends


FINER = 4  # parts of a step where a result is asked for in double precision


def finer(grid: Grid, times: int) -> Grid:
    """The grid with every step cut in so many."""
    return Grid(grid.first / times, grid.growth ** (1 / times), grid.largest / times)


def step_ends(grid: Grid, doses: list[tuple[float, float]], stops: Any, until: float) -> np.ndarray:
    """Times of all step ends from 0 to `until`, for doses (time, duration) and times to stop at."""
    changes = sorted({0.0} | {t for t, _ in doses} | {t + d for t, d in doses if d > 0})
    changes = [t for t in changes if t < until - 1e-9]
    ends: list[float] = []
    for change, following in zip(changes, [*changes[1:], until], strict=True):
        marks = [change, *sorted({float(s) for s in stops if change + 1e-9 < s < following - 1e-9}), following]
        for start, end in zip(marks, marks[1:], strict=False):
            ends += [*(change + graded(grid, end - change, start - change))[:-1], end]
    return np.array(ends)


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
