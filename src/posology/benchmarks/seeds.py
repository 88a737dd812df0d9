"""What several training seeds say together: means with intervals, and learning curves."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import stdtrit

from posology.figures.curves import Curve

ALONG = {"samples": "Decisions simulated", "seconds": "Seconds of training, judging left out"}


def over_seeds(values: ArrayLike) -> dict[str, Any]:
    """Mean over the first axis with Student's 95 % interval; no wider than the mean with a single seed."""
    v = np.asarray(values, float)
    n, mean = len(v), v.mean(axis=0)
    half = stdtrit(n - 1, 0.975) * v.std(axis=0, ddof=1) / math.sqrt(n) if n > 1 else np.zeros_like(mean)
    return {"mean": mean.tolist(), "lower": (mean - half).tolist(), "upper": (mean + half).tolist()}


def combined(ends: Sequence[Mapping[str, float]]) -> tuple[float, float, float]:
    """Mean return over seeds that were judged on the same patients, with a 95 % interval over both.

    The patients' error does not shrink with seeds; the spread between seeds is added by Student's t.
    """
    means = [end["return_mean"] for end in ends]
    half = statistics.fmean((end["upper"] - end["lower"]) / 2 for end in ends)
    n = len(means)
    spread = stdtrit(n - 1, 0.975) * statistics.stdev(means) / math.sqrt(n) if n > 1 else 0.0
    mean, wide = statistics.fmean(means), math.hypot(half, spread)
    return mean, mean - wide, mean + wide


def mean_curve(histories: Sequence[Sequence[Mapping[str, float]]], along: Sequence[str]) -> list[dict[str, float]]:
    """Point by point what several seeds reached, `combined`, and the mean of what they had spent of everything in `along`."""
    points = []
    for now in zip(*histories, strict=True):
        spent = {name: statistics.fmean(p[name] for p in now) for name in along}
        points.append({**spent, **dict(zip(("return_mean", "lower", "upper"), combined(now), strict=True))})
    return points


def learned(histories: Sequence[Sequence[Mapping[str, float]]], along: str = "samples") -> Curve:
    """The judged returns of several seeds as one curve, along `samples` or `seconds`, which are means over seeds.

    Raises:
        ValueError: for seeds that were judged after different numbers of updates.
    """
    if len({tuple(p["updates"] for p in h) for h in histories}) != 1:
        raise ValueError("seeds can make one curve where they were judged after the same updates; these were not")
    spent = lambda p: p["samples"] if along == "samples" else p["seconds"] - p["judging_seconds"]  # noqa: E731
    x = np.mean([[spent(p) for p in h] for h in histories], axis=0)
    found = over_seeds([[p["return_mean"] for p in h] for h in histories])
    return Curve(x, found["mean"], found["lower"], found["upper"])
