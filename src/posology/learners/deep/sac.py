"""Soft actor-critic (SAC), for a continuous dose.

    y    = r + γ·(min_i Q̄_i(o', u') − α·ln π_θ(u'|o')),  u' ~ π_θ          (r after death)
    L(φ) = ½·Σ_i E[(Q_i(o, u) − y)²],   L(θ) = E[α·ln π_θ(u|o) − min_i Q_i(o, u)],  u ~ π_θ
    L(α) = −ln α·E[ln π_θ(u|o) + H],   H the wanted entropy                  Haarnoja 2018, arXiv:1812.05905

u = tanh(mean + sd·ε); its density carries the Jacobian 1 − u². How courses are played and kept: `continuous.py`;
where we deviate: `docs/learners/sac.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import continuous
from posology.learners.deep.continuous import Decision, State
from posology.learners.learner import at_least, in_unit_interval, policy_of
from posology.policies import network as net


@dataclass(frozen=True)
class SAC:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days; `entropy` H
    is in nats of u, whose even draw has ln 2; `temperature` is α at the start."""

    id: ClassVar[str] = "sac"
    critics: ClassVar[int] = 2
    head: ClassVar[str] = "gaussian"

    patients: int = 64
    gradients: int = 64
    batch: int = 256
    capacity: int = 262_144
    learning_rate: float = 1e-3
    anneal_over: int = 0
    discount: float = 0.99
    entropy: float = -1.0
    temperature: float = 0.2
    follow: float = 0.01
    random_updates: int = 2
    max_gradient: float = 10.0
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, learning_rate=0, anneal_over=0)
        at_least(self, random_updates=0, temperature=1e-6)
        in_unit_interval(self, "discount", "follow")

    form = continuous.actor_of
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update.

        Raises:
            ValueError: when one update's decisions do not fit the replay.
        """
        return continuous.init(self, key, env, ln_alpha=jnp.log(jnp.float32(self.temperature)))

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then `gradients` steps from the replay."""
        draw = lambda key, weights, x: self._draw(key, weights, x, env.spec)  # noqa: E731
        return continuous.update(self, draw, self._improve, state, env, patients)

    def parameters(self, state: State) -> dict[str, Any]:
        """The slow actor and the scale of its observations."""
        return continuous.parameters(state, fixed=False)

    def _drawn(self, key: Any, weights: Any, x: Any, spec: Spec) -> tuple[Any, Any]:
        """u and the logarithm of its density."""
        out = net.step(self.form(spec), weights, x, ())[0]
        ln_sd, z = net.spread(out), jax.random.normal(key)
        before = out[0] + jnp.exp(ln_sd) * z
        # ln(1 − tanh²) without the cancellation near ±1
        jacobian = 2.0 * (jnp.log(2.0) - before - jax.nn.softplus(-2.0 * before))
        return jnp.tanh(before), -0.5 * (z * z + jnp.log(2 * jnp.pi)) - ln_sd - jacobian

    def _draw(self, key: Any, weights: Any, x: Any, spec: Spec) -> Any:
        return self._drawn(key, weights["actor"], x, spec)[0]

    def _improve(
        self, key: Any, weights: Any, slow: Any, memory: Any, d: Decision, spec: Spec, rate: Any, step: Any
    ) -> tuple[Any, Any, dict[str, Any]]:
        draw = jax.vmap(self._drawn, (0, None, 0, None))
        keys = jax.random.split(key, (2, self.batch))
        alpha = jnp.exp(weights["ln_alpha"])
        u, ln_p = draw(keys[0], weights["actor"], d.after, spec)
        ahead = jnp.min(continuous.values(self, spec, slow["critics"], d.after, u), axis=0)
        y = d.reward + d.weight * (ahead - alpha * ln_p)
        weights, memory, error = continuous.fit_critics(self, spec, weights, memory, d, y, rate)

        def climb(w: Any) -> Any:
            u, ln_p = draw(keys[1], w, d.observation, spec)
            worth = jnp.min(continuous.values(self, spec, weights["critics"], d.observation, u), axis=0)
            return jnp.mean(alpha * ln_p - worth)

        found, held, cost = continuous.descend(self, climb, weights["actor"], memory["actor"], rate)
        entropy = -jnp.mean(draw(keys[1], found, d.observation, spec)[1])
        warm = lambda ln_alpha: ln_alpha * (entropy - self.entropy)  # noqa: E731
        ln_alpha, kept, _ = continuous.descend(self, warm, weights["ln_alpha"], memory["ln_alpha"], rate)
        weights, memory = {**weights, "actor": found, "ln_alpha": ln_alpha}, {**memory, "actor": held, "ln_alpha": kept}
        told = {"value_loss": error, "policy_loss": cost, "entropy": entropy, "temperature": alpha}
        return weights, memory, told
