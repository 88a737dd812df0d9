"""Expected SARSA with a table.

    Q(s, a) ← Q(s, a) + α·(r + γ·Σ_{a'} π(a' | s')·Q(s', a') − Q(s, a))      van Seijen 2009, doi:10.1109/ADPRL.2009.4927542

π is the ε-greedy policy that is played: what is learned counts the random doses still to come, without
the noise of the one that was drawn. `explore_to` 0 ends in the values of the greedy policy.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.learner import at_least, in_unit_interval
from posology.learners.tabular import discretise, temporal_difference
from posology.learners.tabular.temporal_difference import State
from posology.policies.policy import Policy
from posology.policies.tabular import Table


@dataclass(frozen=True)
class ExpectedSarsa:
    """Hyper-parameters. `patients` live at once; `cells` for observations of many numbers. `discount` is per
    decision, unless the environment's steps tell their days. ε falls linearly over `explore_over` updates."""

    id: ClassVar[str] = "expected-sarsa"

    patients: int = 64
    cells: int = 256
    rate: float = 0.5
    decay: float = 0.6
    discount: float = 0.99
    bootstrap: bool = True
    explore_over: int = 200
    explore_from: float = 1.0
    explore_to: float = 0.05

    def __post_init__(self) -> None:
        at_least(self, patients=1, cells=1, rate=0, decay=0, explore_over=1)
        in_unit_interval(self, "rate", "discount", "explore_from", "explore_to")

    def form(self, spec: Spec) -> Table:
        """A value per cell and dose."""
        return discretise.form(spec, self.cells)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        return temporal_difference.init(self, key, env)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then every decision of them once."""
        return temporal_difference.update(self, temporal_difference.mean, state, env, patients)

    def parameters(self, state: State) -> dict[str, Any]:
        """The table, and what finds the cell of an observation."""
        return {"table": state.values, **state.arrays}

    def policy(self, parameters: Mapping[str, Any], spec: Spec, *, greedy: bool = True) -> Policy:
        """The dose of the highest value in the observation's cell (always greedy)."""
        return self.form(spec).policy(self.id, parameters, greedy=greedy)
