"""How fast the engine is, as a ratio to others on the same machine in the same run.

A course is computed in blocks of patients that stay in the processor's cache; several are in flight,
so that all cores work. Rates per core divide by processor time, which other programs do not touch.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from posology.benchmarks import accuracy, cohort, reference
from posology.benchmarks.cohort import Cohort, Problem

BLOCK = 512
CHUNK = 128 * BLOCK
REPEATS = 3
FEW = 8  # patients that SciPy solves one by one
TOLERANCES = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)
PEERS = Path(".venv-peers/bin/python")
Report = Callable[[str, int], None]


def blocks(patients: Cohort, size: int = BLOCK) -> list[Cohort]:
    """The cohort in equal parts, the last one filled up with its first patient's likes."""
    import jax

    n = len(patients.amount)
    size = min(size, n)
    parts = [np.arange(i, i + size) % n for i in range(0, n, size)]
    return [jax.tree.map(lambda v: v[rows], patients) for rows in parts]


def timed(p: Problem, patients: Cohort) -> tuple[float, float]:
    """Patient-days per second of wall clock and per second of one core, the best of a few runs."""
    import jax

    run, parts = cohort.course(p, states=False), blocks(patients)
    done = sum(len(b.amount) for b in parts) * p.days
    jax.block_until_ready(run(parts[0]))
    walls, cores = [], []
    for _ in range(REPEATS):
        wall, core = time.perf_counter(), time.process_time()
        jax.block_until_ready([run(part) for part in parts])
        walls.append(time.perf_counter() - wall)
        cores.append(time.process_time() - core)
    return done / min(walls), done / min(cores)


def one_by_one(p: Problem, patients: Cohort, rtol: float) -> tuple[np.ndarray, float]:
    """States by SciPy's LSODA, patient after patient in plain Python, and patient-days per second of one core."""
    from scipy.integrate import solve_ivp

    state, entry = p.model.State, p.model.receives
    amount = np.asarray(patients.amount, float)
    found, marks = [], sorted({0.0, p.duration, *p.times, p.period})
    core = time.process_time()
    for i in range(len(amount)):
        own = type(patients.own)(*(float(v[i]) for v in patients.own))
        y = np.array(p.model.baseline(own), float)
        rows = []
        for a in amount[i]:
            if entry is not None:
                y[entry] += a * (p.duration == 0)
            for start, end in zip(marks, marks[1:], strict=False):
                rate = a / p.duration if end <= p.duration else 0.0
                slope = lambda t, y, r=rate: p.model.rates(t, state(*y.tolist()), own, r)  # noqa: E731
                y = solve_ivp(slope, (start, end), y, method="LSODA", rtol=rtol, atol=rtol * 1e-6).y[:, -1]
                rows += [y.copy()] if end in p.times else []
        found.append(np.reshape(rows, (p.repeats, len(p.times), -1)))
    return np.array(found), len(amount) * p.days / (time.process_time() - core)


def scipy_rate(p: Problem, patients: Cohort, exact: np.ndarray, bar: float) -> tuple[float, float]:
    """Patient-days per second of one core at the loosest tolerance whose error stays below `bar`, and that tolerance."""
    import jax

    few = jax.tree.map(lambda v: np.asarray(v)[:FEW], patients)
    for rtol in TOLERANCES:
        found, rate = one_by_one(p, few, rtol)
        if reference.errors(p, found, exact[:FEW], few).max() <= bar:
            break
    return rate, rtol


def peer(name: str, p: Problem, n: int, seed: int) -> dict[str, Any] | None:
    """What a peer measured in its own environment, or nothing when `make peers` was not run."""
    if not PEERS.exists():
        return None
    command = [str(PEERS), "-m", f"posology.benchmarks.{name}_peer", p.model_id, str(n), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "src"})
    if done.returncode:
        raise ValueError(f"{name} in {PEERS.parent.parent} failed: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def measured(p: Problem, n: int, seed: int = 0, sample: int = 64) -> dict[str, Any]:
    """Rates and errors of one model; errors over the first `sample` patients."""
    import jax

    patients = cohort.draw(p, jax.random.key(seed), n)
    some = jax.tree.map(lambda v: v[:sample], patients)
    exact = reference.solve(p, some, "LSODA")
    e = reference.errors(p, accuracy.computed(p, some), exact, some)
    p99 = float(np.quantile(e, 0.99))
    wall, core = timed(p, patients)
    theirs, rtol = scipy_rate(p, some, exact, max(p99, TOLERANCES[-1]))
    result = {
        "model": p.model_id,
        "patients": n,
        "patient_days": n * p.days,
        "cores": os.cpu_count(),
        "patient_days_per_s": wall,
        "patient_days_per_core_s": core,
        "p99_relative_error": p99,
        "max_relative_error": float(e.max()),
        "error_patients": len(e),
        "ratio_to": {"scipy": core / theirs},
        "scipy": {"method": "LSODA", "rtol": rtol, "patient_days_per_core_s": theirs},
    }
    if p.model_id == "benchmark-oral-friberg":
        diffrax = peer("diffrax", p, n, seed)
        result["diffrax"] = diffrax or f"not measured: {PEERS} is not there; `make peers` makes it"
        if diffrax:
            result["ratio_to"] |= {"diffrax": core / diffrax["patient_days_per_core_s"]}  # type: ignore[operator]
    return result


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
