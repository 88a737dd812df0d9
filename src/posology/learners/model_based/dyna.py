"""Dyna on a learned ensemble: short imagined courses feed a learner of values from replay (MBPO).

    o_0 ~ decisions lived;  for t < `ahead`:  d_t as the learner doses,  k ~ members,  (o_{t+1}, r_t, end_t) ~ f_k(o_t, d_t)
    imagined decision: (o_t, d_t, r_t − λ·u(o_t, d_t), γ·(1 − P_k(end_t)), o_{t+1}),   u the members' disagreement × SD of r

Janner 2019, arXiv:1906.08253, Algorithm 2; λ > 0: Yu 2020, arXiv:2005.13239 (MOPO), Eq. 8, whose u is another. Imagined
decisions are of the ensemble as it is now, never of an earlier one; they are the share `imagined` of what is learned from.

`learner` is any frozen dataclass with what `ensemble.py` and DQN ask for, `members, ahead, starts, imagined`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import exploration, networks, replay
from posology.learners.deep import value_based
from posology.learners.deep.dqn import DQN
from posology.learners.deep.value_based import Decision
from posology.learners.learner import at_least, in_unit_interval
from posology.learners.model_based import ensemble
from posology.learners.model_based.ensemble import Model, Transition
from posology.learners.replay import Replay
from posology.learners.rollout import Episode
from posology.policies import network as net
from posology.policies.dynamics import disagreement, follows, may_follow
from posology.policies.network import Network

Choose = Callable[[Any, Any, Any], Any]  # (two even numbers in [0, 1), observation, mask) -> row of the dose


class State(NamedTuple):
    """The learner of values, whose replay holds what was lived as `Transition`s, and the ensemble."""

    learned: value_based.State
    model: Model

    @property
    def decisions(self) -> Any:
        """Decisions lived."""
        return self.learned.decisions


def inner(learner: Any) -> DQN:
    """The learner of values: DQN with the settings of the same names."""
    return DQN(**{f.name: getattr(learner, f.name) for f in fields(DQN) if hasattr(learner, f.name)})


def checked(learner: Any) -> None:
    """Refuse impossible hyper-parameters."""
    inner(learner)
    at_least(learner, members=1, fits=1, model_rate=0, ahead=1, starts=1)
    in_unit_interval(learner, "imagined")


def form(learner: Any, spec: Spec) -> Network:
    """One value per dose."""
    return inner(learner).form(spec)


def stored(learner: Any, state: State) -> dict[str, Any]:
    """The slow network and the scale of its observations."""
    return value_based.stored(inner(learner), state.learned)


def init(learner: Any, key: Any, env: Environment) -> State:
    """The state before the first update.

    Raises:
        ValueError: when one update's decisions do not fit the replay.
    """
    replay.enough(learner.capacity, learner.patients, env.spec.max_steps)
    first, second = jax.random.split(key)
    learned = value_based.init(inner(learner), first, env)
    past = ensemble.no_transitions(env.spec, learner.capacity)
    return State(learned._replace(replay=past), ensemble.init(learner, second, env.spec))


def update(
    learner: Any, penalty: float, state: State, env: Environment, patients: Any
) -> tuple[State, dict[str, Any]]:
    """Courses lived, steps of the ensemble, courses imagined, and gradient steps on both."""
    dqn, spec = inner(learner), env.spec
    key = jax.random.fold_in(state.learned.key, state.learned.updates)
    fitting, thinking, mixing = jax.random.split(jax.random.fold_in(key, 1), 3)
    state, e = _lived(learner, dqn, key, state, env, patients)
    past = state.learned.replay
    model, told = ensemble.fit(learner, fitting, state.model, past, spec)
    dreams, apart = imagine(learner, thinking, spec, model, past, penalty, _chooser(dqn, state.learned, spec))
    both = mixed(learner, mixing, past, dreams)
    after, cost = value_based.learn(dqn, dqn._loss, key, state.learned._replace(replay=both), spec)
    metrics = {
        "return": jnp.mean(jnp.sum(e.reward, 1)),
        "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
        "value_loss": cost,
        "epsilon": exploration.share(learner, state.learned.updates),
        "disagreement": apart,
    }
    return State(after._replace(replay=past, updates=after.updates + 1), model), metrics | told


def _lived(learner: Any, dqn: DQN, key: Any, state: State, env: Environment, patients: Any) -> tuple[State, Episode]:
    """The state after some courses, and these."""
    e = value_based.interact(dqn, key, state.learned, env, patients)
    rows, alive = ensemble.transitions(learner, ensemble.dynamics(learner, env.spec), e)
    learned = state.learned._replace(
        replay=replay.add(state.learned.replay, rows, alive),
        observations=networks.merge(state.learned.observations, e.observation[:, :-1], e.alive),
        decisions=state.learned.decisions + jnp.sum(e.alive, dtype=jnp.int32),
    )
    return State(learned, ensemble.observed(state.model, rows, alive)), e


def _chooser(dqn: DQN, state: value_based.State, spec: Spec) -> Choose:
    """The ε-greedy doses of a learner of values."""
    network, share = dqn.form(spec), exploration.share(dqn, state.updates)

    def choose(u: Any, observation: Any, mask: Any) -> Any:
        found = value_based.outputs(network, state.weights, state.observations, observation)
        best = jnp.argmax(net.allowed(found, mask)).astype(jnp.int32)
        return jnp.where(u[0] < share, nth_allowed(u[1], mask), best)

    return choose


def nth_allowed(u: Any, mask: Any) -> Any:
    """A row among those allowed, as an even number in [0, 1) says."""
    below = jnp.cumsum(mask.astype(jnp.int32))
    which = jnp.floor(u * below[-1]).astype(jnp.int32)
    return jnp.searchsorted(below, which, side="right").astype(jnp.int32)


def imagine(
    learner: Any, key: Any, spec: Spec, model: Model, past: Replay, penalty: float, choose: Choose
) -> tuple[Replay, Any]:
    """Imagined decisions in a replay of their own, and the members' mean disagreement over them."""
    made, held = ensemble.dynamics(learner, spec), ensemble.arrays(model)
    first, even, normal = jax.random.split(key, 3)
    begun, size = replay.sample(past, first, learner.starts), (learner.ahead, learner.starts)

    def one(now: Any, u: Any, z: Any) -> tuple[Any, tuple[Transition, Any, Any]]:
        observation, mask, alive = now
        dose = made.encode(choose(u[:2], observation, mask))
        every = made.members_predict(held, observation, dose)
        told = jax.tree.map(lambda v: v[(u[2] * learner.members).astype(jnp.int32)], every)
        after, reward = follows(held, told, observation, z)
        ends, apart = jax.nn.sigmoid(told.end), disagreement(every.mean)
        paid = reward - penalty * apart * held["target.sd"][-1]
        row = Transition(observation, mask, dose, paid, learner.discount * (1.0 - ends), after, may_follow(told))
        return (after, row.allowed, alive & (u[3] >= ends)), (row, alive, apart)

    def onwards(now: Any, drawn: Any) -> tuple[Any, Any]:
        return jax.vmap(one)(now, *drawn)

    standing = (begun.observation, begun.mask, jnp.ones(learner.starts, bool))
    drawn = jax.random.uniform(even, (*size, 4)), jax.random.normal(normal, (*size, spec.size + 1))
    _, (rows, alive, apart) = jax.lax.scan(onwards, standing, drawn)
    rows, keep = jax.tree.map(lambda v: v.reshape(-1, *v.shape[2:]), (rows, alive))
    empty = ensemble.no_transitions(spec, learner.starts * learner.ahead)
    return replay.add(empty, rows, keep), jnp.sum(apart * alive) / jnp.sum(alive, dtype=jnp.float32)


def mixed(learner: Any, key: Any, past: Replay, dreams: Replay) -> Replay:
    """As many decisions as the gradient steps of one update look at, of which the share `imagined` is imagined."""
    total = learner.gradients * learner.batch
    unreal = round(learner.imagined * total)
    one, two = jax.random.split(key)
    rows = jax.tree.map(
        lambda a, b: jnp.concatenate([a, b]), replay.sample(past, one, total - unreal), replay.sample(dreams, two, unreal)
    )
    return Replay(jax.vmap(decision)(rows), jnp.int32(0), jnp.int32(total))


def decision(row: Transition) -> Decision:
    """The same as a row that DQN learns from."""
    action = jnp.argmax(row.dose).astype(jnp.int32)
    return Decision(row.observation, action, row.reward, row.weight, row.after, row.allowed)
