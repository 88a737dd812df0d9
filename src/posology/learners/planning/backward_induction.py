"""Backward induction on a finite problem with so many decisions.

    V_T = 0;   Q_t(s, a) = R(s, a) + γ·Σ P(s' | s, a)·V_{t+1}(s'),   V_t = max_a Q_t

Bellman 1957, Dynamic Programming; Bather 2000, Decision Theory. The best decision may depend on how many
are left, so the plan has a table for each; the end of study is worth nothing.
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
class BackwardInduction:
    """`discount` per decision; `horizon` decisions (0: as many as the problem allows)."""

    id: ClassVar[str] = "backward-induction"

    discount: float = 0.99
    horizon: int = 0

    def __post_init__(self) -> None:
        at_least(self, horizon=0)
        in_unit_interval(self, "discount")

    def form(self, spec: Spec) -> Table:
        """A table for each decision."""
        return form(spec, self.steps(spec.max_steps))

    def steps(self, allowed: int) -> int:
        """Decisions that are planned, of those that the problem allows."""
        return min(self.horizon or allowed, allowed)

    def plan(self, tables: Tables, horizon: int) -> Plan:
        """Optimal values of each decision, by the number of decisions made before, at most `horizon`."""
        value, found = np.zeros(len(tables.terminal)), []
        for _ in range(self.steps(horizon)):
            found.append(ahead(tables, value, self.discount))
            value = best(tables, found[-1])
        return Plan(np.stack(found[::-1]), len(found), 0.0)
