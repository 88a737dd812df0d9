"""PPO behind a shield that is learned: a dose that risks too much is corrected before the patient gets it.

    h(o, a) = E[c + γ_h·min_a' h(o', a')]        harm to come after a dose if as little as possible is risked from then on
    safe(o) = {a : h(o, a) ≤ min_a' h(o, a') + δ},   given = the proposal, or the safe dose nearest to it
    E[Σ c] = E[Σ c of the least harmful policy] + E[Σ_t (h(o_t, a_t) − min_a' h(o_t, a'))]       for exact h and γ_h = 1

The last line (Kakade & Langford 2002, for harm) bounds what a course of T decisions adds to the harm that cannot be
avoided by T·δ; by default δ = Σ_j d_j/T, with the bounds d_j of the problem. A shield behind the learner that corrects
its choice: Alshiekh 2018, doi:10.1609/aaai.v32i1.11797, there computed from a model. A bound relative to the least risk:
Jansen 2020, arXiv:1807.06096. Harm foreseen by a critic that is learned with the policy: Srinivasan 2020, arXiv:2010.14603.

h is learned as Double DQN learns values, from a replay of the doses that were given, with the reward −Σ_j c_j. PPO learns
from its proposals; the shield is to it a part of the patient. Until h has been learned the shield errs: harm while
learning is counted (`harm`), and nothing is promised. Sums over costs weigh all of them alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.shielded import ShieldedEnvironment
from posology.environments.spec import Spec
from posology.learners import networks
from posology.learners.deep import actor_critic, ppo, value_based
from posology.learners.deep.dqn import DQN
from posology.learners.learner import among, at_least, in_unit_interval, multiple, policy_of
from posology.learners.rollout import Episode
from posology.policies.network import MEMORIES
from posology.policies.shielded import HARM, Shielded

FIRST_GAIN = 0.01  # of the last layer of the network of harm


class State(NamedTuple):
    """PPO's state, that of the learner of harm, and how much harm there was in all, by cost."""

    inner: actor_critic.State
    foresight: value_based.State
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
class ShieldedPPO:
    """Hyper-parameters as in PPO; `tolerance` δ of harm per decision (below 0: from the problem's bounds), `foresight`
    γ_h; `gradients` steps of `batch` decisions from a replay of `capacity` teach h in each update."""

    id: ClassVar[str] = "shielded-ppo"

    tolerance: float = -1.0
    foresight: float = 1.0
    gradients: int = 32
    batch: int = 256
    capacity: int = 262_144
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
    memory: str = "none"
    span: int = 8
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, repeats=1, epochs=1, minibatches=1, anneal_over=0, learning_rate=0, clip=0, entropy=0)
        at_least(self, gradients=1, batch=1, capacity=1)
        in_unit_interval(self, "discount", "trace", "follow", "foresight")
        multiple(self, "patients", "minibatches", "repeats")
        among(self, "memory", MEMORIES)

    policy = policy_of

    def critic(self) -> DQN:
        """What learns h, as minus a value."""
        shared = {k: getattr(self, k) for k in ("patients", "gradients", "batch", "capacity", "learning_rate", "anneal_over")}
        return DQN(**shared, discount=self.foresight, bootstrap=False, hidden=self.hidden)

    def form(self, spec: Spec) -> Shielded:
        """Both networks, and how much harm is tolerated.

        Raises:
            ValueError: for a continuous dose, or a problem that counts no costs.
        """
        if not spec.discrete:
            raise ValueError(f"{spec.id} has a continuous dose; {self.id} needs a table of doses")
        if not spec.costs:
            raise ValueError(f"{spec.id} counts no costs; {self.id} needs at least one")
        tolerance = self.tolerance if self.tolerance >= 0 else sum(spec.at_most) / spec.max_steps
        amounts = tuple(a.amount for a in spec.actions)
        return Shielded(spec.size, amounts, tolerance, self.hidden, self.memory, self.span, spec.states)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update; no dose is thought to harm, so that each is given until it has."""
        self.form(env.spec)
        first, second = jax.random.split(key)
        harmless = value_based.init(self.critic(), second, env)
        flat = lambda weights: {**weights, "head.w": FIRST_GAIN * weights["head.w"]}  # noqa: E731
        harmless = harmless._replace(weights=flat(harmless.weights), slow=flat(harmless.slow))
        return State(actor_critic.init(self, first, env), harmless, jnp.zeros(len(env.spec.costs)))

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses behind the shield, `epochs` passes over them, and what they say of harm."""
        inner = state.inner
        key = jax.random.fold_in(inner.key, inner.updates)
        e = actor_critic.interact(self, key, inner, self.shielded(state, env), patients)
        batch, returns = actor_critic.batch_of(self, inner, env.spec, e)
        weights, memory, metrics = ppo.learn(self, key, inner, env.spec, batch)
        inner, told = actor_critic.after(self, inner, e, returns, weights, memory)
        e = e._replace(action=e.terms[..., -1].astype(jnp.int32))
        foresight, error = self._foresee(key, state.foresight, env.spec, e)
        costs, count = jnp.sum(e.costs, axis=1), jnp.sum(e.alive, dtype=jnp.float32)
        changed = jnp.sum(e.alive & (e.action != e.extra), dtype=jnp.float32)
        told |= {"corrected": changed / count, "harm_loss": error, "harm": jnp.mean(jnp.sum(costs, axis=1))}
        return State(inner, foresight, state.harm + jnp.sum(costs, axis=0)), metrics | told

    def shielded(self, state: State, env: Environment) -> ShieldedEnvironment:
        """What the actor meets: patients behind the shield as far as it has been learned."""
        form, arrays = self.form(env.spec), self._harm_of(state)
        return ShieldedEnvironment(env, lambda observation, mask, row: form.corrected(arrays, observation, mask, row))

    def _foresee(self, key: Any, state: value_based.State, spec: Spec, e: Episode) -> tuple[value_based.State, Any]:
        """h after also seeing these courses, and its mean loss."""
        critic = self.critic()
        harmful = e._replace(reward=-jnp.sum(e.costs, axis=-1), discount=jnp.full_like(e.discount, self.foresight))
        rows = jax.vmap(lambda course: value_based.decisions_of(critic, course))(harmful)
        rows = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), rows)
        state = value_based.remember(critic, state, rows, e.alive.reshape(-1))
        state = state._replace(observations=networks.merge(state.observations, e.observation[:, :-1], e.alive))
        state, error = value_based.learn(critic, critic._loss, key, state, spec)
        return state._replace(updates=state.updates + 1), error

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor, the slow network of harm, and the scales of their observations."""
        return {**actor_critic.stored(self, state.inner), **self._harm_of(state)}

    def _harm_of(self, state: State) -> dict[str, Any]:
        return {HARM + name: v for name, v in value_based.stored(self.critic(), state.foresight).items()}
