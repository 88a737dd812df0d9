"""What learners of a continuous dose by values share: courses, decisions in a replay, networks, slow copies.

A dose is seen as u in [−1, 1]: dose = low + (high − low)·(u + 1)/2. Critics read the observation and u. Rewards are
learned in units of the running root mean square of the discounted returns. What is different between DDPG, TD3 and SAC is how u
is drawn, what a decision is worth (`target`) and what the actor climbs: each has it in its own file.

`learner` is any frozen dataclass with the hyper-parameters `patients, gradients, batch, capacity, learning_rate,
anneal_over, discount, follow, max_gradient, bootstrap, hidden, random_updates` and the class variables `critics`
(how many) and `head` (of the actor).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import adam, networks, replay, targets
from posology.learners.learner import annealed
from posology.learners.networks import Moments
from posology.learners.replay import Replay
from posology.learners.rollout import Episode, courses, worthless_after
from posology.policies import network as net
from posology.policies.network import Network

FIXED_LOG_SD = -20.0  # of an actor that draws nothing


class Decision(NamedTuple):
    """One stored decision with its dose as u; y = `reward` + `weight` · value at `after`."""

    observation: Any
    u: Any
    reward: Any
    weight: Any
    after: Any


class State(NamedTuple):
    """Everything that changes while learning; `weights` are {"actor", "critics", …}, `slow` follows them."""

    weights: Any
    slow: Any
    optimiser: Any
    observations: Moments
    returns: Moments
    replay: Replay
    key: Any
    updates: Any
    decisions: Any


Draw = Callable[[Any, Any, Any], Any]  # (key, weights, x) -> u
Improve = Callable[..., tuple[Any, Any, dict[str, Any]]]  # one gradient step: weights, memory, metrics


def actor_of(learner: Any, spec: Spec) -> Network:
    """The actor's network."""
    return Network(spec.size, 1, learner.hidden, learner.head, low=spec.low, high=spec.high)


def critic_of(learner: Any, spec: Spec) -> Network:
    """A critic: the value of an observation and u."""
    return Network(spec.size + 1, 1, learner.hidden, "value")


def init(learner: Any, key: Any, env: Environment, **more: Any) -> State:
    """The state before the first update; `more` are further weights.

    Raises:
        ValueError: when one update's decisions do not fit the replay.
    """
    spec = env.spec
    replay.enough(learner.capacity, learner.patients, spec.max_steps)
    key, first, *rest = jax.random.split(key, 2 + learner.critics)
    actor = networks.initial(first, actor_of(learner, spec), head_gain=0.01)
    critics = [networks.initial(k, critic_of(learner, spec)) for k in rest]
    weights = {"actor": actor, "critics": critics, **more}
    number, seen = jax.ShapeDtypeStruct((), jnp.float32), jax.ShapeDtypeStruct((spec.size,), jnp.float32)
    past = replay.empty(Decision(seen, number, number, number, seen), learner.capacity)
    memory = {name: adam.shortened(learner.max_gradient).init(w) for name, w in weights.items()}
    moments, zero = networks.no_moments((spec.size,)), jnp.int32(0)
    slow = jax.tree.map(jnp.copy, weights)
    return State(weights, slow, memory, moments, networks.no_moments(), past, key, zero, zero)


def update(
    learner: Any, draw: Draw, improve: Improve, state: State, env: Environment, patients: Any
) -> tuple[State, dict[str, Any]]:
    """One course of each of `learner.patients` patients, then `gradients` steps from the replay."""
    key = jax.random.fold_in(state.key, state.updates)
    e = interact(learner, draw, key, state, env, patients)
    to_come = jax.vmap(targets.discounted)(e.reward, e.alive, e.discount)
    rows = jax.vmap(lambda one: decisions_of(learner, one))(e)
    rows = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), rows)
    count = jnp.sum(e.alive, dtype=jnp.int32)
    state = state._replace(
        replay=replay.add(state.replay, rows, e.alive.reshape(-1)),
        observations=networks.merge(state.observations, e.observation[:, :-1], e.alive),
        returns=networks.merge(state.returns, to_come, e.alive),
        decisions=state.decisions + count,
    )
    state, metrics = learn(learner, improve, key, state, env.spec)
    told = {
        "return": jnp.mean(jnp.sum(e.reward, 1)),
        "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
    }
    return state._replace(updates=state.updates + 1), metrics | told


def interact(learner: Any, draw: Draw, key: Any, state: State, env: Environment, patients: Any) -> Episode:
    """Courses under drawn doses, evenly drawn ones in the first `random_updates`; `extra` is u."""
    spec, moments = env.spec, state.observations

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
        x = net.normalise(observation, moments.mean, moments.sd)
        even = jax.random.uniform(jax.random.fold_in(key, 1), minval=-1.0, maxval=1.0)
        u = jnp.where(state.updates < learner.random_updates, even, draw(key, state.weights, x))
        return spec.low + (spec.high - spec.low) * 0.5 * (u + 1.0), u, memory

    return courses(env, act, key, patients, learner.patients, learner.discount)


