"""How good probabilities of diseases are: accuracy with its interval, calibration, confusion, by subgroup."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posology.symptoms.generator import Array

LEVEL = 0.95
BINS = 10  # of the reliability diagram, equally wide
NORMAL = 1.959964  # standard normal quantile of a two-sided interval of 95 %


def share(right: ArrayLike, level: float = LEVEL) -> dict[str, Any]:
    """A share of independent rows with its exact (Clopper and Pearson 1934) interval."""
    from scipy.stats import binomtest

    hits = np.asarray(right, bool)
    if not hits.size:
        return {"value": None, "lower": None, "upper": None, "rows": 0}
    bounds = binomtest(int(hits.sum()), hits.size).proportion_ci(level, "exact")
    return {"value": float(hits.mean()), "lower": float(bounds.low), "upper": float(bounds.high), "rows": int(hits.size)}


def gap(better: ArrayLike, worse: ArrayLike) -> dict[str, float]:
    """How much more often one rule is right than another on the same rows, with the normal interval of a paired difference."""
    each = np.asarray(better, float) - np.asarray(worse, float)
    half = NORMAL * each.std(ddof=1) / np.sqrt(each.size)
    return {"value": float(each.mean()), "lower": float(each.mean() - half), "upper": float(each.mean() + half)}


def brier(probabilities: Array, truth: NDArray[Any]) -> float:
    """Mean over rows of the squared distance to the truth, summed over diseases: 0 is perfect, 2 the worst (Brier 1950)."""
    return float(((probabilities - np.eye(probabilities.shape[1])[truth]) ** 2).sum(1).mean())


def log_loss(probabilities: Array, truth: NDArray[Any]) -> float:
    """Mean of −ln P(truth), in nats; a probability of 0 counts as that of the smallest float32."""
    given = probabilities[np.arange(truth.size), truth]
    return float(-np.log(np.maximum(given, np.finfo(np.float32).tiny)).mean())


def reliability(probabilities: Array, truth: NDArray[Any], bins: int = BINS) -> list[dict[str, Any]]:
    """Rows by the probability of the disease put first: how sure the rule was, and how often it was right."""
    sure, right = probabilities.max(1), probabilities.argmax(1) == truth
    which = np.minimum((sure * bins).astype(int), bins - 1)
    found = []
    for i in range(bins):
        inside = which == i
        said = float(sure[inside].mean()) if inside.any() else None
        found.append({"from": i / bins, "to": (i + 1) / bins, "confidence": said, "accuracy": share(right[inside])})
    return found


def calibration_error(bins: list[dict[str, Any]]) -> float:
    """Expected calibration error: mean over rows of |confidence − accuracy| of their bin (Guo 2017)."""
    rows = sum(b["accuracy"]["rows"] for b in bins)
    kept = [b for b in bins if b["accuracy"]["rows"]]
    return float(sum(b["accuracy"]["rows"] * abs(b["confidence"] - b["accuracy"]["value"]) for b in kept) / rows)


def confusion(probabilities: Array, truth: NDArray[Any]) -> list[list[int]]:
    """Counts [true disease][disease put first]."""
    size = probabilities.shape[1]
    return np.bincount(truth.astype(int) * size + probabilities.argmax(1), minlength=size**2).reshape(size, size).tolist()


def scores(probabilities: Array, truth: NDArray[Any], subgroups: dict[str, NDArray[np.bool_]]) -> dict[str, Any]:
    """Everything about one rule: [N, D] probabilities and the true diseases [N]; subgroups by name, [N] each."""
    right, bins = probabilities.argmax(1) == truth, reliability(probabilities, truth)
    return {
        "accuracy": share(right),
        "brier": brier(probabilities, truth),
        "log_loss": log_loss(probabilities, truth),
        "calibration_error": calibration_error(bins),
        "reliability": bins,
        "confusion": confusion(probabilities, truth),
        "subgroups": {name: share(right[inside]) for name, inside in subgroups.items()},
    }
