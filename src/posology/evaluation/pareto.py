"""Fronts between objectives: which points nothing else beats, and how much they cover.

Points are rows `[n, k]` of objectives, more of each is better.
"""

from __future__ import annotations

import numpy as np


def non_dominated(points: np.ndarray) -> np.ndarray:
    """Whether each point is on the front: no other is at least as good in all objectives and better in one."""
    p = np.asarray(points, float)
    as_good = np.all(p[None] >= p[:, None], axis=-1)
    better = np.any(p[None] > p[:, None], axis=-1)
    return ~np.any(as_good & better, axis=1)


def hypervolume(points: np.ndarray, reference: np.ndarray) -> float:
    """Volume between the front and a `reference` that is worse in everything; Zitzler & Thiele 1999,
    doi:10.1109/4235.797969. Points that do not beat the reference in every objective add nothing.

    Slices along the last objective, each the hypervolume of one dimension less: exact, for a few objectives.
    """
    ref = np.asarray(reference, float)
    p = np.asarray(points, float).reshape(-1, len(ref))
    p = p[(p > ref).all(axis=1)]
    if not len(p):
        return 0.0
    if len(ref) == 1:
        return float(p.max() - ref[0])
    p = p[np.argsort(-p[:, -1])]
    depth = p[:, -1] - np.append(p[1:, -1], ref[-1])
    return float(sum(d * hypervolume(p[: i + 1, :-1], ref[:-1]) for i, d in enumerate(depth)))
