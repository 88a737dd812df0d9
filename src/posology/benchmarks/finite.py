"""Whether every patient of a very large cohort ends as a number."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from posology.benchmarks import cohort
from posology.benchmarks.cohort import Problem
from posology.benchmarks.timing import BLOCK, blocks

CHUNK = 128 * BLOCK
Report = Callable[[str, int], None]


def finite(p: Problem, n: int, seed: int = 0, report: Report = lambda name, done: None) -> dict[str, Any]:
    """How many of `n` patients end with a number that is not finite, in chunks."""
    import jax

    run, chunk, bad, begun = cohort.course(p, states=False), CHUNK, 0, time.perf_counter()
    for start in range(0, n, chunk):
        size = min(chunk, n - start)
        patients = cohort.draw(p, jax.random.fold_in(jax.random.key(seed), start), min(chunk, n))
        found = [run(part) for part in blocks(patients)]
        fine = np.concatenate([_fine(part) for part in found])[:size]
        bad += int((~fine).sum())
        report(p.model_id, start + size)
    seconds = time.perf_counter() - begun
    rate = n * p.days / seconds
    return {"model": p.model_id, "patients": n, "not_finite": bad, "seconds": seconds, "patient_days_per_s": rate}


def _fine(found: Any) -> np.ndarray:
    import jax

    leaves = [np.asarray(v) for v in jax.tree.leaves(found)]
    return np.all([np.isfinite(v).reshape(len(v), -1).all(axis=1) for v in leaves], axis=0)
