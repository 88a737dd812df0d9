"""SARSA with a table.

    Q(s, a) ← Q(s, a) + α·(r + γ·Q(s', a') − Q(s, a)),   a' the dose given next      Rummery & Niranjan 1994

It learns the values of the ε-greedy policy that is played, random doses included. At the end of a study
that is worth something no dose is given any more; there the policy's mean stands for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.learner import at_least, in_unit_interval
from posology.learners.tabular import discretise, temporal_difference
from posology.learners.tabular.temporal_difference import Next, State, mean
from posology.policies.policy import Policy
from posology.policies.tabular import Table


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
        return temporal_difference.update(self, expects, state, env, patients)

    def parameters(self, state: State) -> dict[str, Any]:
        """The table, and what finds the cell of an observation."""
        return {"table": state.values, **state.arrays}

    def policy(self, parameters: Mapping[str, Any], spec: Spec, *, greedy: bool = True) -> Policy:
        """The dose of the highest value in the observation's cell (always greedy)."""
        return self.form(spec).policy(self.id, parameters, greedy=greedy)
