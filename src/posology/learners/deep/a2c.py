"""Advantage actor-critic (A2C), for a table of doses or a continuous dose.

    L(θ) = −E[A·ln π_θ(a|o)] − β·E[H(π_θ)]
    L(φ) = ½·E[(V_φ(o) − (A + V_old))²]                                 Mnih 2016, arXiv:1602.01783

One update plays `patients` whole courses and takes one step on all of them. How courses are played and
advantages estimated: `actor_critic.py`; where we deviate from the paper: `docs/learners/a2c.md`.
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
class A2C:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days. The others
    as in PPO, which takes many steps on what A2C sees once."""

    id: ClassVar[str] = "a2c"

    patients: int = 256
    repeats: int = 4
    learning_rate: float = 3e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    trace: float = 0.5
    entropy: float = 0.003
    max_gradient: float = 0.5
    bootstrap: bool = True
    memory: str = "none"
    span: int = 8
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, anneal_over=0, learning_rate=0, entropy=0)
        in_unit_interval(self, "discount", "trace", "follow")
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
        return metrics["policy_loss"] + metrics["value_loss"] - self.entropy * metrics["entropy"], metrics
