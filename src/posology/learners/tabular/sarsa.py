"""SARSA with a table.

    Q(s, a) ← Q(s, a) + α·(r + γ·Q(s', a') − Q(s, a)),   a' the dose given next      Rummery & Niranjan 1994

It learns the values of the ε-greedy policy that is played, random doses included. At the end of a study
that is worth something no dose is given any more; there the policy's mean stands for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners.learner import policy_of
from posology.learners.tabular import temporal_difference
from posology.learners.tabular.temporal_difference import Next, State, mean


def expects(after: Next) -> Any:
    """The value of the dose that was given next."""
    return jnp.where(after.alive, after.values[after.action], mean(after))


@dataclass(frozen=True)
class Sarsa:
    """Hyper-parameters. `patients` live at once; `cells` for observations of many numbers. `discount` is per
    decision, unless the environment's steps tell their days. ε falls linearly over `explore_over` updates."""

    id: ClassVar[str] = "sarsa"

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
        return temporal_difference.update(self, expects, state, env, patients)
