"""RL²: a recurrent policy that finds out during the course whom it treats.

    h_t = GRU((o_t, a_{t−1}, r_{t−1}), h_{t−1}),   π_θ(a | h_t),   V_φ(h_t)
    max_θ E_patient E[Σ_t r_t]        over patients whose parameters it never sees; h starts from 0 with each of them

Trying a dose to learn from it pays when the rest of the course is better for it: because the memory lives as long as the
course and the return is that of the whole course, exploring is learned like everything else. The losses are those of
PPO. Duan 2016, arXiv:1611.02779; Wang 2016, arXiv:1611.05763. What is seen of the decision before, and why a reward is
not seen at a bedside: `environments/experience.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.environments.experience import experienced, spec_of
from posology.environments.spec import Spec
from posology.learners.deep import actor_critic, ppo
from posology.learners.deep.actor_critic import State
from posology.learners.learner import at_least, in_unit_interval, multiple, policy_of
from posology.policies.network import Network


@dataclass(frozen=True)
class RL2:
    """Hyper-parameters as in recurrent PPO; `sees_reward`: whether the policy is told what its decision before brought."""

    id: ClassVar[str] = "rl2"
    memory: ClassVar[str] = "gru"
    span: ClassVar[int] = 1  # of a window, which this is not

    sees_reward: bool = True
    patients: int = 256
    repeats: int = 4
    epochs: int = 10
    minibatches: int = 4
    learning_rate: float = 1.5e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    trace: float = 0.9
    clip: float = 0.2
    entropy: float = 0.003
    max_gradient: float = 0.5
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        in_unit_interval(self, "discount", "trace", "follow")
        multiple(self, "patients", "minibatches", "repeats")

    parameters = actor_critic.stored
    policy = policy_of

    def sees(self, env: Environment) -> Environment:
        """The environment with the decision before."""
        return experienced(env, self.sees_reward)

    def form(self, spec: Spec) -> Network:
        """The actor, which sees the decision before."""
        return actor_critic.actor_of(self, spec_of(spec, self.sees_reward))

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        return actor_critic.init(self, key, self.sees(env))

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, then `epochs` passes over them."""
        return ppo.update(self, state, self.sees(env), patients)
