"""The next diameters of a lesion: the growth curve of Claret with noise of its own, filtered.

In `nsclc-claret2014` ln size has the slope kL − kD·exp(−lam·t) from the first dose on. Here the slope of a patient is drawn, it
relaxes at the rate λ as there, and the lesion wanders around it (y: ln of diameter + OFFSET, in mm; on: days on treatment):

    dy = (g + m)·dt + q·dW,   dg = −λ·g·d(on),   g(0) ~ N(g0, sg²),   m ~ N(m0, sm²),   seen = y + N(0, r²)

Everything is linear, so a Kalman filter gives the exact forecast. The seven numbers are fitted to a cohort by maximum likelihood
with Student's t for what surprises (4 degrees of freedom; lesions that vanish are many). Intervals are the forecast's standard
error times quantiles of what the fitted cohort's own last readings were off by, for each step ahead, so that they hold what they
say without a bell curve.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from posology.data.readers.lesions import Lesion
from posology.evaluation.forecasts.scores import LEVELS, Forecasts, spread

OFFSET = 8.0  # mm: a lesion that is not seen any more has a logarithm, and small ones do not weigh too much
AHEAD, LEAST = 3, 6  # last readings that are forecast, of series that have at least so many
FREEDOM = 4.0
# ln of λ, q, sg, sm, r; then g0 and m0 (1/d): where the search begins, and how far its first steps go
START = (np.log(0.02), np.log(0.012), np.log(0.004), np.log(0.001), np.log(0.06), -0.003, 0.0005)
STEPS = (0.6, 0.6, 0.6, 0.6, 0.6, 0.003, 0.0006)
LOOKS = 500
ROUNDED = 0.01  # of ln: less error than readings in whole mm have is none that could be
VAGUE = 100.0  # variance of the level before the first reading

Array = NDArray[np.float64]


class Table(NamedTuple):
    """Series of a cohort side by side: days and ln(diameter + OFFSET), `[N, K]`, NaN behind the last, and readings of each."""

    day: Array
    y: Array
    length: NDArray[np.int64]


def table_of(lesions: Sequence[Lesion]) -> Table:
    """The series as arrays; behind the last reading of each its day goes on."""
    length = np.array([len(one.day) for one in lesions])
    day, y = np.zeros((len(lesions), length.max())), np.full((len(lesions), length.max()), np.nan)
    for i, one in enumerate(lesions):
        day[i] = one.day[-1]
        day[i, : length[i]], y[i, : length[i]] = one.day, np.log(one.diameter + OFFSET)
    return Table(day, y, length)


def filtered(numbers: Any, t: Table, known: NDArray[Any]) -> tuple[Array, Array, Array]:
    """Mean and variance of each reading from those before it, `[N, K]`, of which the first `known` are seen; and each
    patient's log-likelihood."""
    rate, wander, sg, sm, error = np.exp(numbers[:5])
    error = max(error, ROUNDED)
    n, readings = t.day.shape
    x = np.tile([0.0, numbers[5], numbers[6]], (n, 1))
    cov = np.zeros((n, 3, 3))
    cov[:, [0, 1, 2], [0, 1, 2]] = VAGUE, sg**2, sm**2
    mean, variance, likelihood = np.zeros_like(t.day), np.zeros_like(t.day), np.zeros(n)
    for k in range(readings):
        before = t.day[:, max(k - 1, 0)]
        treated = np.maximum(t.day[:, k], 0) - np.maximum(before, 0)
        move = np.zeros((n, 3, 3))
        left = np.exp(-rate * treated)
        move[:, 0, 0], move[:, 2, 2], move[:, 1, 1] = 1.0, 1.0, left
        move[:, 0, 1], move[:, 0, 2] = (1 - left) / rate, t.day[:, k] - before
        x = np.einsum("nij,nj->ni", move, x)
        cov = move @ cov @ move.transpose(0, 2, 1)
        cov[:, 0, 0] += wander**2 * (t.day[:, k] - before)
        mean[:, k], variance[:, k] = x[:, 0], cov[:, 0, 0] + error**2
        seen = np.isfinite(t.y[:, k]) & (k < known)
        off = np.where(seen, np.nan_to_num(t.y[:, k]) - x[:, 0], 0.0)
        if k:
            surprise = np.log1p(off**2 / variance[:, k] / FREEDOM)
            likelihood += np.where(seen, -np.log(variance[:, k]) / 2 - (FREEDOM + 1) / 2 * surprise, 0.0)
        gain = np.where(seen[:, None], cov[:, :, 0] / variance[:, k, None], 0.0)
        x = x + gain * off[:, None]
        cov = cov - gain[:, :, None] * cov[:, 0, None, :]
    return mean, variance, likelihood


def fit(lesions: Sequence[Lesion]) -> dict[str, Any]:
    """The population of a cohort: the seven numbers, and the bounds of standardised errors for each step ahead."""
    from scipy.optimize import minimize

    t = table_of(lesions)
    simplex = np.vstack([START, np.array(START) + np.diag(STEPS)])
    options = {"initial_simplex": simplex, "maxfev": LOOKS, "xatol": 1e-3, "fatol": 1e-4}
    loss = lambda numbers: -filtered(numbers, t, t.length)[2].mean()  # noqa: E731
    numbers = minimize(loss, START, method="Nelder-Mead", options=options).x
    long = _ahead(numbers, [one for one in lesions if len(one.day) >= LEAST])
    bounds = [{str(k): list(v) for k, v in spread(long.off[long.step == s]).items()} for s in range(AHEAD)]
    return {"numbers": [float(v) for v in numbers], "bounds": bounds, "patients": len({one.patient for one in lesions})}


class _Ahead(NamedTuple):
    patient: Any
    step: Any
    last: Any
    truth: Any
    mean: Any
    sd: Any
    off: Any


def _ahead(numbers: Any, lesions: Sequence[Lesion]) -> _Ahead:
    """The last readings of each series from those before."""
    t, who = table_of(lesions), {p: i for i, p in enumerate(dict.fromkeys(one.patient for one in lesions))}
    known = t.length - AHEAD
    mean, variance, _ = filtered(np.asarray(numbers), t, known)
    step = np.arange(t.day.shape[1]) - known[:, None]
    chosen = (step >= 0) & (step < AHEAD)
    patient = np.broadcast_to(np.array([who[one.patient] for one in lesions])[:, None], step.shape)
    last = np.broadcast_to(np.array([one.diameter[-AHEAD - 1] for one in lesions])[:, None], step.shape)
    sd = np.sqrt(variance)
    truth = np.full(step.shape, np.nan)
    for i, one in enumerate(lesions):
        truth[i, : t.length[i]] = one.diameter  # as it was read: what vanished is 0 and nothing near it
    return _Ahead(*(v[chosen] for v in (patient, step, last, truth, mean, sd, (t.y - mean) / sd)))


def forecast(prior: dict[str, Any], lesions: Sequence[Lesion]) -> Forecasts:
    """The last three diameters (mm) of every series of six or more, beside the last one seen carried forward."""
    a = _ahead(prior["numbers"], [one for one in lesions if len(one.day) >= LEAST])
    mm = lambda y: np.maximum(np.exp(y) - OFFSET, 0.0)  # noqa: E731
    bounds = {}
    for level in LEVELS:
        off = np.array([prior["bounds"][s][str(level)] for s in range(AHEAD)])[a.step]
        bounds[level] = (mm(a.mean + off[:, 0] * a.sd), mm(a.mean + off[:, 1] * a.sd))
    return Forecasts(a.patient, a.truth, mm(a.mean), {"last value": a.last}, bounds)
