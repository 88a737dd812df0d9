"""Recurrent proximal policy optimisation: PPO whose actor and critic remember by a gated recurrent unit.

    h_t = GRU(o_t, h_{t−1}),   π_θ(a | h_t),   V_φ(h_t);   the losses are those of PPO

For patients who differ in what no single observation shows. A minibatch holds whole courses, and every pass
runs through them from the first observation with the weights of the moment, so that no stored memory grows
stale. GRU: Cho 2014, arXiv:1406.1078; PPO: Schulman 2017, arXiv:1707.06347.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.learners.deep import actor_critic, ppo
from posology.learners.deep.actor_critic import State
from posology.learners.learner import at_least, in_unit_interval, multiple, policy_of


@dataclass(frozen=True)
class RecurrentPPO:
    """Hyper-parameters, as in PPO; the last of `hidden` is the size of the memory."""

    id: ClassVar[str] = "recurrent-ppo"
    memory: ClassVar[str] = "gru"
    span: ClassVar[int] = 1  # of a window, which this is not

    patients: int = 256
    repeats: int = 4
    epochs: int = 10
    minibatches: int = 4
    learning_rate: float = 1.5e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    trace: float = 0.5
    clip: float = 0.2
    entropy: float = 0.003
    max_gradient: float = 0.5
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        in_unit_interval(self, "discount", "trace", "follow")
        multiple(self, "patients", "minibatches", "repeats")

    form = actor_critic.actor_of
    init = actor_critic.init
    parameters = actor_critic.stored
    policy = policy_of

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, then `epochs` passes over them."""
        return ppo.update(self, state, env, patients)
