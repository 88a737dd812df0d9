"""The same courses by SciPy in plain Python, one patient after another: what most simulators of patients do.

The tolerance is the loosest whose error is no larger than the engine's.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from posology.benchmarks import reference
from posology.benchmarks.cohort import Cohort, Problem

FEW = 8  # patients
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)


def one_by_one(p: Problem, patients: Cohort, rtol: float) -> tuple[np.ndarray, float]:
    """States by SciPy's LSODA, patient after patient in plain Python, and courses per second of one core."""
    from scipy.integrate import solve_ivp

    model = p.model
    state, entry, rates = model.State, model.receives, model.rates
    amount = np.asarray(patients.amount, float)
    found, marks = [], sorted({0.0, p.duration, *p.times, p.period})
    core = time.process_time()
    for i in range(len(amount)):
        own = type(patients.own)(*(float(v[i]) for v in patients.own))
        y = np.array(model.baseline(own), float)
        rows = []
        for a in amount[i]:
            if entry is not None:
                y[entry] += a * (p.duration == 0)
            for start, end in zip(marks, marks[1:], strict=False):
                rate = a / p.duration if end <= p.duration else 0.0
                slope = lambda t, y, r=rate: rates(t, state(*y.tolist()), own, r)  # noqa: E731
                y = solve_ivp(slope, (start, end), y, method="LSODA", rtol=rtol, atol=rtol * 1e-6).y[:, -1]
                rows += [y.copy()] if end in p.times else []
        found.append(np.reshape(rows, (p.repeats, len(p.times), -1)))
    return np.array(found), len(amount) / (time.process_time() - core)


def matched(p: Problem, patients: Cohort, exact: np.ndarray, bar: float) -> dict[str, Any]:
    """Courses per second of one core at the loosest tolerance whose error over the first patients stays below `bar`."""
    import jax

    few = jax.tree.map(lambda v: np.asarray(v)[:FEW], patients)
    for rtol in TOLERANCES:
        found, rate = one_by_one(p, few, rtol)
        error = float(reference.errors(p, found, exact[:FEW], few).max())
        if error <= bar:
            break
    return {"method": "LSODA", "rtol": rtol, "max_relative_error": error, "courses_per_core_s": rate}
