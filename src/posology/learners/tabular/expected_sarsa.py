"""Expected SARSA with a table.

    Q(s, a) ← Q(s, a) + α·(r + γ·Σ_{a'} π(a' | s')·Q(s', a') − Q(s, a))      van Seijen 2009, doi:10.1109/ADPRL.2009.4927542

π is the ε-greedy policy that is played: what is learned counts the random doses still to come, without
the noise of the one that was drawn. `explore_to` 0 ends in the values of the greedy policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.learners.learner import policy_of
from posology.learners.tabular import temporal_difference
from posology.learners.tabular.temporal_difference import State


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
        temporal_difference.checked(self)

    form = temporal_difference.form
    init = temporal_difference.init
    parameters = temporal_difference.stored
    policy = policy_of

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then every decision of them once."""
        return temporal_difference.update(self, temporal_difference.mean, state, env, patients)
