"""Errors, coverage and areas under curves of forecasts, with intervals over patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

LEVELS = (80, 95)  # per cent that an interval should hold
QUANTILES = (0.025, 0.1, 0.9, 0.975)
RESAMPLED = 2000

Array = NDArray[np.float64]


class Forecasts(NamedTuple):
    """Forecast values of many patients: who, the truth, ours, those of simple rules by name, and the bounds of our
    intervals, lower and upper, by level."""

    patient: NDArray[np.int64]
    truth: Array
    ours: Array
    rules: dict[str, Array]
    bounds: dict[int, tuple[Array, Array]]


def together(parts: Sequence[Forecasts]) -> Forecasts:
    """All parts as one; patients of different parts are different."""
    first = np.cumsum([0, *(int(p.patient.max(initial=-1)) + 1 for p in parts[:-1])])
    join = lambda of: np.concatenate([of(p) for p in parts])  # noqa: E731
    return Forecasts(
        np.concatenate([p.patient + shift for p, shift in zip(parts, first, strict=True)]),
        join(lambda p: p.truth),
        join(lambda p: p.ours),
        {name: join(lambda p, n=name: p.rules[n]) for name in parts[0].rules},
        {level: (join(lambda p, k=level: p.bounds[k][0]), join(lambda p, k=level: p.bounds[k][1])) for level in LEVELS},
    )


def table(f: Forecasts, unit: str, seed: int = 0) -> dict[str, Any]:
    """Mean and median absolute errors of the forecast and of every rule, their differences, and coverage; 95 % intervals by
    resampling patients."""
    drawn = _resampled(f.patient, seed)
    errors = {"forecast": np.abs(f.ours - f.truth)} | {name: np.abs(v - f.truth) for name, v in f.rules.items()}
    held = {level: ((low <= f.truth) & (f.truth <= high)).astype(float) for level, (low, high) in f.bounds.items()}
    return {
        "unit": unit,
        "forecasts": len(f.truth),
        "patients": len(np.unique(f.patient)),
        "errors": {name: {"mean": _over(e, np.mean, drawn), "median": _over(e, np.median, drawn)} for name, e in errors.items()},
        "less_than": {name: _over(errors["forecast"] - errors[name], np.mean, drawn) for name in f.rules},
        "coverage": {str(level): _over(inside, np.mean, drawn) for level, inside in held.items()},
    }


def _resampled(patient: NDArray[np.int64], seed: int) -> list[NDArray[np.int64]]:
    """Rows of the forecasts of patients drawn with replacement."""
    rng, who = np.random.default_rng(seed), np.unique(patient)
    rows = {p: np.flatnonzero(patient == p) for p in who}
    return [np.concatenate([rows[p] for p in rng.choice(who, len(who))]) for _ in range(RESAMPLED)]


def _over(values: Array, of: Any, drawn: Sequence[NDArray[np.int64]]) -> dict[str, float]:
    lower, upper = np.percentile([of(values[rows]) for rows in drawn], [2.5, 97.5])
    return {"value": float(of(values)), "lower": float(lower), "upper": float(upper)}


def auc(risk: Array, happened: NDArray[np.bool_], seed: int = 0) -> dict[str, Any] | None:
    """Probability that one to whom it happened had the greater risk (ties half), with its interval over patients; None
    where it happened to all or to nobody."""
    if happened.all() or not happened.any():
        return None
    rng, n = np.random.default_rng(seed), len(risk)
    drawn = [rng.integers(0, n, n) for _ in range(RESAMPLED)]
    values = [_auc(risk[rows], happened[rows]) for rows in drawn if 0 < happened[rows].sum() < n]
    lower, upper = np.percentile(values, [2.5, 97.5])
    return {"value": _auc(risk, happened), "lower": float(lower), "upper": float(upper), "with": int(happened.sum()), "of": n}


def _auc(risk: Array, happened: NDArray[np.bool_]) -> float:
    above = risk[happened][:, None] - risk[~happened][None]
    return float(np.mean((above > 0) + 0.5 * (above == 0)))


def spread(errors: Array) -> Mapping[int, tuple[float, float]]:
    """The bounds that hold 80 and 95 % of some standardised errors."""
    low95, low80, high80, high95 = (float(q) for q in np.quantile(errors, QUANTILES))
    return {80: (low80, high80), 95: (low95, high95)}
