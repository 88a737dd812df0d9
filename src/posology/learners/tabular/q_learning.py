"""Q-learning with a table.

    Q(s, a) ← Q(s, a) + α·(r + γ·max_{a' allowed} Q(s', a') − Q(s, a))      Watkins & Dayan 1992, doi:10.1007/BF00992698

It learns the values of the greedy policy, whatever doses are tried meanwhile. How many patients at once move
a number, and how observations of many numbers fall into cells: `temporal_difference.py`, `discretise.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.learners.learner import policy_of
from posology.learners.tabular import temporal_difference
from posology.learners.tabular.temporal_difference import State


@dataclass(frozen=True)
class QLearning:
    """Hyper-parameters. `patients` live at once; `cells` for observations of many numbers. `discount` is per
    decision, unless the environment's steps tell their days. ε falls linearly over `explore_over` updates."""

    id: ClassVar[str] = "q-learning"

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
        return temporal_difference.update(self, temporal_difference.best, state, env, patients)
