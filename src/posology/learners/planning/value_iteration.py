"""Value iteration on a finite problem.

    V ← max_a [R(s, a) + γ·Σ P(s' | s, a)·V(s')]   until no state changes by more than `tolerance`

Bellman 1957, Dynamic Programming; Sutton & Barto 2018, Eq. 4.10. With γ < 1 the values are then within
tolerance·γ/(1 − γ) of the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from posology.environments.finite import Tables
from posology.environments.spec import Spec
from posology.learners.learner import at_least, in_unit_interval
from posology.learners.planning.finite import Plan, ahead, best, form
from posology.policies.tabular import Table


@dataclass(frozen=True)
class ValueIteration:
    """`discount` per decision; at most `sweeps` over all states."""

    id: ClassVar[str] = "value-iteration"

    discount: float = 0.99
    tolerance: float = 1e-10
    sweeps: int = 100_000

    def __post_init__(self) -> None:
        at_least(self, sweeps=1, tolerance=0)
        in_unit_interval(self, "discount")

    def form(self, spec: Spec) -> Table:
        """One table, the same at each decision."""
        return form(spec)

    def plan(self, tables: Tables, horizon: int) -> Plan:
        """Optimal values of each decision; `horizon` does not matter here."""
        value, change, sweep = np.zeros(len(tables.terminal)), np.inf, 0
        while change > self.tolerance and sweep < self.sweeps:
            values, sweep = ahead(tables, value, self.discount), sweep + 1
            after = best(tables, values)
            change, value = float(np.abs(after - value).max()), after
        return Plan(values, sweep, change)
