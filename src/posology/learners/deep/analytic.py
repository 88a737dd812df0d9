"""Analytic policy gradient: the return is differentiated through the patient.

    L(θ) = −E[Σ_t γ^t·r(x_t, μ_θ(o_t))],   ∇L by the chain rule through x_{t+1} = f(x_t, μ_θ(o_t)),  o_t = g(x_t)

Where the patient is a differentiable model, no value has to be learned and no dose tried at random: every course says
how each dose should have been. Known from control as backpropagation through time (Werbos 1990, doi:10.1109/5.58337)
and from simulators of physics (Freeman 2021, Brax, arXiv:2106.13281; Xu 2022, arXiv:2204.07137). A death is a jump that has no
derivative: what leads there is felt only through the terms that change smoothly on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import adam, networks
from posology.learners.deep.continuous import FIXED_LOG_SD
from posology.learners.learner import annealed, at_least, in_unit_interval, policy_of
from posology.learners.networks import Moments
from posology.learners.rollout import of_patients, step_discount
from posology.policies import network as net
from posology.policies.network import Network


class State(NamedTuple):
    """Everything that changes while learning; `mean` is a running mean of the actor."""

    weights: Any
    mean: Any
    optimiser: Any
    observations: Moments
    key: Any
    updates: Any
    decisions: Any


class Lived(NamedTuple):
    """Of one course: discounted return, plain return, observations and whether each decision took place."""

    worth: Any
    plain: Any
    observation: Any
    alive: Any


@dataclass(frozen=True)
class AnalyticPolicyGradient:
    """Hyper-parameters. `window`: decisions after which the gradient stops flowing back through the patient's state
    (0: it flows through the whole course)."""

    id: ClassVar[str] = "analytic"

    patients: int = 64
    window: int = 0
    learning_rate: float = 1e-3
    anneal_over: int = 0
    follow: float = 0.1
    discount: float = 0.99
    max_gradient: float = 1.0
    hidden: tuple[int, ...] = (64, 64)

    def __post_init__(self) -> None:
        at_least(self, patients=1, window=0, learning_rate=0, anneal_over=0)
        in_unit_interval(self, "discount", "follow")

    policy = policy_of

    def form(self, spec: Spec) -> Network:
        """The actor."""
        return Network(spec.size, 1, self.hidden, "squashed", low=spec.low, high=spec.high)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        key, first = jax.random.split(key)
        weights = networks.initial(first, self.form(env.spec), head_gain=0.01)
        moments, zero = networks.no_moments((env.spec.size,)), jnp.int32(0)
        return State(weights, jax.tree.map(jnp.copy, weights), self._adam().init(weights), moments, key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` courses, and one step along their gradient."""
        key = jax.random.fold_in(state.key, state.updates)
        pool = jax.tree.leaves(patients)[0].shape[0]
        who, noise = jax.random.split(key)
        chosen = of_patients(patients, jax.random.randint(who, (self.patients,), 0, pool))
        keys = jax.random.split(noise, self.patients)

        def loss(weights: Any, key: Any, patient: Any) -> tuple[Any, Lived]:
            lived = self._course(weights, state.observations, env, key, patient)
            return -lived.worth, lived

        (costs, lived), each = jax.vmap(jax.value_and_grad(loss, has_aux=True), (None, 0, 0))(state.weights, keys, chosen)
        finite = jnp.stack([jnp.isfinite(v.reshape(self.patients, -1)).all(1) for v in jax.tree.leaves((costs, each))]).all(0)
        over = lambda v: jnp.mean(v, axis=0, where=finite.reshape(-1, *[1] * (v.ndim - 1)))  # noqa: E731
        gradient = jax.tree.map(over, each)  # no number, and so the end of learning, where no patient has a derivative
        size = optax.tree.norm(gradient)
        rate = annealed(self.learning_rate, state.updates, self.anneal_over)
        weights, memory = adam.step(self._adam(), gradient, state.weights, state.optimiser, rate)
        mean = jax.tree.map(lambda old, new: old + self.follow * (new - old), state.mean, weights)
        told = {
            "return": over(lived.plain),
            "length": jnp.mean(jnp.sum(lived.alive, 1, dtype=jnp.float32)),
            "policy_loss": over(costs),
            "gradient": size,
            "left_out": jnp.sum(~finite, dtype=jnp.float32),
        }
        seen = networks.merge(state.observations, lived.observation, lived.alive)
        count = state.decisions + jnp.sum(lived.alive, dtype=jnp.int32)
        return State(weights, mean, memory, seen, state.key, state.updates + 1, count), told

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor and the scale of its observations."""
        scale = {"observation.mean": state.observations.mean, "observation.sd": state.observations.sd}
        return {**state.mean, "log_sd": jnp.float32(FIXED_LOG_SD), **scale}

    def _course(self, weights: Any, moments: Moments, env: Environment, key: Any, patient: Any) -> Lived:
        network, spec = self.form(env.spec), env.spec

        def decide(carry: Any, t: Any) -> tuple[Any, Any]:
            state, observation, weight, alive = carry
            if self.window:
                cut = lambda v: jnp.where(t % self.window == 0, jax.lax.stop_gradient(v), v)  # noqa: E731
                state, observation = jax.tree.map(cut, state), cut(observation)
            x = net.normalise(observation, moments.mean, moments.sd)
            u = net.step(network, weights, x, ())[0][0]
            step = env.step(key, state, net.squash(u, spec.low, spec.high), patient)
            reward = jnp.where(alive, step.reward, 0.0)
            after = weight * step_discount(step, spec.discount, self.discount)
            goes_on = alive & ~(step.terminated | step.truncated)
            return (step.state, step.observation, after, goes_on), (weight * reward, reward, observation, alive)

        state, observation, _ = env.reset(key, patient)
        first = (state, observation, jnp.float32(1.0), jnp.bool_(True))
        worth, plain, seen, alive = jax.lax.scan(decide, first, jnp.arange(spec.max_steps))[1]
        return Lived(jnp.sum(worth), jnp.sum(plain), jax.lax.stop_gradient(seen), alive)

    def _adam(self) -> optax.GradientTransformation:
        return adam.shortened(self.max_gradient)
