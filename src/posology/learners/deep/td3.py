"""Twin delayed deep deterministic policy gradient (TD3), for a continuous dose.

    y    = r + γ·min_i Q̄_i(o', clip(μ̄(o') + clip(N(0, s²), ±c), ±1))     (r after death)
    L(φ) = ½·Σ_i E[(Q_i(o, u) − y)²],   L(θ) = −E[Q_1(o, μ_θ(o))] every `delay` steps
                                                                         Fujimoto 2018, arXiv:1802.09477

How courses are played and kept: `continuous.py`; where we deviate: `docs/learners/td3.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import continuous
from posology.learners.deep.continuous import Decision, State
from posology.learners.learner import at_least, in_unit_interval, policy_of


@dataclass(frozen=True)
class TD3:
    """Hyper-parameters as in DDPG, and of the target: `smoothing` s and its bound `smoothing_most` c. The actor
    moves every `delay` gradient steps."""

    id: ClassVar[str] = "td3"
    critics: ClassVar[int] = 2
    head: ClassVar[str] = "squashed"

    patients: int = 64
    gradients: int = 64
    batch: int = 256
    capacity: int = 262_144
    learning_rate: float = 1e-3
    anneal_over: int = 0
    discount: float = 0.99
    noise: float = 0.2
    smoothing: float = 0.2
    smoothing_most: float = 0.5
    delay: int = 2
    follow: float = 0.01
    random_updates: int = 2
    max_gradient: float = 10.0
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, delay=1, learning_rate=0, anneal_over=0)
        at_least(self, random_updates=0, noise=0, smoothing=0, smoothing_most=0)
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
        blur = self.smoothing * jax.random.normal(key, d.reward.shape)
        u = continuous.mean_dose(self, spec, slow["actor"], d.after) + jnp.clip(blur, -self.smoothing_most, self.smoothing_most)
        ahead = continuous.values(self, spec, slow["critics"], d.after, jnp.clip(u, -1.0, 1.0))
        y = d.reward + d.weight * jnp.min(ahead, axis=0)
        weights, memory, error = continuous.fit_critics(self, spec, weights, memory, d, y, rate)
        found, held, cost = continuous.climb(self, spec, weights, memory, d, rate)
        now = step % self.delay == 0
        keep = lambda new, old: jax.tree.map(lambda a, b: jnp.where(now, a, b), new, old)  # noqa: E731
        weights = {**weights, "actor": keep(found, weights["actor"])}
        return weights, {**memory, "actor": keep(held, memory["actor"])}, {"value_loss": error, "policy_loss": cost}
