"""PPO under constraints: harm is priced, and the price rises until harm is as rare as it must be.

    max_π E[Σ r]   subject to   E[Σ c_j] ≤ d_j
    L(π, λ) = E[Σ r] − Σ_j λ_j·(E[Σ c_j] − d_j)
    λ_j ← max(0, K_P·e_j + I_j),   I_j ← max(0, I_j + K_I·e_j),   e_j = mean of Σ c_j over the update − d_j

Altman 1999, Constrained Markov Decision Processes; with PPO: Ray 2019, Benchmarking Safe Exploration; the price as a
controller with a proportional part: Stooke 2020, arXiv:2007.03964. The reward that PPO sees is (r − Σ λ_j·c_j)/(1 + Σ λ_j).
A policy that is best under a constraint may have to draw: the greedy one that is stored can be a little over or under.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import actor_critic, ppo
from posology.learners.learner import among, at_least, in_unit_interval, multiple, policy_of
from posology.policies.network import MEMORIES


class State(NamedTuple):
    """PPO's state; the price of each cost and its integral; and how much harm there was in all, by cost."""

    inner: actor_critic.State
    price: Any
    integral: Any
    harm: Any

    @property
    def updates(self) -> Any:
        """Updates so far."""
        return self.inner.updates

    @property
    def decisions(self) -> Any:
        """Decisions so far."""
        return self.inner.decisions


@dataclass(frozen=True)
class LagrangianPPO:
    """Hyper-parameters as in PPO; gains `proportional` K_P and `integral` K_I of the price; `at_most` replaces every
    bound d_j of the problem (below 0: the problem's own)."""

    id: ClassVar[str] = "lagrangian-ppo"

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
    proportional: float = 5.0
    integral: float = 0.05
    at_most: float = -1.0
    bootstrap: bool = True
    memory: str = "none"
    span: int = 8
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        at_least(self, proportional=0, integral=0)
        in_unit_interval(self, "discount", "trace", "follow")
        multiple(self, "patients", "minibatches", "repeats")
        among(self, "memory", MEMORIES)

    form = actor_critic.actor_of
    policy = policy_of

    def bounds(self, spec: Spec) -> Any:
        """d: how much of each cost a course may have on average.

        Raises:
            ValueError: for a problem that counts no costs.
        """
        if not spec.costs:
            raise ValueError(f"{spec.id} counts no costs; {self.id} needs at least one")
        return jnp.asarray([self.at_most] * len(spec.costs) if self.at_most >= 0 else spec.at_most, jnp.float32)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update; harm has no price yet."""
        none = jnp.zeros_like(self.bounds(env.spec))
        return State(actor_critic.init(self, key, env), none, none, none)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses at the price of the moment, `epochs` passes over them, and a new price."""
        inner, bounds = state.inner, self.bounds(env.spec)
        key = jax.random.fold_in(inner.key, inner.updates)
        e = actor_critic.interact(self, key, inner, env, patients)
        reward = (e.reward - jnp.sum(e.costs * state.price, axis=-1)) / (1.0 + jnp.sum(state.price))
        batch, returns = actor_critic.batch_of(self, inner, env.spec, e._replace(reward=reward))
        weights, memory, metrics = ppo.learn(self, key, inner, env.spec, batch)
        inner, told = actor_critic.after(self, inner, e, returns, weights, memory)
        costs = jnp.sum(e.costs, axis=1)
        excess = jnp.mean(costs, axis=0) - bounds
        integral = jnp.maximum(state.integral + self.integral * excess, 0.0)
        price = jnp.maximum(self.proportional * excess + integral, 0.0)
        told |= {"excess": jnp.max(excess), "price": jnp.max(price), "harm": jnp.mean(jnp.sum(costs, axis=1))}
        return State(inner, price, integral, state.harm + jnp.sum(costs, axis=0)), metrics | told

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor and the normalisation of its observations."""
        return actor_critic.parameters(state.inner.mean, state.inner)
