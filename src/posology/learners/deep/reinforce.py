"""REINFORCE with a baseline, for a table of doses or a continuous dose.

    L(θ) = −E[(G − V_φ(o))·ln π_θ(a|o)],   G = Σ_{k≥0} γᵏ·r_{t+k}        Williams 1992, doi:10.1007/BF00992696
    L(φ) = ½·E[(V_φ(o) − G)²]

The whole return of a course is what a dose is credited with: no value stands for what follows, except for
the end of a study that goes on (`bootstrap`). Where we deviate: `docs/learners/reinforce.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import actor_critic
from posology.learners.deep.actor_critic import Batch, State, mean_alive
from posology.learners.learner import among, at_least, in_unit_interval, multiple, policy_of
from posology.policies.network import MEMORIES


@dataclass(frozen=True)
class Reinforce:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days."""

    id: ClassVar[str] = "reinforce"
    trace: ClassVar[float] = 1.0  # of the advantages: the whole return

    patients: int = 256
    repeats: int = 4
    learning_rate: float = 3e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    max_gradient: float = 0.5
    bootstrap: bool = True
    memory: str = "none"
    span: int = 8
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, anneal_over=0, learning_rate=0)
        in_unit_interval(self, "discount", "follow")
        multiple(self, "patients", "repeats")
        among(self, "memory", MEMORIES)

    form = actor_critic.actor_of
    init = actor_critic.init
    parameters = actor_critic.stored
    policy = policy_of

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, then one step on all of their decisions."""
        return actor_critic.one_step(self, self._loss, state, env, patients)

    def _loss(self, weights: Any, spec: Spec, b: Batch) -> tuple[Any, dict[str, Any]]:
        log_probability, entropy, value = actor_critic.along(self, weights, spec, b)
        mean = mean_alive(b)
        metrics = {
            "policy_loss": -mean(b.advantage * log_probability),
            "value_loss": 0.5 * mean((value - b.value) ** 2),
            "entropy": mean(entropy),
        }
        return metrics["policy_loss"] + metrics["value_loss"], metrics
