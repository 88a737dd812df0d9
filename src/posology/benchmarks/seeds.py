"""What several training seeds say together: means with intervals, and learning curves."""

from __future__ import annotations

import math
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
