"""Virtual patients most like this one: what each dose led to in them.

    d(k) = √( 1/R · Σ ((η(k, r) − m(r)) / ω(r))² )

over the R uncertain parameters: η ln of a virtual patient's parameter relative to the typical one, m this patient's posterior
mean of it, ω the SD of the population.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

COUNT = 20


class Near(NamedTuple):
    """Virtual patients by distance: `rows[N]` of the cohort and their `distance[N]`, in SDs of the population; beside them the
    median distance of the whole cohort."""

    rows: np.ndarray
    distance: np.ndarray
    usual: float


def nearest(cohort: np.ndarray, weight: np.ndarray, mean: np.ndarray, sd: np.ndarray, count: int = COUNT) -> Near:
    """The `count` patients of a cohort `[K, R]` nearest to `mean[R]`, in SDs of the population.

    Args:
        weight: of each, `[K]`; those without weight do not exist.
    """
    distance = np.sqrt(np.mean(((cohort - mean) / sd) ** 2, axis=1)) if cohort.shape[1] else np.zeros(len(cohort))
    there = np.flatnonzero(weight > 0)
    order = there[np.argsort(distance[there], kind="stable")][:count]
    return Near(order, distance[order], float(np.median(distance[there])))
