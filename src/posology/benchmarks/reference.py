"""The same courses by SciPy, in float64: what the engine's numbers are compared with.

The equations are the model's, the solvers are not ours. A cohort is one system of equations whose
Jacobian has a band as wide as one patient; a solver stops wherever the input jumps or a value is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.sparse import block_diag

from posology.benchmarks.cohort import Cohort, Problem

SMALLEST = 1e-20  # absolute tolerance: the last cells of a marrow matter by their share


def rates_of(p: Problem, cohort: Cohort) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Compiled float64 `(y[n, s], rate[n]) -> dy[n, s]` and its blocks `[n, s, s]`; call them under x64."""
    import jax
    import jax.numpy as jnp

    own = jax.tree.map(lambda v: jnp.asarray(np.asarray(v, np.float64)), cohort.own)

    def one(y: Any, own: Any, rate: Any) -> Any:
        d = p.model.rates(0.0, p.model.State(*y), own, rate)
        return jnp.stack([v + 0 * y[0] for v in d])

    f, g = jax.jit(jax.vmap(one)), jax.jit(jax.vmap(jax.jacfwd(one)))
    return lambda y, rate: f(y, own, rate), lambda y, rate: g(y, own, rate)


def solve(p: Problem, cohort: Cohort, method: str, rtol: float = 1e-12) -> np.ndarray:
    """States `[n, repeats, times, s]` of every patient by a SciPy solver.

    Raises:
        ValueError: with the solver's own words, when it gives up.
    """
    import jax

    with jax.enable_x64(True):
        return _solve(p, cohort, method, rtol)


def _solve(p: Problem, cohort: Cohort, method: str, rtol: float) -> np.ndarray:
    import jax

    f, jacobian = rates_of(p, cohort)
    own = jax.tree.map(lambda v: np.asarray(v, np.float64), cohort.own)
    amount = np.asarray(cohort.amount, np.float64)
    y = np.stack([np.broadcast_to(np.asarray(v), amount[:, 0].shape) for v in p.model.baseline(own)], axis=1)
    n, s = y.shape
    entry = p.model.receives
    marks = sorted({0.0, p.duration, *p.times, p.period})
    more: dict[str, Any] = {"lband": s - 1, "uband": s - 1} if method == "LSODA" else {}
    found = np.empty((n, p.repeats, len(p.times), s))
    for k in range(p.repeats):
        if p.duration == 0 and entry is not None:
            y[:, entry] += amount[:, k]
        for start, end in zip(marks, marks[1:], strict=False):
            rate = amount[:, k] / p.duration if end <= p.duration else 0 * amount[:, k]
            slope = lambda t, v, r=rate: np.asarray(f(v.reshape(n, s), r)).ravel()  # noqa: E731
            if method in ("Radau", "BDF"):
                blocks = lambda t, v, r=rate: block_diag(list(np.asarray(jacobian(v.reshape(n, s), r))), "csc")  # noqa: E731
                more["jac"] = blocks
            got = solve_ivp(slope, (start, end), y.ravel(), method=method, rtol=rtol, atol=SMALLEST, **more)
            if not got.success:
                raise ValueError(f"{p.model_id}: {method} of SciPy gave up: {got.message}")
            y = got.y[:, -1].reshape(n, s).copy()
            for i, t in enumerate(p.times):
                if t == end:
                    found[:, k, i] = y
    return found


def errors(p: Any, found: np.ndarray, reference: np.ndarray, cohort: Cohort) -> np.ndarray:
    """Largest e = |y − ref| / (|ref| + 1e-3·scale) of each patient `[n]`.

    The scale of a state is its largest value in that patient's course; of a depot, the largest dose.
    """
    scale = np.abs(reference).max(axis=(1, 2))
    for i, name in enumerate(p.model.State._fields):
        if name == "depot":
            scale[:, i] = np.asarray(cohort.amount).max(axis=1)
    scale = np.where(scale > SMALLEST, scale, 1.0)  # never dosed: nothing there, nothing expected
    e = np.abs(found - reference) / (np.abs(reference) + 1e-3 * scale[:, None, None])
    return np.where(np.isfinite(e), e, np.inf).max(axis=(1, 2, 3))
