"""Neural-linear bandit: a network finds what matters, a Bayesian regression of each dose says how sure one is.

    φ(o): last hidden layer of a network that learns E[(Q(o, a) − r)²]
    A_a = λI + Σ φ·φᵀ,   θ_a = A_a⁻¹·Σ r·φ,   θ̃_a ~ N(θ_a, v²·A_a⁻¹),   a = argmax_a θ̃_a·φ(o)
                                                                         Riquelme 2018, arXiv:1802.09127

The regression is made anew from the decisions that are kept whenever the network has moved.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import adam, networks, replay
from posology.learners.bandit.linear import Evidence, estimate
from posology.learners.exploration import scout
from posology.learners.learner import annealed, at_least, policy_of
from posology.learners.networks import Moments
from posology.learners.replay import Replay
from posology.learners.rollout import courses
from posology.policies import network as net
from posology.policies.network import Network


class Decision(NamedTuple):
    """One stored decision; `present` tells it from an empty place."""

    x: Any
    action: Any
    reward: Any
    present: Any


class State(NamedTuple):
    """Everything that changes while learning."""

    weights: Any
    optimiser: Any
    observations: Moments
    replay: Replay
    key: Any
    updates: Any
    decisions: Any


@dataclass(frozen=True)
class NeuralLinear:
    """Hyper-parameters: `patients` at once, `gradients` steps of `batch` decisions after them, `capacity` decisions that
    are kept, `ridge` λ, and the `spread` v of what is drawn."""

    id: ClassVar[str] = "neural-linear"

    patients: int = 32
    gradients: int = 32
    batch: int = 128
    capacity: int = 16_384
    learning_rate: float = 3e-3
    anneal_over: int = 0
    spread: float = 0.5
    ridge: float = 1.0
    hidden: tuple[int, ...] = (64, 32)

    def __post_init__(self) -> None:
        at_least(self, patients=1, gradients=1, batch=1, capacity=1, learning_rate=0, anneal_over=0, spread=0, ridge=1e-6)

    policy = policy_of

    def form(self, spec: Spec) -> Network:
        """One value per dose."""
        return Network(spec.size, len(spec.actions), self.hidden, "value")

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        key, first, second = jax.random.split(key, 3)
        weights = networks.initial(second, self.form(env.spec))
        number = jax.ShapeDtypeStruct((), jnp.float32)
        seen, whole = jax.ShapeDtypeStruct((env.spec.size,), jnp.float32), jax.ShapeDtypeStruct((), jnp.int32)
        past = replay.empty(Decision(seen, whole, number, number), self.capacity)
        zero = jnp.int32(0)
        return State(weights, self._adam().init(weights), scout(first, env).moments, past, key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, then `gradients` steps of the network."""
        key = jax.random.fold_in(state.key, state.updates)
        theta, inverse = estimate(self._evidence(state), self.ridge)
        factor = jnp.linalg.cholesky(inverse)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
            x = net.normalise(observation, state.observations.mean, state.observations.sd)
            drawn = theta + self.spread * jnp.einsum("aij,aj->ai", factor, jax.random.normal(key, theta.shape))
            scores = net.allowed(drawn @ self._features(state.weights, x), mask)
            return jnp.argmax(scores).astype(jnp.int32), x, memory

        e = courses(env, act, key, patients, self.patients)
        here = e.alive.reshape(-1)
        rows = Decision(e.extra, e.action, e.reward, e.alive.astype(jnp.float32))
        rows = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), rows)
        state = state._replace(replay=replay.add(state.replay, rows, here))
        state, loss = self._learn(key, state, env.spec)
        told = {
            "return": jnp.mean(jnp.sum(e.reward, 1)),
            "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
            "value_loss": loss,
        }
        count = jnp.sum(e.alive, dtype=jnp.int32)
        return state._replace(updates=state.updates + 1, decisions=state.decisions + count), told

    def parameters(self, state: State) -> dict[str, Any]:
        """The network with the regression's estimates as its last layer."""
        theta = estimate(self._evidence(state), self.ridge).theta
        last = {"head.w": theta[:, 1:].T, "head.b": theta[:, 0]}
        scale = {"observation.mean": state.observations.mean, "observation.sd": state.observations.sd}
        return {**state.weights, **last, **scale}

    def _features(self, weights: Any, x: Any) -> Any:
        """(1, φ)."""
        for i in range(len(self.hidden)):
            x = jnp.tanh(x @ weights[f"layer{i}.w"] + weights[f"layer{i}.b"])
        return jnp.concatenate([jnp.ones(1), x])

    def _evidence(self, state: State) -> Evidence:
        rows, doses = state.replay.rows, state.weights["head.w"].shape[1]
        phi = jax.vmap(self._features, (None, 0))(state.weights, rows.x)
        mine = jax.nn.one_hot(rows.action, doses) * rows.present[:, None]
        gram = jnp.einsum("na,ni,nj->aij", mine, phi, phi)
        return Evidence(gram, jnp.einsum("na,ni,n->ai", mine, phi, rows.reward), jnp.sum(mine, axis=0))

    def _learn(self, key: Any, state: State, spec: Spec) -> tuple[State, Any]:
        rate, network = annealed(self.learning_rate, state.updates, self.anneal_over), self.form(spec)
        past = state.replay

        def loss(weights: Any, d: Decision) -> Any:
            values = net.unroll(network, weights, d.x)
            return jnp.mean((jnp.take_along_axis(values, d.action[:, None], axis=1)[:, 0] - d.reward) ** 2)

        def one(carry: Any, i: Any) -> tuple[Any, Any]:
            weights, memory = carry
            cost, gradient = jax.value_and_grad(loss)(weights, replay.sample(past, jax.random.fold_in(key, 1 + i), self.batch))
            return adam.step(self._adam(), gradient, weights, memory, rate), cost

        (weights, memory), costs = jax.lax.scan(one, (state.weights, state.optimiser), jnp.arange(self.gradients))
        return state._replace(weights=weights, optimiser=memory), jnp.mean(costs)

    def _adam(self) -> optax.GradientTransformation:
        return optax.scale_by_adam()
