"""Intervals for a trial: training seeds are resampled, then patients.

Every endpoint is a ratio of two sums over patients and seeds (grade 4 cycles over cycles with a
dose), so that a resample redraws numerator and denominator together; a self-normaliser held fixed
would make intervals too narrow. Arms see the same patients and the same noise, hence one patient
resample serves every arm and every seed (Owen 2007, doi:10.1214/07-AOAS122: a crossed, not a nested,
bootstrap), while training seeds are redrawn for each arm on its own.

Of S seeds, S − 1 are redrawn (Rao and Wu 1988, doi:10.1080/01621459.1988.10478591): redrawing S of S
understates the variance between seeds by (S − 1)/S, a third at three seeds. Even so, three seeds that
differ more than patients do would be covered 80 times in 100, not 95, as their spread is itself
uncertain: deviations between seeds are therefore stretched by Student's t over the normal quantile.
A test holds the coverage of both regimes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, ndtri, stdtrit

DRAWS = 10_000
LEVEL = 0.95
# Entries of one block of resampling counts: bounds memory near 100 MB whatever the number of patients.
_BLOCK = 4_000_000

Array = NDArray[np.float64]


class Interval(NamedTuple):
    """An estimate with the bounds of its interval; all NaN where the denominator is zero."""

    mean: float
    lower: float
    upper: float


class Difference(NamedTuple):
    """A paired difference with the bounds of its interval, in the endpoint's unit."""

    difference: float
    lower: float
    upper: float