def decisions_of(learner: Any, e: Episode) -> Decision:
    """The decisions of one patient's course, as rows."""
    dead = worthless_after(e, learner.bootstrap)
    reward, weight, after = targets.n_step(e.reward, dead, e.truncated, e.alive, e.discount, 1)
    return Decision(e.observation[:-1], e.extra, reward, weight, e.observation[after])


def unit(state: State) -> Any:
    """Root mean square of the discounted returns so far: what the critics' values are measured in."""
    return jnp.sqrt(state.returns.mean**2 + state.returns.sd**2)


def learn(learner: Any, improve: Improve, key: Any, state: State, spec: Spec) -> tuple[State, dict[str, Any]]:
    """`gradients` steps on batches from the replay; the slow weights follow after each."""
    rate = annealed(learner.learning_rate, state.updates, learner.anneal_over)
    past, moments = state.replay, state.observations

    def enter(o: Any) -> Any:
        return jax.vmap(net.normalise, (0, None, None))(o, moments.mean, moments.sd)

    def one(carry: Any, i: Any) -> tuple[Any, dict[str, Any]]:
        weights, slow, memory = carry
        step = jax.random.fold_in(key, 1 + i)
        d = replay.sample(past, step, learner.batch)
        d = d._replace(observation=enter(d.observation), after=enter(d.after), reward=d.reward / unit(state))
        weights, memory, metrics = improve(jax.random.fold_in(step, 1), weights, slow, memory, d, spec, rate, i)
        slow = jax.tree.map(lambda old, new: old + learner.follow * (new - old), slow, weights)
        return (weights, slow, memory), metrics

    first = (state.weights, state.slow, state.optimiser)
    (weights, slow, memory), metrics = jax.lax.scan(one, first, jnp.arange(learner.gradients))
    return state._replace(weights=weights, slow=slow, optimiser=memory), jax.tree.map(jnp.mean, metrics)


def values(learner: Any, spec: Spec, critics: Any, x: Any, u: Any) -> Any:
    """What each critic says of a batch `[critics, batch]`."""
    network, seen = critic_of(learner, spec), jnp.concatenate([x, u[:, None]], axis=1)
    return jnp.stack([net.unroll(network, w, seen)[:, 0] for w in critics])


def mean_dose(learner: Any, spec: Spec, actor: Any, x: Any) -> Any:
    """u of a deterministic actor for a batch of observations."""
    return jnp.tanh(net.unroll(actor_of(learner, spec), actor, x)[:, 0])


def noisy_dose(learner: Any, spec: Spec, key: Any, weights: Any, x: Any) -> Any:
    """u of a deterministic actor for one observation, and a draw of `learner.noise` around it."""
    u = mean_dose(learner, spec, weights["actor"], x[None])[0] + learner.noise * jax.random.normal(key)
    return jnp.clip(u, -1.0, 1.0)


def climb(learner: Any, spec: Spec, weights: Any, memory: Any, d: Decision, rate: Any) -> tuple[Any, Any, Any]:
    """A deterministic actor after a step up the first critic: weights, the optimiser's memory, −E[Q] before it."""

    def loss(actor: Any) -> Any:
        u = mean_dose(learner, spec, actor, d.observation)
        return -jnp.mean(values(learner, spec, weights["critics"][:1], d.observation, u))

    return descend(learner, loss, weights["actor"], memory["actor"], rate)


def descend(learner: Any, loss: Callable[[Any], Any], weights: Any, memory: Any, rate: Any) -> tuple[Any, Any, Any]:
    """One step of Adam: weights, the optimiser's memory, the loss before it."""
    cost, gradient = jax.value_and_grad(loss)(weights)
    return (*adam.step(adam.shortened(learner.max_gradient), gradient, weights, memory, rate), cost)


def fit_critics(
    learner: Any, spec: Spec, weights: Any, memory: Any, d: Decision, y: Any, rate: Any
) -> tuple[Any, Any, Any]:
    """The critics after a step towards the targets `y[batch]`: weights, memory, half the mean squared error."""
    y = jax.lax.stop_gradient(y)
    loss = lambda c: 0.5 * jnp.mean(jnp.sum((values(learner, spec, c, d.observation, d.u) - y[None]) ** 2, 0))  # noqa: E731
    critics, held, cost = descend(learner, loss, weights["critics"], memory["critics"], rate)
    return {**weights, "critics": critics}, {**memory, "critics": held}, cost


def parameters(state: State, fixed: bool) -> dict[str, Any]:
    """The slow actor and the scale of its observations; `fixed` for one that draws nothing."""
    moments = state.observations
    spread = {"log_sd": jnp.float32(FIXED_LOG_SD)} if fixed else {}
    return {**state.slow["actor"], **spread, "observation.mean": moments.mean, "observation.sd": moments.sd}
