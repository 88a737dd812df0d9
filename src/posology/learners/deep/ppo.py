"""Proximal policy optimisation, for a table of doses or a continuous dose.

    L(θ) = −E[min(ρ·A, clip(ρ, 1 − ε, 1 + ε)·A)] − β·E[H(π_θ)],   ρ = π_θ(a|o) / π_old(a|o)
    L(φ) = ½·E[(V_φ(o) − (A + V_old))²]                                 Schulman 2017, arXiv:1707.06347

One update plays `patients` whole episodes and learns from all of them for `epochs` passes. Each
patient that is drawn lives `repeats` of them under the same noise, so that an advantage is compared
with those of the patient's other courses: what the patient and its fate bring cancels, what the dose
brings stays. The policy is the running mean of the actor (`follow`). Minibatches are whole episodes
where the policy remembers, which makes training through its memory exact, and stretches of episodes
where it does not; padded steps weigh nothing. Where we deviate from the paper: `docs/learners/ppo.md`.
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
from posology.learners import networks, targets
from posology.learners.learner import annealed, at_least, in_unit_interval
from posology.learners.networks import Moments
from posology.learners.rollout import Episode, of_patients, rollout
from posology.policies import network as net
from posology.policies.network import Network
from posology.policies.policy import Policy

STRETCH = 8  # decisions
FIRST_LOG_SD = -0.5  # spread of a continuous dose before squashing, at the start


class State(NamedTuple):
    """Everything that changes while learning."""

    weights: Any  # {"actor", "critic"}
    mean: Any  # running mean of the actor
    optimiser: Any
    observations: Moments
    returns: Moments
    key: Any
    updates: Any
    decisions: Any  # environment steps so far


class Batch(NamedTuple):
    """One update's episodes `[patients, T, …]`, normalised, as the losses see them."""

    x: Any
    mask: Any
    action: Any
    log_probability: Any
    advantage: Any
    value: Any  # to learn, in units of the returns' SD
    alive: Any


