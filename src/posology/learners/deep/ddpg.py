"""Deep deterministic policy gradient, for a continuous dose.

    y    = r + γ·Q̄(o', μ̄(o'))                                            (r after death)
    L(φ) = ½·E[(Q_φ(o, u) − y)²],   L(θ) = −E[Q_φ(o, μ_θ(o))],   u = μ_θ(o) + N(0, σ²) when playing
                                                                         Lillicrap 2016, arXiv:1509.02971

How courses are played and kept: `continuous.py`; where we deviate: `docs/learners/ddpg.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import continuous
from posology.learners.deep.continuous import Decision, State
from posology.learners.learner import at_least, in_unit_interval, policy_of


@dataclass(frozen=True)
class DDPG:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days; `noise` σ
    is a share of half the dose range; doses are drawn evenly in the first `random_updates`."""

    id: ClassVar[str] = "ddpg"
    critics: ClassVar[int] = 1
    head: ClassVar[str] = "squashed"

    patients: int = 64
    gradients: int = 64
    batch: int = 256
    capacity: int = 262_144
    learning_rate: float = 1e-3
    anneal_over: int = 0
    discount: float = 0.99
    noise: float = 0.2
    follow: float = 0.01
    random_updates: int = 2
    max_gradient: float = 10.0
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, learning_rate=0, anneal_over=0, random_updates=0, noise=0)
        in_unit_interval(self, "discount", "follow")

    form = continuous.actor_of
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update.

        Raises:
            ValueError: when one update's decisions do not fit the replay.
        """
        return continuous.init(self, key, env)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then `gradients` steps from the replay."""
        draw = partial(continuous.noisy_dose, self, env.spec)
        return continuous.update(self, draw, self._improve, state, env, patients)

    def parameters(self, state: State) -> dict[str, Any]:
        """The slow actor and the scale of its observations."""
        return continuous.parameters(state, fixed=True)

    def _improve(
        self, key: Any, weights: Any, slow: Any, memory: Any, d: Decision, spec: Spec, rate: Any, step: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        u = continuous.mean_dose(self, spec, slow["actor"], d.after)
        ahead = continuous.values(self, spec, slow["critics"], d.after, u)[0]
        y = d.reward + d.weight * ahead
        weights, memory, error = continuous.fit_critics(self, spec, weights, memory, d, y, rate)
        found, held, cost = continuous.climb(self, spec, weights, memory, d, rate)
        return {**weights, "actor": found}, {**memory, "actor": held}, {"value_loss": error, "policy_loss": cost}
