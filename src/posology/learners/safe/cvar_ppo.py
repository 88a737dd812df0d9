"""PPO for the worst share of courses: what counts is the mean return of those that go worst.

    VaR_α  = the α-quantile ν of the return R of a course
    CVaR_α = ν + E[min(R − ν, 0)]/α = mean of R in the worst share α            Rockafellar & Uryasev 2000
    ∇CVaR_α = E[Σ_t ∇ln π(a_t|o_t)·min(R − ν, 0)]/α         Tamar 2015, arXiv:1404.3862, Proposition 2 (GCVaR)

A course earns min(R − ν, 0)/α at its last decision and nothing before, with ν of the update's courses; the losses are
those of PPO, whose critic and whose patients' other courses serve as baseline. α = 1 is the mean. R is the sum of the
rewards, undiscounted. The tail is over patients and over what befalls them: a course is bad because of either.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners.deep import actor_critic, ppo
from posology.learners.learner import among, at_least, in_unit_interval, multiple, policy_of
from posology.learners.rollout import Episode
from posology.policies.network import MEMORIES


class State(NamedTuple):
    """PPO's state, and how much harm there was in all, by cost."""

    inner: actor_critic.State
    harm: Any

    @property
    def updates(self) -> Any:
        """Updates so far."""
        return self.inner.updates

    @property
    def decisions(self) -> Any:
        """Decisions so far."""
        return self.inner.decisions


class Tail(NamedTuple):
    """VaR, CVaR, and what each course falls short of VaR, over α `[n]`."""

    at: Any
    mean: Any
    short: Any


def tail(returns: Any, share: float) -> Tail:
    """The worst `share` of `returns` `[n]`; VaR is the lowest return that at least this share does not exceed."""
    place = math.ceil(share * returns.shape[0] - 1e-9) - 1  # 0.1·30 is a little above 3
    at = jnp.sort(returns)[place]
    short = jnp.minimum(returns - at, 0.0) / share
    return Tail(at, at + jnp.mean(short), short)


def at_the_end(e: Episode, worth: Any) -> Any:
    """Rewards `[n, T]` that pay `worth` `[n]` at a course's last decision."""
    goes_on = jnp.concatenate([e.alive[:, 1:], jnp.zeros_like(e.alive[:, :1])], axis=1)
    return jnp.where(e.alive & ~goes_on, worth[:, None], 0.0)


@dataclass(frozen=True)
class CVaRPPO:
    """Hyper-parameters as in PPO; `share` α: the worst share of courses, whose mean return is to be high."""

    id: ClassVar[str] = "cvar-ppo"
    discount: ClassVar[float] = 1.0  # a quantile is of the return as it is
    bootstrap: ClassVar[bool] = False

    share: float = 0.2
    patients: int = 512
    repeats: int = 4
    epochs: int = 10
    minibatches: int = 4
    learning_rate: float = 1.5e-3
    anneal_over: int = 0
    follow: float = 0.1
    trace: float = 1.0
    clip: float = 0.2
    entropy: float = 0.003
    max_gradient: float = 0.5
    memory: str = "none"
    span: int = 8
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        in_unit_interval(self, "trace", "follow")
        multiple(self, "patients", "minibatches", "repeats")
        among(self, "memory", MEMORIES)
        if not 1.0 / self.patients <= self.share <= 1.0:
            raise ValueError(f"share is {self.share}; it must lie between one of {self.patients} patients and 1")

    form = actor_critic.actor_of
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        return State(actor_critic.init(self, key, env), jnp.zeros(len(env.spec.costs)))

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, then `epochs` passes over them for the worst of them."""
        inner = state.inner
        key = jax.random.fold_in(inner.key, inner.updates)
        e = actor_critic.interact(self, key, inner, env, patients)
        worst, costs = tail(jnp.sum(e.reward, axis=1), self.share), jnp.sum(e.costs, axis=1)
        seen = e._replace(reward=at_the_end(e, worst.short), discount=jnp.ones_like(e.discount))
        batch, returns = actor_critic.batch_of(self, inner, env.spec, seen)
        weights, memory, metrics = ppo.learn(self, key, inner, env.spec, batch)
        inner, told = actor_critic.after(self, inner, e, returns, weights, memory)
        told |= {"value_at_risk": worst.at, "cvar": worst.mean, "harm": jnp.mean(jnp.sum(costs, axis=1))}
        return State(inner, state.harm + jnp.sum(costs, axis=0)), metrics | told

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor and the normalisation of its observations."""
        return actor_critic.stored(self, state.inner)