def patient_counts(patients: int, draws: int, seed: int) -> Iterator[NDArray[np.float32]]:
    """Blocks of rows, `draws` in all: how often each patient stands in a resample (rows sum to N).

    Counting uniform indices is an exact multinomial draw, five times as fast as asking for one
    with thousands of categories.
    """
    _positive("patients", patients)
    _positive("draws", draws)
    generator = np.random.default_rng([seed, 0])
    rows = max(1, _BLOCK // patients)
    for start in range(0, draws, rows):
        size = min(rows, draws - start)
        picked = generator.integers(patients, size=(size, patients))
        picked += patients * np.arange(size)[:, None]
        counts = np.bincount(picked.ravel(), minlength=size * patients)
        yield counts.reshape(size, patients).astype(np.float32)


def patient_sums(columns: ArrayLike, draws: int = DRAWS, seed: int = 0) -> NDArray[np.float32]:
    """Sums of `columns` [N, K] over each resample of the N patients: [draws, K].

    The same `seed` gives the same resamples, so columns of different arms may come in one call or
    in several. Sums of whole numbers are exact up to 16 million.
    """
    values = np.asarray(columns, np.float32)
    sums = np.empty((draws, values.shape[1]), np.float32)
    start = 0
    for counts in patient_counts(values.shape[0], draws, seed):
        sums[start : start + len(counts)] = counts @ values
        start += len(counts)
    return sums


def seed_weights(seeds: int, draws: int, seed: int, arm: int = 0, level: float = LEVEL) -> Array:
    """Weight of each of an arm's training seeds in each resample, [draws, S], 1 on average.

    A single seed always weighs 1. The stretch for few seeds can make a weight negative.
    """
    _positive("training seeds", seeds)
    if seeds == 1:
        return np.ones((draws, 1))
    generator = np.random.default_rng([seed, 1, arm])
    picked = generator.multinomial(seeds - 1, np.full(seeds, 1 / seeds), size=draws)
    tail = (1 + level) / 2
    stretch = stdtrit(seeds - 1, tail) / ndtri(tail)
    return 1 + stretch * (picked * (seeds / (seeds - 1)) - 1)


def ratio(numerator: ArrayLike, denominator: ArrayLike) -> Array:
    """numerator / denominator, NaN where the denominator is zero."""
    over, under = np.asarray(numerator, float), np.asarray(denominator, float)
    return np.divide(over, under, out=np.full(np.broadcast(over, under).shape, np.nan), where=under != 0)


def bounds(resampled: ArrayLike, level: float = LEVEL) -> tuple[float, float]:
    """The percentile interval of resampled values; resamples with an empty denominator are left out."""
    _fraction(level)
    values = np.asarray(resampled, float)
    values = values[np.isfinite(values)]
    if not values.size:
        return np.nan, np.nan
    lower, upper = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(lower), float(upper)


def resampled_ratio(
    numerator: ArrayLike, denominator: ArrayLike | None, draws: int, seed: int, arm: int = 0, level: float = LEVEL
) -> tuple[float, Array]:
    """The ratio of sums of two [S, N] arrays and its values over `draws` resamples."""
    over, under = _pair(numerator, denominator)
    seeds = over.shape[0]
    sums = patient_sums(np.concatenate([over, under]).T, draws, seed)
    weights = seed_weights(seeds, draws, seed, arm, level)
    values = ratio((weights * sums[:, :seeds]).sum(1), (weights * sums[:, seeds:]).sum(1))
    return float(ratio(over.sum(), under.sum())), values


def interval(
    numerator: ArrayLike,
    denominator: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """The ratio of sums of two [S, N] arrays (seeds, patients) with its interval.

    Without a denominator every patient counts once: the mean. Raises ValueError for arrays of
    other shapes and for values that are not finite.
    """
    mean, values = resampled_ratio(numerator, denominator, draws, seed, level=level)
    return Interval(mean, *bounds(values, level))


def paired(
    numerator: ArrayLike,
    denominator: ArrayLike | None,
    versus_numerator: ArrayLike,
    versus_denominator: ArrayLike | None,
    draws: int = DRAWS,
    seed: int = 0,
    level: float = LEVEL,
) -> Difference:
    """One arm's ratio minus the other's on the same patients: [S, N] and [S', N] arrays.

    Patients are redrawn together, training seeds for each arm on its own.
    """
    over, versus = np.atleast_2d(numerator), np.atleast_2d(versus_numerator)
    if over.shape[1] != versus.shape[1]:
        raise ValueError(f"paired arms need the same patients, got {over.shape[1]} and {versus.shape[1]}")
    first, one = resampled_ratio(over, denominator, draws, seed, 1, level)
    second, other = resampled_ratio(versus, versus_denominator, draws, seed, 0, level)
    return Difference(first - second, *bounds(one - other, level))


def proportion(events: int, trials: int, level: float = LEVEL) -> Interval:
    """A plain proportion of independent trials with its exact (Clopper-Pearson 1934) interval."""
    _fraction(level)
    if trials < 1 or not 0 <= events <= trials:
        raise ValueError(f"a proportion needs 0 <= events <= trials and at least one trial, got {events} of {trials}")
    tail = (1 - level) / 2
    lower = betaincinv(events, trials - events + 1, tail) if events else 0.0
    upper = betaincinv(events + 1, trials - events, 1 - tail) if events < trials else 1.0
    return Interval(events / trials, float(lower), float(upper))


def coverage(lower: ArrayLike, upper: ArrayLike, truth: ArrayLike, level: float = LEVEL) -> Interval:
    """The share of intervals that hold their truth, with its own exact interval."""
    low, high, true = np.broadcast_arrays(np.asarray(lower), np.asarray(upper), np.asarray(truth))
    if not np.isfinite([low, high, true]).all():
        raise ValueError("coverage needs finite bounds and truths")
    return proportion(int(((low <= true) & (true <= high)).sum()), true.size, level)


def _pair(numerator: ArrayLike, denominator: ArrayLike | None) -> tuple[Array, Array]:
    over = np.atleast_2d(np.asarray(numerator, float))
    under = np.ones_like(over) if denominator is None else np.atleast_2d(np.asarray(denominator, float))
    if over.ndim != 2 or over.shape != under.shape or not over.size:
        raise ValueError(f"numerator and denominator must be [seeds, patients], got {over.shape} and {under.shape}")
    for name, values in (("numerator", over), ("denominator", under)):
        if not np.isfinite(values).all():
            raise ValueError(f"the {name} holds {np.sum(~np.isfinite(values))} values that are not finite")
    return over, under


def _positive(name: str, value: int) -> None:
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def _fraction(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
