"""What learners of values share: ε-greedy courses, decisions in a replay, gradient steps on them.

A decision is kept as y = `reward` + `weight` · value at `after`: n rewards and the product of their discounts
(`targets.n_step`). Prioritised replay draws decision i in proportion to |δ_i|^α and weighs its loss by
(N·P(i))^−β, relative to the largest weight in the batch (Schaul 2016, arXiv:1511.05952, Eq. 1).

`learner` is any frozen dataclass with the hyper-parameters `patients, gradients, batch, capacity, learning_rate,
anneal_over, discount, n_step, prioritised, correction, follow, explore_over, explore_from, explore_to,
max_gradient, bootstrap, hidden`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import adam, exploration, networks, replay, sum_tree, targets
from posology.learners.learner import annealed
from posology.learners.networks import Moments
from posology.learners.replay import Replay
from posology.learners.rollout import Episode, courses, worthless_after
from posology.policies import network as net
from posology.policies.network import Network

LEAST_PRIORITY = 1e-3  # so that a decision without error can still be drawn


class Decision(NamedTuple):
    """One stored decision: y = `reward` + `weight` · value at `after`, where `mask` is allowed."""

    observation: Any
    action: Any
    reward: Any
    weight: Any
    after: Any
    mask: Any


class State(NamedTuple):
    """Everything that changes while learning. `priority` is the tree of (|δ| + least)^α, of one row where draws are even."""

    weights: Any
    slow: Any
    optimiser: Any
    observations: Moments
    replay: Replay
    priority: Any
    key: Any
    updates: Any
    decisions: Any


Loss = Callable[[Any, State, Spec, Decision], tuple[Any, Any]]  # of one decision: loss and |δ|


def init(learner: Any, key: Any, env: Environment) -> State:
    """The state before the first update.

    Raises:
        ValueError: when one update's decisions do not fit the replay.
    """
    spec = env.spec
    replay.enough(learner.capacity, learner.patients, spec.max_steps)
    key, first = jax.random.split(key)
    weights = networks.initial(first, learner.form(spec))
    number = jax.ShapeDtypeStruct((), jnp.float32)
    seen = jax.ShapeDtypeStruct((spec.size,), jnp.float32)
    mask = jax.ShapeDtypeStruct((len(spec.actions),), jnp.bool_)
    row = Decision(seen, jax.ShapeDtypeStruct((), jnp.int32), number, number, seen, mask)
    moments, zero = networks.no_moments((spec.size,)), jnp.int32(0)
    slow = jax.tree.map(jnp.copy, weights)
    memory = adam.shortened(learner.max_gradient).init(weights)
    priority = sum_tree.empty(learner.capacity if learner.prioritised else 1)
    return State(
        weights, slow, memory, moments, replay.empty(row, learner.capacity), priority, key, zero, zero
    )  # fmt: skip


def update(learner: Any, loss: Loss, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
    """One course of each of `learner.patients` patients, then `gradients` steps from the replay."""
    key = jax.random.fold_in(state.key, state.updates)
    episodes = interact(learner, key, state, env, patients)
    rows = jax.vmap(lambda e: decisions_of(learner, e))(episodes)
    rows = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), rows)
    state = remember(learner, state, rows, episodes.alive.reshape(-1))
    seen = networks.merge(state.observations, episodes.observation[:, :-1], episodes.alive)
    count = jnp.sum(episodes.alive, dtype=jnp.int32)
    state = state._replace(observations=seen, decisions=state.decisions + count)
    state, cost = learn(learner, loss, key, state, env.spec)
    metrics = {
        "return": jnp.mean(jnp.sum(episodes.reward, 1)),
        "length": jnp.mean(jnp.sum(episodes.alive, 1, dtype=jnp.float32)),
        "value_loss": cost,
        "epsilon": exploration.share(learner, state.updates),
    }
    return state._replace(updates=state.updates + 1), metrics


def outputs(network: Network, weights: Any, moments: Moments, observation: Any) -> Any:
    """What the network says of one observation."""
    return net.step(network, weights, net.enter(network, observation, moments.mean, moments.sd), ())[0]


def stored(learner: Any, state: State) -> dict[str, Any]:
    """The slow network, a running mean of the weights, and the scale of its observations."""
    moments = state.observations
    return {**state.slow, "observation.mean": moments.mean, "observation.sd": moments.sd}


def interact(learner: Any, key: Any, state: State, env: Environment, patients: Any) -> Episode:
    """Courses under the best dose so far, or a random one with probability ε."""
    share, network = exploration.share(learner, state.updates), learner.form(env.spec)

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
        coin, which = jax.random.split(key)
        found = net.scores(network, outputs(network, state.weights, state.observations, observation))
        best = jnp.argmax(net.allowed(found, mask))
        action = jnp.where(jax.random.uniform(coin) < share, exploration.evenly(which, mask), best).astype(jnp.int32)
        return action, (), memory

    return courses(env, act, key, patients, learner.patients, learner.discount)


def decisions_of(learner: Any, e: Episode) -> Decision:
    """The decisions of one patient's course, as rows."""
    dead = worthless_after(e, learner.bootstrap)
    reward, weight, after = targets.n_step(e.reward, dead, e.truncated, e.alive, e.discount, learner.n_step)
    return Decision(e.observation[:-1], e.action, reward, weight, e.observation[after], e.mask[after])


