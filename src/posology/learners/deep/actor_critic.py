"""What learners with an actor and a critic share: play courses, estimate advantages, take likelihoods.

    δ_t = r_t + γ_t·V(o_{t+1}) − V(o_t),   Â_t = δ_t + γ_t·λ·Â_{t+1}        Schulman 2016, arXiv:1506.02438
    A_t = Â_t − mean of Â_t in the patient's other courses, in standard deviations over the update

Each patient that is drawn lives `repeats` courses under the same noise, so that an advantage is compared with
those of the patient's other courses: what the patient and its fate bring cancels, what the dose brings
stays. The critic learns returns in units of their running SD. `learner` is any frozen dataclass with the
hyper-parameters `patients, repeats, discount, trace, bootstrap, follow, memory, span, hidden, max_gradient`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import adam, networks, targets
from posology.learners.learner import annealed
from posology.learners.networks import Moments
from posology.learners.rollout import Episode, of_patients, rollout
from posology.policies import network as net
from posology.policies.network import Network

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


def actor_of(learner: Any, spec: Spec) -> Network:
    """The actor's network."""
    return _network(learner, spec, "categorical" if spec.discrete else "squashed")


def critic_of(learner: Any, spec: Spec) -> Network:
    """The value network: one number, the same memory."""
    return _network(learner, spec, "value")


def _network(learner: Any, spec: Spec, head: str) -> Network:
    outputs = len(spec.actions) if head == "categorical" else 1
    network = Network(spec.size, outputs, learner.hidden, head, learner.memory, learner.span, states=spec.states)
    return replace(network, low=spec.low, high=spec.high) if head == "squashed" else network


def init(learner: Any, key: Any, env: Environment) -> State:
    """The state before the first update."""
    key, first, second = jax.random.split(key, 3)
    weights = {
        "actor": networks.initial(first, actor_of(learner, env.spec), head_gain=0.01),
        "critic": networks.initial(second, critic_of(learner, env.spec)),
    }
    if not env.spec.discrete:
        weights["actor"]["log_sd"] = jnp.float32(FIRST_LOG_SD)
    moments = networks.no_moments((env.spec.size,))
    zero = jnp.int32(0)
    mean = jax.tree.map(jnp.copy, weights["actor"])
    memory = optimiser(learner.max_gradient).init(weights)
    return State(weights, mean, memory, moments, networks.no_moments(), key, zero, zero)


def parameters(actor: Any, state: State) -> dict[str, Any]:
    """What the policy of an actor's weights is stored as: the weights and the scale of the observations."""
    return {**actor, "observation.mean": state.observations.mean, "observation.sd": state.observations.sd}


def stored(learner: Any, state: State) -> dict[str, Any]:
    """The running mean of the actor as a policy's file holds it."""
    return parameters(state.mean, state)


def value(learner: Any, state: State, spec: Spec, observations: Any) -> Any:
    """The critic's value, in units of reward, along one episode's observations `[T, size]`."""
    critic = critic_of(learner, spec)
    enter = lambda o: net.enter(critic, o, state.observations.mean, state.observations.sd)  # noqa: E731
    found = net.unroll(critic, state.weights["critic"], jax.vmap(enter)(observations))[:, 0]
    return found * state.returns.sd + state.returns.mean


def interact(learner: Any, key: Any, state: State, env: Environment, patients: Any) -> Episode:
    """Courses whose doses the actor draws; `extra` is the dose as the likelihood sees it."""
    actor, params = actor_of(learner, env.spec), parameters(state.weights["actor"], state)

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
    drawn = learner.patients // learner.repeats
    chosen = jnp.repeat(jax.random.randint(who, (drawn,), 0, pool), learner.repeats)
    noises = jnp.repeat(jax.random.split(noise, drawn), learner.repeats)
    play = lambda n, c, patient: rollout(env, act, net.start(actor), n, c, patient, learner.discount)  # noqa: E731
    return jax.vmap(play)(noises, jax.random.split(choice, learner.patients), of_patients(patients, chosen))


def batch_of(learner: Any, state: State, spec: Spec, e: Episode) -> tuple[Batch, Moments]:
    """The episodes as the losses see them, and the moments of the returns with theirs."""
    to_come = jax.vmap(targets.discounted)(e.reward, e.alive, e.discount)
    returns = networks.merge(state.returns, to_come, e.alive)
    state = state._replace(returns=returns)
    mean, sd = state.observations.mean, state.observations.sd
    enter = lambda o: net.enter(actor_of(learner, spec), o, mean, sd)  # noqa: E731
    x = jax.vmap(jax.vmap(enter))(e.observation)
    values = jax.vmap(lambda rows: value(learner, state, spec, rows))(e.observation)
    # A padded episode that reached no end ran out of steps: the same as the end of study.
    last = jnp.arange(e.alive.shape[1])[None] == e.alive.shape[1] - 1
    truncated = e.truncated | (e.alive & last & ~e.terminated)
    dead = e.terminated if learner.bootstrap else e.terminated | truncated
    estimate = jax.vmap(targets.gae, (0, 0, 0, 0, 0, 0, None))
    advantage = estimate(e.reward, values, dead, truncated, e.alive, e.discount, learner.trace)
    learned = (advantage + values[:, :-1] - returns.mean) / returns.sd
    mask, steps = e.mask[:, :-1], x[:, :-1]
    actor = state.weights["actor"]
    log_probability = jax.vmap(likelihood, (None, None, None, 0, 0, 0))(learner, actor, spec, steps, mask, e.extra)[0]
    advantage = within_patient(advantage, e.alive, learner.repeats)
    spread = networks.merge(networks.no_moments(), advantage, e.alive)
    standard = (advantage - spread.mean) / (spread.sd + 1e-8)
    return Batch(steps, mask, e.extra, log_probability, standard, learned, e.alive), returns


