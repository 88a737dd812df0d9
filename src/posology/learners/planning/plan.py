"""The host's side of planning: compute, judge like everything learned, write a run folder."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from posology.environments.finite import FiniteEnvironment
from posology.learners import runs
from posology.learners.judge import EVALUATION_SEED, evaluator, summary
from posology.learners.planning import finite


def value_of(env: FiniteEnvironment, stored: np.ndarray, discount: float) -> float:
    """Exact value of the policy that the stored numbers choose, over the course the problem allows."""
    tables, size = env.tables, env.spec.states
    table = stored.reshape(-1, size, stored.shape[-1])
    value, states = np.zeros(size), np.arange(size)
    for step in range(env.spec.max_steps - 1, -1, -1):
        choice = table[min(step, len(table) - 1)].argmax(axis=1)
        value = np.where(tables.terminal, 0.0, finite.ahead(tables, value, discount)[states, choice])
    return finite.start_value(tables, value)


def plan(
    env: FiniteEnvironment,
    planner: Any,
    out: Path | str,
    seed: int = 0,
    *,
    held_out: int = 1000,
    report: Callable[[dict[str, Any]], None] = lambda event: None,
) -> dict[str, Any]:
    """Plan on the problem's tables and write the run to `out`.

    Returns:
        What `loops.train` returns, and `value`: the exact value of the stored policy before the first
        decision. The return is that of simulated patients, as everywhere else.

    Raises:
        ValueError: where `out` holds another run.
    """
    out, begun = Path(out), time.perf_counter()
    identity = runs.identity(env, planner, seed, 0)
    if out.exists():
        return runs.finished(out, identity, True)
    made = planner.plan(env.tables, env.spec.max_steps)
    arrays = finite.arrays(made.values)
    report({"event": "planned", "sweeps": made.sweeps, "residual": made.residual})
    judge = jax.random.key(EVALUATION_SEED)
    unseen = env.draw(jax.random.fold_in(judge, 0), held_out)
    stored = planner.form(env.spec).policy(planner.id, arrays)
    outcome = evaluator(env, lambda _: stored, unseen, jax.random.fold_in(judge, 1))(())
    result = {
        "run": str(out),
        "treatment": identity["treatment"],
        "learner": planner.id,
        **summary(env, outcome),
        "value": value_of(env, arrays["table"], planner.discount),
        "samples": 0,
        "updates": made.sweeps,
        "seconds": time.perf_counter() - begun,
        "compile_seconds": 0.0,
    }
    runs.save(out, env, planner, identity, arrays, {**result, "history": []})
    report({"event": "done", **result})
    return result