def remember(learner: Any, state: State, rows: Decision, keep: Any) -> State:
    """The rows in the replay; new ones are as likely to be drawn as the likeliest old one."""
    if learner.prioritised:
        highest = jnp.where(state.replay.filled > 0, jnp.max(sum_tree.leaves(state.priority)), 1.0)
        fresh = sum_tree.put(state.priority, replay.places(state.replay, keep), jnp.broadcast_to(highest, keep.shape))
        state = state._replace(priority=fresh)
    return state._replace(replay=replay.add(state.replay, rows, keep))


def drawn(learner: Any, past: Replay, priority: Any, key: Any) -> tuple[Any, Any, Any]:
    """A batch: rows, where they lie, and the weights of their losses."""
    if not learner.prioritised:
        at = jax.random.randint(key, (learner.batch,), 0, jnp.maximum(past.filled, 1))
        return jax.tree.map(lambda x: x[at], past.rows), at, jnp.ones(learner.batch)
    points = (jnp.arange(learner.batch) + jax.random.uniform(key, (learner.batch,))) / learner.batch
    at = sum_tree.find(priority, points * priority[1])
    chance = sum_tree.leaves(priority)[at] / priority[1]
    weight = (past.filled.astype(jnp.float32) * chance) ** -learner.correction
    return jax.tree.map(lambda x: x[at], past.rows), at, weight / jnp.max(weight)


def learn(learner: Any, loss: Loss, key: Any, state: State, spec: Spec) -> tuple[State, Any]:
    """`gradients` steps of Adam on batches from the replay; the slow weights follow after each."""
    rate = annealed(learner.learning_rate, state.updates, learner.anneal_over)
    past = state.replay  # stays outside the loop's carry, which would copy it

    def batch_loss(weights: Any, fixed: State, rows: Any, importance: Any) -> tuple[Any, Any]:
        losses, errors = jax.vmap(loss, (None, None, None, 0))(weights, fixed, spec, rows)
        return jnp.mean(importance * losses), errors

    def gradient_step(carry: Any, i: Any) -> tuple[Any, Any]:
        weights, slow, memory, priority = carry
        rows, at, importance = drawn(learner, past, priority, jax.random.fold_in(key, 1 + i))
        fixed = state._replace(slow=slow)
        (cost, errors), gradient = jax.value_and_grad(batch_loss, has_aux=True)(weights, fixed, rows, importance)
        weights, memory = adam.step(adam.shortened(learner.max_gradient), gradient, weights, memory, rate)
        slow = jax.tree.map(lambda old, new: old + learner.follow * (new - old), slow, weights)
        if learner.prioritised:
            priority = sum_tree.put(priority, at, (errors + LEAST_PRIORITY) ** learner.prioritised)
        return (weights, slow, memory, priority), cost

    first = (state.weights, state.slow, state.optimiser, state.priority)
    (weights, slow, memory, priority), costs = jax.lax.scan(gradient_step, first, jnp.arange(learner.gradients))
    return state._replace(weights=weights, slow=slow, optimiser=memory, priority=priority), jnp.mean(costs)
