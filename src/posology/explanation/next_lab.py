"""Which measurement would leave the least uncertainty of a prediction: preposterior analysis over the draws of a posterior.

With draws k of weight w(k), what each predicts of a measurement, f(k), and the quantity in question, θ(k): a draw j is taken for
the truth, its value is measured with residual error, y = f(j) + error, the other draws are weighed by it,

    E[Var(θ | y)] = Σ_j w(j) · Var over k ≠ j of θ(k), with weights w(k)·p(y | f(k))

The draw that stands for the truth is left out of its own posterior, which would otherwise look more certain than it is. Raiffa H,
Schlaifer R. Applied Statistical Decision Theory, 1961. Exact up to the number of draws: the standard error over the truths is
given, and how many draws still count after a measurement, in the mean.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

REPEATS = 2  # errors drawn for each truth, of opposite sign

LogLikelihood = Callable[[np.ndarray, np.ndarray], np.ndarray]


class Worth(NamedTuple):
    """What a measurement is worth: the variance of the prediction now, the `expected` one after it with its standard `error`, and
    the `effective` number of draws that count after it."""

    before: float
    expected: float
    error: float
    effective: float

    @property
    def narrows(self) -> float:
        """The share of the SD that is expected to be gone, never below none."""
        return max(0.0, 1 - float(np.sqrt(self.expected / self.before))) if self.before > 0 else 0.0


def worth(target: np.ndarray, weight: np.ndarray, measured: np.ndarray, predicted: np.ndarray, told: LogLikelihood) -> Worth:
    """What one measurement would be worth.

    Args:
        target: θ of each draw, `[K]`; `weight[K]` sums to one.
        measured: values that each draw would show, errors drawn, `[E, K]`.
        predicted: what each draw predicts, `[K]`.
        told: `(values[J], predicted[K]) -> ln p[J, K]`.
    """
    before = float(weight @ (target - weight @ target) ** 2)
    variances, counts = [], []
    for values in measured:
        logs = told(values, predicted) + np.log(np.maximum(weight, 1e-300))
        np.fill_diagonal(logs, -np.inf)
        share = np.exp(logs - logs.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        centre = share @ target
        variances.append(share @ target**2 - centre**2)
        counts.append(1 / np.sum(share**2, axis=1))
    each, count = np.mean(variances, axis=0), np.mean(counts, axis=0)
    expected = float(weight @ each)
    error = float(np.sqrt(np.sum(weight**2 * (each - expected) ** 2)))
    return Worth(before, expected, error, float(weight @ count))


def symmetric_errors(seed: int, draws: int) -> np.ndarray:
    """Standard normal errors and their opposites, `[E, K]`: their mean is none."""
    z = np.random.default_rng(seed).standard_normal((REPEATS // 2, draws))
    return np.concatenate([z, -z])
