"""What planners of finite problems share: exact values, in float64, of decisions and of policies.

    Q(s, a) = R(s, a) + γ·Σ_{s' not terminal} P(s' | s, a)·V(s')
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from posology.environments.finite import Tables
from posology.environments.spec import Spec
from posology.policies.network import FORBIDDEN
from posology.policies.tabular import Table


class Plan(NamedTuple):
    """`values[S, A]` of each decision, `[T, S, A]` where they depend on how many are left; how many
    `sweeps` over all states it took, and the largest change in the last (`residual`)."""

    values: np.ndarray
    sweeps: int
    residual: float


def ahead(tables: Tables, value: np.ndarray, discount: float) -> np.ndarray:
    """Value of each decision `[S, A]` from the values `[S]` of what follows; inadmissible ones −∞."""
    after = tables.transition @ np.where(tables.terminal, 0.0, value)
    return np.where(tables.admissible, tables.expected + discount * after, -np.inf)


def best(tables: Tables, values: np.ndarray) -> np.ndarray:
    """Value of each state `[S]` under the best decision; 0 where the episode is over."""
    return np.where(tables.terminal, 0.0, values.max(axis=1))


def of_policy(tables: Tables, probability: np.ndarray, discount: float) -> np.ndarray:
    """Value of each state `[S]` under a policy `[S, A]`, by one linear solve.

    Raises:
        ValueError: where the policy may go on for ever and nothing is discounted.
    """
    live = np.flatnonzero(~tables.terminal)
    share = probability[live]
    onward = np.einsum("ij,ijk->ik", share, tables.transition[live])[:, live]
    reward = np.sum(share * tables.expected[live], axis=1)
    system = np.eye(len(live)) - discount * onward
    try:
        solved = np.linalg.solve(system, reward)
    except np.linalg.LinAlgError:
        solved = np.full(len(live), np.nan)
    if not np.isfinite(solved).all() or np.abs(system @ solved - reward).max() > 1e-6:
        raise ValueError("this policy may go on for ever, so that its undiscounted value does not exist; discount it")
    value = np.zeros(len(tables.terminal))
    value[live] = solved
    return value


def start_value(tables: Tables, value: np.ndarray) -> float:
    """Value before the first decision."""
    return float(tables.start @ value)


def form(spec: Spec, steps: int = 1) -> Table:
    """The table of a plan for so many decisions, 1 where it is the same at each."""
    return Table(1, len(spec.actions), spec.states, steps=steps)


def arrays(values: np.ndarray) -> dict[str, Any]:
    """A plan as it is stored."""
    finite = np.where(np.isfinite(values), values, FORBIDDEN).astype(np.float32)
    return {"table": finite.reshape(-1, values.shape[-1])}
