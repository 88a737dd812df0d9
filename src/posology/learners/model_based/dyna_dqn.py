"""DQN that also learns from short courses which a learned ensemble imagines, for patients who are few.

    L(θ) = E[huber(Q_θ(o_t, d_t) − y)],   a share `imagined` of the decisions imagined, the others lived
    imagined: o_0 lived, then `ahead` decisions (o_{t+1}, r_t, end_t) ~ f_k(o_t, d_t), k any member
                                                                                     Janner 2019, arXiv:1906.08253

y is that of double DQN. The imagination: `dyna.py`; the ensemble: `ensemble.py`; where we deviate:
`docs/learners/dyna-dqn.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.learners.learner import policy_of
from posology.learners.model_based import dyna
from posology.learners.model_based.dyna import State


@dataclass(frozen=True)
class DynaDQN:
    """Hyper-parameters. Those of the same name as DQN's mean the same; `members`, `model_layers`, `fits`, `model_rate`
    are of the ensemble; `starts` imagined courses of `ahead` decisions in each update."""

    id: ClassVar[str] = "dyna-dqn"

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

    form = dyna.form
    init = dyna.init
    parameters = dyna.stored
    policy = policy_of

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """Courses lived, steps of the ensemble, courses imagined, and gradient steps on both."""
        return dyna.update(self, 0.0, state, env, patients)
