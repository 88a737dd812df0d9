"""How fast the engine is, as a ratio to others on the same machine in the same run.

Rates per core divide by processor time, which other programs hardly touch; wall clock stands beside them.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from posology.benchmarks import accuracy, arithmetic, cohort, reference, scipy_loop, stepwise, timing
from posology.benchmarks.cohort import Cohort, Problem
from posology.benchmarks.stepwise import MapProblem
from posology.patients import catalogue
from posology.patients.catalogue import MAPS, MODELS
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

PATIENTS, GROWTH = 4096, 100_000  # of a cohort, and of the largest one whose time is told
SAMPLE = 64  # patients compared with the reference
PEERS = Path(".venv-peers/bin/python")


def models() -> tuple[str, ...]:
    """Ids of all models, those in steps last."""
    return (*catalogue.ids(), *MAPS)


def problem(model_id: str) -> Problem | MapProblem:
    """What is computed of a model."""
    return MapProblem(model_id) if model_id in MAPS else cohort.problem(model_id)


def peer(name: str, p: Problem | MapProblem, n: int, seed: int) -> dict[str, Any] | None:
    """What a peer measured in its own environment, or nothing when `make peers` was not run."""
    if not PEERS.exists():
        return None
    command = [str(PEERS), "-m", f"posology.benchmarks.{name}_peer", p.model_id, str(n), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": "src"})
    if done.returncode:
        raise ValueError(f"{name} in {PEERS.parent.parent} failed: {done.stderr.strip().splitlines()[-1:]}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def compared(p: Problem | MapProblem, some: Cohort) -> tuple[np.ndarray, dict[str, Any]]:
    """Errors of the engine `[n]`, and the plain Python loop at no larger an error: its name, its rate, how it was run."""
    if isinstance(p, MapProblem):
        exact, rate = stepwise.by_loop(p, some)
        e = reference.errors(p, stepwise.computed(p, some), exact, some)
        return e, {"python": {"method": "the transition in float64", "max_relative_error": 0.0, "courses_per_core_s": rate}}
    exact = reference.solve(p, some, "LSODA")
    e = reference.errors(p, accuracy.computed(p, some), exact, some)
    bar = max(float(np.quantile(e, 0.99)), scipy_loop.TOLERANCES[-1])
    return e, {"scipy": scipy_loop.matched(p, some, exact, bar)}


def measured(p: Problem | MapProblem, n: int = PATIENTS, seed: int = 0, up_to: int = GROWTH) -> dict[str, Any]:
    """Rates, errors, growth and arithmetic of one model; none per patient-day where the length of a step is not known."""
    import jax

    way: Any = stepwise if isinstance(p, MapProblem) else cohort
    everyone = jax.tree.map(np.asarray, way.draw(p, jax.random.key(seed), max(n, up_to)))
    course, parts = way.course(p, states=False), timing.blocks(timing.first(everyone, n))
    program, compiling = timing.compiled(course, parts[0])
    wall, core = timing.timed(program, parts)
    peak, work = arithmetic.peak(), arithmetic.flops(course, timing.first(everyone, 1))
    rows, exponent = timing.growth(course, program, timing.first(everyone, up_to))
    e, slow = compared(p, timing.first(everyone, min(n, SAMPLE)))
    computed = sum(len(part.amount) for part in parts)
    rate, days = computed / core, None if math.isnan(p.days) else p.days
    result = {
        "model": p.model_id,
        "kind": p.model.kind,
        "patients": n,
        "patient_days": days and n * days,
        "steps": p.steps,
        "cores": os.cpu_count(),
        "cores_used": core / wall,
        "patient_days_per_s": days and computed / wall * days,
        "patient_days_per_core_s": days and rate * days,
        "patient_steps_per_core_s": rate * p.steps,
        "p99_relative_error": float(np.quantile(e, 0.99)),
        "max_relative_error": float(e.max()),
        "error_patients": len(e),
        "ratio_to": {name: rate / found["courses_per_core_s"] for name, found in slow.items()},
        **{name: {**loop, "patient_days_per_core_s": days and days * loop["courses_per_core_s"]} for name, loop in slow.items()},
        "compile_seconds": compiling,
        "growth": rows,
        "growth_exponent": exponent,
        "flops_per_patient_day": days and work / days,
        "flops_per_patient_step": work / p.steps,
        "peak_flops_per_core_s": peak,
        "peak_fraction": work * rate / peak,
    }
    return result | (beside_diffrax(p, result, seed) if p.model_id == "benchmark-oral-friberg" else {})


def beside_diffrax(p: Problem | MapProblem, found: dict[str, Any], seed: int) -> dict[str, Any]:
    """What diffrax measured and the ratio to it, or why there is none."""
    theirs = peer("diffrax", p, found["patients"], seed)
    if theirs is None:
        return {"diffrax": f"not measured: {PEERS} is not there; `make peers` makes it"}
    ratio = found["patient_days_per_core_s"] / theirs["patient_days_per_core_s"]
    return {"diffrax": theirs, "ratio_to": found["ratio_to"] | {"diffrax": ratio}}


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Every model of ours, one after the other; what was measured of a model is kept and not measured again."""
    import jax

    rows = []
    for i, model_id in enumerate(ids := (*MODELS, *MAPS)):
        path = effort.runs / "speed" / f"{model_id}.json"
        if not path.exists():
            tell(f"speed: {model_id}, {i + 1} of {len(ids)}")
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_json(path, measured(problem(model_id), seed=effort.seed))
            jax.clear_caches()
        rows.append(json.loads(path.read_text(encoding="utf-8")))
    return {"rows": rows, **storage.machine()}