def within_patient(advantage: Any, alive: Any, repeats: int) -> Any:
    """Advantages less the mean of the same decision in the patient's other courses, where they reached it."""
    if repeats == 1:
        return advantage
    shape = (-1, repeats, advantage.shape[1])
    here, values = alive.reshape(shape).astype(jnp.float32), jnp.where(alive, advantage, 0.0).reshape(shape)
    others = jnp.maximum(jnp.sum(here, 1, keepdims=True) - here, 1.0)
    rest = (jnp.sum(values, 1, keepdims=True) - values) / others
    return (values - rest).reshape(advantage.shape)


def likelihood(learner: Any, actor: Any, spec: Spec, x: Any, mask: Any, action: Any) -> tuple[Any, Any]:
    """ln probability of the actions and entropy, along one episode."""
    out = net.unroll(actor_of(learner, spec), actor, x)
    if spec.discrete:
        return jax.vmap(networks.log_probability)(out, mask, action), jax.vmap(networks.entropy)(out, mask)
    spread = jnp.broadcast_to(actor["log_sd"], action.shape)
    return networks.normal_log_probability(action, out[:, 0], spread), networks.normal_entropy(spread)


def along(learner: Any, weights: Any, spec: Spec, b: Batch) -> tuple[Any, Any, Any]:
    """ln probability, entropy and value (in units of the returns' SD) of every decision of a batch."""
    over = jax.vmap(likelihood, (None, None, None, 0, 0, 0))
    log_probability, entropy = over(learner, weights["actor"], spec, b.x, b.mask, b.action)
    critic = critic_of(learner, spec)
    return log_probability, entropy, jax.vmap(lambda x: net.unroll(critic, weights["critic"], x)[:, 0])(b.x)


def mean_alive(b: Batch) -> Callable[[Any], Any]:
    """The mean over the decisions of a batch that took place."""
    count = jnp.maximum(jnp.sum(b.alive, dtype=jnp.float32), 1.0)
    return lambda values: jnp.sum(jnp.where(b.alive, values, 0.0)) / count


def descend(loss: Callable[..., Any], weights: Any, memory: Any, rate: Any, max_gradient: float) -> tuple[Any, Any, Any]:
    """One step of Adam on `loss(weights) -> (loss, metrics)`: weights, the optimiser's memory, metrics."""
    gradient, metrics = jax.grad(loss, has_aux=True)(weights)
    return (*adam.step(optimiser(max_gradient), gradient, weights, memory, rate), metrics)


Loss = Callable[[Any, Spec, Batch], tuple[Any, dict[str, Any]]]


def one_step(learner: Any, loss: Loss, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
    """`learner.patients` courses, then one step on all of their decisions."""
    key = jax.random.fold_in(state.key, state.updates)
    episodes = interact(learner, key, state, env, patients)
    batch, returns = batch_of(learner, state, env.spec, episodes)
    rate = annealed(learner.learning_rate, state.updates, learner.anneal_over)
    cost = lambda weights: loss(weights, env.spec, batch)  # noqa: E731
    weights, memory, metrics = descend(cost, state.weights, state.optimiser, rate, learner.max_gradient)
    state, told = after(learner, state, episodes, returns, weights, memory)
    return state, metrics | told


def after(
    learner: Any, state: State, episodes: Episode, returns: Moments, weights: Any, memory: Any
) -> tuple[State, dict[str, Any]]:
    """The state after an update, and what every learner tells of its episodes."""
    rewards, decisions = jnp.sum(episodes.reward, 1), jnp.sum(episodes.alive, dtype=jnp.int32)
    told = {"return": jnp.mean(rewards), "length": jnp.mean(jnp.sum(episodes.alive, 1, dtype=jnp.float32))}
    seen = networks.merge(state.observations, episodes.observation[:, :-1], episodes.alive)
    mean = jax.tree.map(lambda old, new: old + learner.follow * (new - old), state.mean, weights["actor"])
    counts = (state.updates + 1, state.decisions + decisions)
    return State(weights, mean, memory, seen, returns, state.key, *counts), told


def optimiser(max_gradient: float) -> optax.GradientTransformation:
    """Adam's directions."""
    # Clipped apart: an early value error must not shrink the policy's step.
    clip = optax.multi_transform(
        {name: optax.clip_by_global_norm(max_gradient) for name in ("actor", "critic")},
        {"actor": "actor", "critic": "critic"},
    )
    return optax.chain(clip, optax.scale_by_adam(eps=1e-5))
