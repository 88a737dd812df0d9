"""Policy iteration on a finite problem.

    V^π by a linear solve;   π(s) ← argmax_a [R(s, a) + γ·Σ P(s' | s, a)·V^π(s')]   until π stands

Howard 1960, Dynamic Programming and Markov Processes; Sutton & Barto 2018, section 4.3. A decision is
changed only where that gains more than `tolerance`, so that rounding among equals cannot go on for ever.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from posology.environments.finite import Tables
from posology.environments.spec import Spec
from posology.learners.learner import at_least, in_unit_interval
from posology.learners.planning.finite import Plan, ahead, form, of_policy
from posology.policies.tabular import Table


@dataclass(frozen=True)
class PolicyIteration:
    """`discount` per decision; at most `sweeps` improvements."""

    id: ClassVar[str] = "policy-iteration"

    discount: float = 0.99
    tolerance: float = 1e-10
    sweeps: int = 1000

    def __post_init__(self) -> None:
        at_least(self, sweeps=1, tolerance=0)
        in_unit_interval(self, "discount")

    def form(self, spec: Spec) -> Table:
        """One table, the same at each decision."""
        return form(spec)

    def plan(self, tables: Tables, horizon: int) -> Plan:
        """Optimal values of each decision; `horizon` does not matter here.

        Begins with an admissible decision drawn evenly, a policy that ends wherever any does.
        """
        policy = tables.admissible / np.maximum(tables.admissible.sum(axis=1, keepdims=True), 1)
        states, better, sweep = np.arange(len(policy)), ~tables.terminal, 0
        while better.any() and sweep < self.sweeps:
            value, sweep = of_policy(tables, policy, self.discount), sweep + 1
            values = ahead(tables, value, self.discount)
            choice = values.argmax(axis=1)
            gain = np.where(tables.terminal, 0.0, values[states, choice] - value)
            better = (gain > self.tolerance) | (~tables.terminal & (policy.max(axis=1) < 1))
            policy[better] = np.eye(policy.shape[1])[choice[better]]
        return Plan(values, sweep, float(gain.max()))
