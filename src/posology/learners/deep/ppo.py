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

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.deep import actor_critic
from posology.learners.deep.actor_critic import Batch, State, mean_alive
from posology.learners.learner import among, annealed, at_least, in_unit_interval, multiple, policy_of
from posology.policies.network import MEMORIES

STRETCH = 8  # decisions


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
        multiple(self, "patients", "minibatches", "repeats")
        among(self, "memory", MEMORIES)

    form = actor_critic.actor_of
    init = actor_critic.init
    parameters = actor_critic.stored
    policy = policy_of

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """`self.patients` episodes, then `epochs` passes over them."""
        return update(self, state, env, patients)


def update(learner: Any, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
    """`learner.patients` episodes, then `epochs` passes over them."""
    key = jax.random.fold_in(state.key, state.updates)
    episodes = actor_critic.interact(learner, key, state, env, patients)
    batch, returns = actor_critic.batch_of(learner, state, env.spec, episodes)
    weights, memory, metrics = learn(learner, key, state, env.spec, batch)
    state, told = actor_critic.after(learner, state, episodes, returns, weights, memory)
    return state, metrics | told


def loss(learner: Any, weights: Any, spec: Spec, b: Batch) -> tuple[Any, dict[str, Any]]:
    log_probability, entropy, value = actor_critic.along(learner, weights, spec, b)
    ratio = jnp.exp(log_probability - b.log_probability)
    clipped = jnp.clip(ratio, 1 - learner.clip, 1 + learner.clip)
    gain = jnp.minimum(ratio * b.advantage, clipped * b.advantage)
    mean = mean_alive(b)
    metrics = {
        "policy_loss": -mean(gain),
        "value_loss": 0.5 * mean((value - b.value) ** 2),
        "entropy": mean(entropy),
        "kl": mean(ratio - 1 - jnp.log(ratio)),
        "clipped": mean((ratio != clipped).astype(jnp.float32)),
    }
    return metrics["policy_loss"] + metrics["value_loss"] - learner.entropy * metrics["entropy"], metrics


def learn(learner: Any, key: Any, state: State, spec: Spec, batch: Batch) -> tuple[Any, Any, dict[str, Any]]:
    rate = annealed(learner.learning_rate, state.updates, learner.anneal_over)
    parts, size = parts_of(learner, batch), learner.patients // learner.minibatches
    lived = jnp.any(parts.alive, axis=1)
    steps = jnp.maximum(jnp.sum(lived, dtype=jnp.int32) // size, 1)

    def minibatch(carry: Any, rows: Any) -> Any:
        weights, memory, sums = carry
        part = jax.tree.map(lambda v: v[rows], parts)
        cost = lambda w: loss(learner, w, spec, part)  # noqa: E731
        weights, memory, metrics = actor_critic.descend(cost, weights, memory, rate, learner.max_gradient)
        return weights, memory, jax.tree.map(jnp.add, sums, metrics)

    def one_pass(carry: Any, epoch: Any) -> tuple[Any, None]:
        order = jax.random.permutation(jax.random.fold_in(key, 1 + epoch), len(lived))
        order = order[jnp.argsort(~lived[order], stable=True)]
        one = lambda i, c: minibatch(c, jax.lax.dynamic_slice(order, (i * size,), (size,)))  # noqa: E731
        return jax.lax.fori_loop(0, steps, one, carry), None

    nothing = dict.fromkeys(("policy_loss", "value_loss", "entropy", "kl", "clipped"), jnp.float32(0))
    first = (state.weights, state.optimiser, nothing)
    (weights, memory, sums), _ = jax.lax.scan(one_pass, first, jnp.arange(learner.epochs))
    return weights, memory, jax.tree.map(lambda x: x / (learner.epochs * steps.astype(jnp.float32)), sums)


def parts_of(learner: Any, batch: Batch) -> Batch:
    """What a minibatch is made of: whole episodes where the policy remembers, else stretches of at
    most `STRETCH` decisions, so that the room kept after short courses costs nothing."""
    most = batch.alive.shape[1]
    pieces = 1 if learner.memory != "none" else -(-most // STRETCH)
    length = -(-most // pieces)
    room = pieces * length - most

    def cut(v: Any) -> Any:
        v = jnp.pad(v, ((0, 0), (0, room), *((0, 0),) * (v.ndim - 2)))
        return v.reshape(-1, length, *v.shape[2:])

    return jax.tree.map(cut, batch)
