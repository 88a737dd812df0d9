"""The reference patient by diffrax: Tsit5, adaptive, vmapped over patients. Runs in `.venv-peers`.

`python -m posology.benchmarks.diffrax_peer MODEL PATIENTS SEED` prints rate and error as JSON. The
tolerance is the loosest whose 99th percentile meets the bar of the engine.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from posology.benchmarks import cohort, reference
from posology.benchmarks.accuracy import BARS
from posology.benchmarks.cohort import Cohort, Problem

TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6)
SAMPLE = 64


def course(p: Problem, rtol: float) -> Callable[[Cohort], Any]:
    """A compiled `cohort -> states [n, repeats, times]` for doses given at once."""
    import diffrax
    import jax
    import jax.numpy as jnp

    solver, control = diffrax.Tsit5(), diffrax.PIDController(rtol=rtol, atol=rtol * 1e-3)
    entry = p.model.receives
    field = diffrax.ODETerm(lambda t, y, own: jnp.stack(p.model.rates(t, p.model.State(*y), own, 0.0)))

    def one(patient: Cohort) -> Any:
        own, amount = patient

        def again(y: Any, dose: Any) -> tuple[Any, Any]:
            y = y.at[entry].add(dose)
            saved = diffrax.SaveAt(ts=jnp.array(p.times))
            settings = {"saveat": saved, "stepsize_controller": control, "throw": False}
            got = diffrax.diffeqsolve(field, solver, 0.0, p.period, 0.05, y, own, **settings)
            return got.ys[-1], got.ys

        return jax.lax.scan(again, jnp.stack([v + 0 * amount[0] for v in p.model.baseline(own)]), amount)[1]

    return jax.jit(jax.vmap(one))


def main(model_id: str, n: int, seed: int) -> dict[str, Any]:
    """Rates per second of wall clock and of one core, and the error over the first patients."""
    import jax

    p = cohort.problem(model_id)
    patients = cohort.draw(p, jax.random.key(seed), n)
    some = jax.tree.map(lambda v: v[:SAMPLE], patients)
    exact = reference.solve(p, some, "LSODA")
    for rtol in TOLERANCES:
        run = course(p, rtol)
        e = reference.errors(p, np.asarray(run(some), np.float64), exact, some)
        if np.quantile(e, 0.99) <= BARS[False]["p99"]:
            break
    jax.block_until_ready(run(patients))
    wall, core = time.perf_counter(), time.process_time()
    jax.block_until_ready(run(patients))
    wall, core = time.perf_counter() - wall, time.process_time() - core
    return {
        "method": "Tsit5, vmapped",
        "rtol": rtol,
        "patient_days_per_s": n * p.days / wall,
        "patient_days_per_core_s": n * p.days / core,
        "p99_relative_error": float(np.quantile(e, 0.99)),
        "max_relative_error": float(e.max()),
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))))
