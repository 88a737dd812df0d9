"""Double deep Q-learning with a replay of past decisions, for a table of doses.

    y = Σ_{k<n} γᵏ·r_{t+k} + γⁿ·Q̄(o_{t+n}, argmax_{a allowed} Q(o_{t+n}, a))     (0 after death)
    L(θ) = E[huber(Q_θ(o_t, a_t) − y)],     θ̄ ← (1 − τ)·θ̄ + τ·θ
                                   Mnih 2015, doi:10.1038/nature14236; van Hasselt 2016, arXiv:1509.06461

One update lets `patients` of the pool live one whole episode each under an ε-greedy policy, stores
their decisions and takes `gradients` steps. ε falls linearly over `explore_over` updates. The policy
that is judged and stored is greedy on the slow network. With n > 1 the rewards between are those of
the ε-greedy policy, uncorrected, as is usual. Where we deviate: `docs/learners/dqn.md`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import networks, replay, targets
from posology.learners.learner import annealed, at_least, in_unit_interval
from posology.learners.networks import Moments
from posology.learners.replay import Replay
from posology.learners.rollout import Episode, of_patients, rollout
from posology.policies import network as net
from posology.policies.network import Network
from posology.policies.policy import Policy


class Decision(NamedTuple):
    """One stored decision: y = `reward` + `weight` · value at `after`, where `mask` is allowed."""

    observation: Any
    action: Any
    reward: Any
    weight: Any
    after: Any
    mask: Any


class State(NamedTuple):
    """Everything that changes while learning."""

    weights: Any
    slow: Any
    optimiser: Any
    observations: Moments
    replay: Replay
    key: Any
    updates: Any
    decisions: Any


@dataclass(frozen=True)
class DQN:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days.

    `bootstrap`: whether the end of study is worth the value of the true last observation or nothing.
    `anneal_over`: updates after which the learning rate has fallen linearly to 0 (0: constant).
    """

    id: ClassVar[str] = "dqn"

    patients: int = 256
    gradients: int = 64
    batch: int = 256
    capacity: int = 262_144
    learning_rate: float = 2e-3
    anneal_over: int = 0
    discount: float = 0.99
    n_step: int = 1
    follow: float = 0.02
    huber: float = 1.0
    explore_over: int = 20
    explore_from: float = 1.0
    explore_to: float = 0.1
    max_gradient: float = 10.0
    bootstrap: bool = True
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, n_step=1, explore_over=1, learning_rate=0, anneal_over=0)
        in_unit_interval(self, "discount", "follow", "explore_from", "explore_to")

    def form(self, spec: Spec) -> Network:
        """One value per dose."""
        if not spec.discrete:
            raise ValueError(f"{spec.id} has a continuous dose; dqn needs a table of doses")
        return Network(spec.size, len(spec.actions), hidden=self.hidden, head="value", states=spec.states)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update.

        Raises:
            ValueError: when one update's decisions do not fit the replay.
        """
        spec = env.spec
        if self.patients * spec.max_steps > self.capacity:
            raise ValueError(
                f"capacity is {self.capacity}; {self.patients} patients of {spec.max_steps} decisions need more"
            )
        key, first = jax.random.split(key)
        weights = networks.initial(first, self.form(spec))
        number = jax.ShapeDtypeStruct((), jnp.float32)
        seen = jax.ShapeDtypeStruct((spec.size,), jnp.float32)
        mask = jax.ShapeDtypeStruct((len(spec.actions),), jnp.bool_)
        row = Decision(seen, jax.ShapeDtypeStruct((), jnp.int32), number, number, seen, mask)
        moments, zero = networks.no_moments((spec.size,)), jnp.int32(0)
        slow = jax.tree.map(jnp.copy, weights)
        memory = self._optimiser().init(weights)
        return State(weights, slow, memory, moments, replay.empty(row, self.capacity), key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One episode of each of `self.patients` patients, then `gradients` steps from the replay."""
        key = jax.random.fold_in(state.key, state.updates)
        episodes = self._interact(key, state, env, patients)
        rows = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), jax.vmap(self._decisions)(episodes))
        stored = replay.add(state.replay, rows, episodes.alive.reshape(-1))
        seen = networks.merge(state.observations, episodes.observation[:, :-1], episodes.alive)
        count = jnp.sum(episodes.alive, dtype=jnp.int32)
        state = state._replace(observations=seen, replay=stored, decisions=state.decisions + count)
        state, loss = self._learn(key, state, env.spec)
        metrics = {
            "return": jnp.mean(jnp.sum(episodes.reward, 1)),
            "length": jnp.mean(jnp.sum(episodes.alive, 1, dtype=jnp.float32)),
            "value_loss": loss,
            "epsilon": self.epsilon(state.updates),
        }
        return state._replace(updates=state.updates + 1), metrics

    def epsilon(self, updates: Any) -> Any:
        """Probability of a random allowed dose after so many updates."""
        done = jnp.minimum(updates.astype(jnp.float32) / self.explore_over, 1.0)
        return self.explore_from + (self.explore_to - self.explore_from) * done

    def parameters(self, state: State) -> dict[str, Any]:
        """The slow value network, a running mean, and the normalisation of its observations."""
        moments = state.observations
        return {**state.slow, "observation.mean": moments.mean, "observation.sd": moments.sd}

    def policy(self, parameters: Mapping[str, Any], spec: Spec, *, greedy: bool = True) -> Policy:
        """The dose of highest value (values alone say nothing about how to draw: always greedy)."""
        return self.form(spec).policy(self.id, parameters, greedy=greedy)

    def values(self, state: State, spec: Spec, observation: Any) -> Any:
        """Value of each dose, in units of reward, for one observation."""
        return self._q(state.weights, state.observations, spec, observation)

    def _q(self, weights: Any, moments: Moments, spec: Spec, observation: Any) -> Any:
        network = self.form(spec)
        return net.step(network, weights, net.enter(network, observation, moments.mean, moments.sd), ())[0]

    def _interact(self, key: Any, state: State, env: Environment, patients: Any) -> Episode:
        epsilon = self.epsilon(state.updates)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
            coin, which = jax.random.split(key)
            best = jnp.argmax(net.allowed(self.values(state, env.spec, observation), mask))
            drawn = jax.random.categorical(which, net.allowed(jnp.zeros(mask.shape, jnp.float32), mask))
            action = jnp.where(jax.random.uniform(coin) < epsilon, drawn, best).astype(jnp.int32)
            return action, (), memory

        pool = jax.tree.leaves(patients)[0].shape[0]
        who, keys = jax.random.split(jax.random.fold_in(key, 0))
        chosen = of_patients(patients, jax.random.randint(who, (self.patients,), 0, pool))
        noise, choice = jax.random.split(keys, (2, self.patients))
        one = lambda n, c, patient: rollout(env, act, (), n, c, patient, self.discount)  # noqa: E731
        return jax.vmap(one)(noise, choice, chosen)

    def _decisions(self, e: Episode) -> Decision:
        """The decisions of one patient's episode, as rows."""
        dead = e.terminated
        if not self.bootstrap:
            last = jnp.arange(e.alive.shape[0]) == e.alive.shape[0] - 1
            dead = dead | e.truncated | (e.alive & last)
        reward, weight, after = targets.n_step(e.reward, dead, e.truncated, e.alive, e.discount, self.n_step)
        return Decision(e.observation[:-1], e.action, reward, weight, e.observation[after], e.mask[after])

    def _loss(self, weights: Any, state: State, spec: Spec, d: Decision) -> Any:
        """Loss of one decision."""
        ahead = self._q(weights, state.observations, spec, d.after)
        slow = self._q(state.slow, state.observations, spec, d.after)
        y = jax.lax.stop_gradient(d.reward + d.weight * targets.double_q(ahead, slow, d.mask))
        return optax.huber_loss(
            self._q(weights, state.observations, spec, d.observation)[d.action], y, delta=self.huber
        )

    def _learn(self, key: Any, state: State, spec: Spec) -> tuple[State, Any]:
        optimiser = self._optimiser()
        batch_loss = lambda w, s, rows: jnp.mean(jax.vmap(self._loss, (None, None, None, 0))(w, s, spec, rows))  # noqa: E731
        rate = annealed(self.learning_rate, state.updates, self.anneal_over)
        past = state.replay  # stays outside the loop's carry, which would copy it

        def gradient_step(carry: Any, i: Any) -> tuple[Any, Any]:
            weights, slow, memory = carry
            rows = replay.sample(past, jax.random.fold_in(key, 1 + i), self.batch)
            loss, gradient = jax.value_and_grad(batch_loss)(weights, state._replace(slow=slow), rows)
            with jax.numpy_dtype_promotion("standard"):  # optax raises floats to whole numbers
                direction, memory = optimiser.update(gradient, memory)
            weights = jax.tree.map(lambda w, d: w - rate * d, weights, direction)
            slow = jax.tree.map(lambda old, new: old + self.follow * (new - old), slow, weights)
            return (weights, slow, memory), loss

        first = (state.weights, state.slow, state.optimiser)
        (weights, slow, memory), losses = jax.lax.scan(gradient_step, first, jnp.arange(self.gradients))
        return state._replace(weights=weights, slow=slow, optimiser=memory), jnp.mean(losses)

    def _optimiser(self) -> optax.GradientTransformation:
        return optax.chain(optax.clip_by_global_norm(self.max_gradient), optax.scale_by_adam())