@dataclass(frozen=True)
class PPO:
    """Hyper-parameters. `discount` is per decision, unless the environment's steps tell their days.

    `patients` counts the episodes of an update, `repeats` of them for each patient. `follow`: share of
    the actor that enters its running mean after each update (1: no mean).
    `bootstrap`: whether the end of study is worth the value of the true last observation (an
    ongoing treatment) or nothing (a question that ends there). `anneal_over`: updates after which
    the learning rate has fallen linearly to 0 (0: constant).
    """

    id: ClassVar[str] = "ppo"

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
        in_unit_interval(self, "discount", "trace", "follow")
        for name in ("minibatches", "repeats"):
            if self.patients % getattr(self, name):
                raise ValueError(f"patients is {self.patients}; it must be a multiple of {name}, {getattr(self, name)}")
        if self.memory not in net.MEMORIES:
            raise ValueError(f"memory is '{self.memory}'; allowed: {', '.join(net.MEMORIES)}")

    def form(self, spec: Spec) -> Network:
        """The actor."""
        common: dict[str, Any] = {
            "hidden": self.hidden, "memory": self.memory, "span": self.span, "states": spec.states
        }  # fmt: skip
        if spec.discrete:
            return Network(spec.size, len(spec.actions), head="categorical", **common)
        return Network(spec.size, 1, head="squashed", low=spec.low, high=spec.high, **common)

    def critic(self, spec: Spec) -> Network:
        """The value network: one number, the same memory."""
        return Network(spec.size, 1, hidden=self.hidden, head="value", memory=self.memory, span=self.span, states=spec.states)

    def init(self, key: Any, env: Environment) -> State:
        """The state before the first update."""
        key, actor, critic = jax.random.split(key, 3)
        weights = {
            "actor": networks.initial(actor, self.form(env.spec), head_gain=0.01),
            "critic": networks.initial(critic, self.critic(env.spec)),
        }
        if not env.spec.discrete:
            weights["actor"]["log_sd"] = jnp.float32(FIRST_LOG_SD)
        moments = networks.no_moments((env.spec.size,))
        zero = jnp.int32(0)
        mean = jax.tree.map(jnp.copy, weights["actor"])
        return State(weights, mean, self._optimiser().init(weights), moments, networks.no_moments(), key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` episodes, then `epochs` passes over them."""
        key = jax.random.fold_in(state.key, state.updates)
        episodes = self._interact(key, state, env, patients)
        batch, returns = self._batch(state, env.spec, episodes)
        weights, optimiser, metrics = self._learn(key, state, env.spec, batch)
        rewards, decisions = jnp.sum(episodes.reward, 1), jnp.sum(episodes.alive, dtype=jnp.int32)
        metrics |= {"return": jnp.mean(rewards), "length": jnp.mean(jnp.sum(episodes.alive, 1, dtype=jnp.float32))}
        seen = networks.merge(state.observations, episodes.observation[:, :-1], episodes.alive)
        mean = jax.tree.map(lambda old, new: old + self.follow * (new - old), state.mean, weights["actor"])
        counts = (state.updates + 1, state.decisions + decisions)
        state = State(weights, mean, optimiser, seen, returns, state.key, *counts)
        return state, metrics

    def parameters(self, state: State) -> dict[str, Any]:
        """The mean of the actor and the normalisation of its observations."""
        return self._with_moments(state.mean, state)

    def _with_moments(self, actor: Any, state: State) -> dict[str, Any]:
        return {**actor, "observation.mean": state.observations.mean, "observation.sd": state.observations.sd}

    def policy(self, parameters: Mapping[str, Any], spec: Spec, *, greedy: bool = True) -> Policy:
        """The learned policy; greedy takes the most likely (or median) dose."""
        return self.form(spec).policy(self.id, parameters, greedy=greedy)

    def value(self, state: State, spec: Spec, observations: Any) -> Any:
        """The critic's value, in units of reward, along one episode's observations `[T, size]`."""
        critic = self.critic(spec)
        enter = lambda o: net.enter(critic, o, state.observations.mean, state.observations.sd)  # noqa: E731
        value = net.unroll(critic, state.weights["critic"], jax.vmap(enter)(observations))[:, 0]
        return value * state.returns.sd + state.returns.mean

    def _interact(self, key: Any, state: State, env: Environment, patients: Any) -> Episode:
        actor, params = self.form(env.spec), self._with_moments(state.weights["actor"], state)

        def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
            x = net.enter(actor, observation, params["observation.mean"], params["observation.sd"])
            out, memory = net.step(actor, params, x, memory)
            if env.spec.discrete:
                action = jax.random.categorical(key, net.allowed(out, mask)).astype(jnp.int32)
                return action, action, memory
            u = out[0] + jnp.exp(params["log_sd"]) * jax.random.normal(key)
            return net.squash(u, actor.low, actor.high), u, memory

        pool = jax.tree.leaves(patients)[0].shape[0]
        who, noise, choice = jax.random.split(jax.random.fold_in(key, 0), 3)
        drawn = self.patients // self.repeats
        chosen = jnp.repeat(jax.random.randint(who, (drawn,), 0, pool), self.repeats)
        noises = jnp.repeat(jax.random.split(noise, drawn), self.repeats)
        play = lambda n, c, patient: rollout(env, act, net.start(actor), n, c, patient, self.discount)  # noqa: E731
        return jax.vmap(play)(noises, jax.random.split(choice, self.patients), of_patients(patients, chosen))

    def _batch(self, state: State, spec: Spec, e: Episode) -> tuple[Batch, Moments]:
        to_come = jax.vmap(targets.discounted)(e.reward, e.alive, e.discount)
        returns = networks.merge(state.returns, to_come, e.alive)
        state = state._replace(returns=returns)
        mean, sd = state.observations.mean, state.observations.sd
        enter = lambda o: net.enter(self.form(spec), o, mean, sd)  # noqa: E731
        x = jax.vmap(jax.vmap(enter))(e.observation)
        value = jax.vmap(lambda rows: self.value(state, spec, rows))(e.observation)
        # A padded episode that reached no end ran out of steps: the same as the end of study.
        last = jnp.arange(e.alive.shape[1])[None] == e.alive.shape[1] - 1
        truncated = e.truncated | (e.alive & last & ~e.terminated)
        dead = e.terminated if self.bootstrap else e.terminated | truncated
        estimate = jax.vmap(targets.gae, (0, 0, 0, 0, 0, 0, None))
        advantage = estimate(e.reward, value, dead, truncated, e.alive, e.discount, self.trace)
        learned = (advantage + value[:, :-1] - returns.mean) / returns.sd
        mask, steps = e.mask[:, :-1], x[:, :-1]
        log_probability = jax.vmap(self._likelihood, (None, None, 0, 0, 0))(
            state.weights["actor"], spec, steps, mask, e.extra
        )[0]
        advantage = self._within_patient(advantage, e.alive)
        spread = networks.merge(networks.no_moments(), advantage, e.alive)
        standard = (advantage - spread.mean) / (spread.sd + 1e-8)
        return Batch(steps, mask, e.extra, log_probability, standard, learned, e.alive), returns

    def _within_patient(self, advantage: Any, alive: Any) -> Any:
        """Advantages less the mean of the same decision in the patient's other courses, where they reached it."""
        if self.repeats == 1:
            return advantage
        shape = (-1, self.repeats, advantage.shape[1])
        here, values = alive.reshape(shape).astype(jnp.float32), jnp.where(alive, advantage, 0.0).reshape(shape)
        others = jnp.maximum(jnp.sum(here, 1, keepdims=True) - here, 1.0)
        rest = (jnp.sum(values, 1, keepdims=True) - values) / others
        return (values - rest).reshape(advantage.shape)

    def _likelihood(self, actor: Any, spec: Spec, x: Any, mask: Any, action: Any) -> tuple[Any, Any]:
        """ln probability of the actions and entropy, along one episode."""
        out = net.unroll(self.form(spec), actor, x)
        if spec.discrete:
            return jax.vmap(networks.log_probability)(out, mask, action), jax.vmap(networks.entropy)(out, mask)
        spread = jnp.broadcast_to(actor["log_sd"], action.shape)
        return networks.normal_log_probability(action, out[:, 0], spread), networks.normal_entropy(spread)

    def _loss(self, weights: Any, spec: Spec, b: Batch) -> tuple[Any, dict[str, Any]]:
        log_probability, entropy = jax.vmap(self._likelihood, (None, None, 0, 0, 0))(
            weights["actor"], spec, b.x, b.mask, b.action
        )
        value = jax.vmap(lambda x: net.unroll(self.critic(spec), weights["critic"], x)[:, 0])(b.x)
        ratio = jnp.exp(log_probability - b.log_probability)
        clipped = jnp.clip(ratio, 1 - self.clip, 1 + self.clip)
        gain = jnp.minimum(ratio * b.advantage, clipped * b.advantage)
        count = jnp.maximum(jnp.sum(b.alive, dtype=jnp.float32), 1.0)

        def mean(values: Any) -> Any:
            return jnp.sum(jnp.where(b.alive, values, 0.0)) / count

        metrics = {
            "policy_loss": -mean(gain),
            "value_loss": 0.5 * mean((value - b.value) ** 2),
            "entropy": mean(entropy),
            "kl": mean(ratio - 1 - jnp.log(ratio)),
            "clipped": mean((ratio != clipped).astype(jnp.float32)),
        }
        return metrics["policy_loss"] + metrics["value_loss"] - self.entropy * metrics["entropy"], metrics

    def _learn(self, key: Any, state: State, spec: Spec, batch: Batch) -> tuple[Any, Any, dict[str, Any]]:
        optimiser, rate = self._optimiser(), annealed(self.learning_rate, state.updates, self.anneal_over)
        parts, size = self._parts(batch), self.patients // self.minibatches
        lived = jnp.any(parts.alive, axis=1)
        steps = jnp.maximum(jnp.sum(lived, dtype=jnp.int32) // size, 1)

        def minibatch(carry: Any, rows: Any) -> Any:
            weights, memory, sums = carry
            gradient, metrics = jax.grad(self._loss, has_aux=True)(weights, spec, jax.tree.map(lambda v: v[rows], parts))
            with jax.numpy_dtype_promotion("standard"):  # optax raises floats to whole numbers
                direction, memory = optimiser.update(gradient, memory)
            weights = jax.tree.map(lambda w, d: w - rate * d, weights, direction)
            return weights, memory, jax.tree.map(jnp.add, sums, metrics)

        def one_pass(carry: Any, epoch: Any) -> tuple[Any, None]:
            order = jax.random.permutation(jax.random.fold_in(key, 1 + epoch), len(lived))
            order = order[jnp.argsort(~lived[order], stable=True)]
            one = lambda i, c: minibatch(c, jax.lax.dynamic_slice(order, (i * size,), (size,)))  # noqa: E731
            return jax.lax.fori_loop(0, steps, one, carry), None

        nothing = dict.fromkeys(("policy_loss", "value_loss", "entropy", "kl", "clipped"), jnp.float32(0))
        first = (state.weights, state.optimiser, nothing)
        (weights, memory, sums), _ = jax.lax.scan(one_pass, first, jnp.arange(self.epochs))
        return weights, memory, jax.tree.map(lambda x: x / (self.epochs * steps.astype(jnp.float32)), sums)

    def _parts(self, batch: Batch) -> Batch:
        """What a minibatch is made of: whole episodes where the policy remembers, else stretches of at
        most `STRETCH` decisions, so that the room kept after short courses costs nothing."""
        most = batch.alive.shape[1]
        pieces = 1 if self.memory != "none" else -(-most // STRETCH)
        length = -(-most // pieces)
        room = pieces * length - most

        def cut(v: Any) -> Any:
            v = jnp.pad(v, ((0, 0), (0, room), *((0, 0),) * (v.ndim - 2)))
            return v.reshape(-1, length, *v.shape[2:])

        return jax.tree.map(cut, batch)

    def _optimiser(self) -> optax.GradientTransformation:
        # Clipped apart: an early value error must not shrink the policy's step.
        clip = optax.multi_transform(
            {name: optax.clip_by_global_norm(self.max_gradient) for name in ("actor", "critic")},
            {"actor": "actor", "critic": "critic"},
        )
        return optax.chain(clip, optax.scale_by_adam(eps=1e-5))
