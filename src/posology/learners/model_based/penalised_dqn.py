"""DQN that learns from imagined courses, which pay less where the ensemble does not know what follows.

    r̃(o, d) = r̂(o, d) − λ·u(o, d)                                             Yu 2020, arXiv:2005.13239 (MOPO), Eq. 8
    u(o, d) = SD of r · √(mean over targets of Var_k μ_k(o, d))

So a dose that only an error of the model makes attractive is not learned from imagination. The imagination: `dyna.py`;
where we deviate: `docs/learners/penalised-dqn.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.learners.learner import at_least, policy_of
from posology.learners.model_based import dyna
from posology.learners.model_based.dyna import State


@dataclass(frozen=True)
class PenalisedDQN:
    """Hyper-parameters. `penalty` is λ, in standard deviations of the reward for each standard deviation that the
    members are apart; the others as for `DynaDQN`."""

    id: ClassVar[str] = "penalised-dqn"

    penalty: float = 1.0
    patients: int = 16
    gradients: int = 64
    batch: int = 256
    capacity: int = 65_536
    learning_rate: float = 2e-3
    anneal_over: int = 0
    discount: float = 0.99
    follow: float = 0.02
    huber: float = 1.0
    explore_over: int = 20
    explore_from: float = 1.0
    explore_to: float = 0.1
    max_gradient: float = 10.0
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)
    members: int = 5
    model_layers: tuple[int, ...] = (64, 64)
    fits: int = 64
    model_rate: float = 1e-3
    starts: int = 1024
    ahead: int = 2
    imagined: float = 0.5

    def __post_init__(self) -> None:
        dyna.checked(self)
        at_least(self, penalty=0)

    form = dyna.form
    init = dyna.init
    parameters = dyna.stored
    policy = policy_of

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """Courses lived, steps of the ensemble, courses imagined and penalised, and gradient steps on both."""
        return dyna.update(self, self.penalty, state, env, patients)
