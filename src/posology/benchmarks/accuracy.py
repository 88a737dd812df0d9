"""How exact the engine is: a cohort of each model against SciPy at a relative tolerance of 1e-12.

A reference counts where two of SciPy's solvers agree to a tenth of the bar: DOP853, explicit, and
LSODA, which changes to an implicit method where the equations are stiff.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from posology.benchmarks import cohort, reference
from posology.benchmarks.cohort import Cohort, Problem
from posology.patients import dosing

SOLVERS = ("DOP853", "LSODA")
BARS = {False: {"p99": 1e-4, "max": 1e-3}, True: {"p99": 1e-6, "max": 1e-6}}
LINEAR_BAR = 1e-8  # of linear kinetics alone, when precise


def bars(p: Problem, precise: bool) -> dict[str, float]:
    """The errors allowed: 99th percentile and largest over the patients."""
    if precise and set(p.model.linear) == set(p.model.State._fields):  # type: ignore[attr-defined]
        return {"p99": LINEAR_BAR, "max": LINEAR_BAR}
    return BARS[precise]


def computed(p: Problem, patients: Cohort, precise: bool = False) -> np.ndarray:
    """The engine's states `[n, repeats, times, s]`, as shipped or precise."""
    import jax

    with jax.enable_x64(precise):
        real = np.float64 if precise else np.float32
        patients = jax.tree.map(lambda v: jax.numpy.asarray(np.asarray(v), real), patients)
        grid = dosing.finer(p.model.grid, dosing.FINER) if precise else p.model.grid
        return np.stack([np.asarray(v, np.float64) for v in cohort.course(p, grid)(patients)], axis=-1)


def measured(p: Problem, n: int, seed: int = 0, precise: bool = False) -> dict[str, Any]:
    """Errors of `n` patients, and what the reference is worth.

    Raises:
        ValueError: when the two reference solvers do not agree.
    """
    import jax

    patients, allowed = cohort.draw(p, jax.random.key(seed), n), bars(p, precise)
    first, second = (reference.solve(p, patients, solver) for solver in SOLVERS)
    doubt = float(reference.errors(p, second, first, patients).max())
    if doubt > allowed["p99"] / 10:
        raise ValueError(f"{p.model_id}: {' and '.join(SOLVERS)} differ by {doubt:.1e}, too much for a reference")
    e = reference.errors(p, computed(p, patients, precise), first, patients)
    p99, largest = float(np.quantile(e, 0.99)), float(e.max())
    return {
        "model": p.model_id,
        "patients": n,
        "days": p.days,
        "precise": precise,
        "p99_relative_error": p99,
        "max_relative_error": largest,
        "bar_p99": allowed["p99"],
        "bar_max": allowed["max"],
        "met": p99 <= allowed["p99"] and largest <= allowed["max"],
        "reference": " and ".join(SOLVERS),
        "reference_difference": doubt,
    }
