"""What tabular learners share: play patients, then move the numbers of the cells they passed.

    δ = r + γ·v(s') − Q(s, a),    Q(s, a) ← Q(s, a) + α·δ,    α = `rate`·(1 + visits(s, a))^−`decay`

v(s') is what the learner expects to follow: 0 after death, and 0 at the end of study where the question
ends there (`bootstrap` false). Many patients live at once; where n of them took the same decision, the
number moves by 1 − (1 − α)ⁿ of their mean δ, as n moves towards one target would. The last decisions of a
course are looked at first, so that what they brought is known before the earlier ones ask for it (Lin
1992, doi:10.1007/BF00992699).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners import exploration
from posology.learners.learner import at_least, in_unit_interval
from posology.learners.rollout import Episode, courses
from posology.learners.tabular import discretise
from posology.policies import network as net
from posology.policies.tabular import Table


class State(NamedTuple):
    """`values` and `visits` `[cells, doses]`; `arrays` say which cell an observation falls into."""

    values: Any
    visits: Any
    arrays: dict[str, Any]
    key: Any
    updates: Any
    decisions: Any


class Next(NamedTuple):
    """What followed a decision: the cell's row of values, which doses may be given there, the dose that was
    given (where `alive` says that there was one), and the share of random doses."""

    values: Any
    mask: Any
    action: Any
    alive: Any
    epsilon: Any


Expects = Callable[[Next], Any]


def best(after: Next) -> Any:
    """The highest value among the doses that may be given next."""
    return jnp.max(net.allowed(after.values, after.mask))


def mean(after: Next) -> Any:
    """The mean of what the policy may do next: evenly any allowed dose with probability ε, else the best."""
    evenly = after.mask.astype(jnp.float32) / jnp.maximum(jnp.sum(after.mask, dtype=jnp.float32), 1.0)
    return after.epsilon * jnp.sum(evenly * after.values) + (1 - after.epsilon) * best(after)


def init(learner: Any, key: Any, env: Environment) -> State:
    """Nothing learned: all numbers 0."""
    key, cells = jax.random.split(key)
    arrays = discretise.fit(cells, env, learner.cells)
    form = discretise.form(env.spec, learner.cells)
    none = jnp.zeros((form.cells, form.outputs), jnp.float32)
    return State(none, none, arrays, key, jnp.int32(0), jnp.int32(0))


def form(learner: Any, spec: Spec) -> Table:
    """A value per cell and dose."""
    return discretise.form(spec, learner.cells)


def stored(learner: Any, state: State) -> dict[str, Any]:
    """The table, and what finds the cell of an observation."""
    return {"table": state.values, **state.arrays}


def checked(learner: Any) -> None:
    """Refuse impossible hyper-parameters."""
    at_least(learner, patients=1, cells=1, rate=0, decay=0, explore_over=1)
    in_unit_interval(learner, "rate", "discount", "explore_from", "explore_to")


def update(
    learner: Any, expects: Expects, state: State, env: Environment, patients: Any
) -> tuple[State, dict[str, Any]]:
    """`patients` courses, then every decision of them once."""
    key, share = jax.random.fold_in(state.key, state.updates), exploration.share(learner, state.updates)
    e = interact(learner, key, state, env, patients, share)
    values, visits, error = learn(learner, expects, state, env.spec, e, share)
    metrics = {
        "return": jnp.mean(jnp.sum(e.reward, 1)),
        "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
        "error": error,
        "epsilon": share,
        "cells_seen": jnp.mean((jnp.sum(visits, axis=1) > 0).astype(jnp.float32)),
    }
    decisions = state.decisions + jnp.sum(e.alive, dtype=jnp.int32)
    return State(values, visits, state.arrays, state.key, state.updates + 1, decisions), metrics


def interact(learner: Any, key: Any, state: State, env: Environment, patients: Any, share: Any) -> Episode:
    """Courses under doses that are the best so far, or random with probability `share`; `extra` is the cell."""
    form = discretise.form(env.spec, learner.cells)

    def act(key: Any, observation: Any, mask: Any, memory: Any) -> tuple[Any, Any, Any]:
        coin, which = jax.random.split(key)
        cell = form.cell(state.arrays, observation)
        greedy = jnp.argmax(net.allowed(state.values[cell], mask)).astype(jnp.int32)
        drawn = exploration.evenly(which, mask)
        return jnp.where(jax.random.uniform(coin) < share, drawn, greedy), cell, memory

    return courses(env, act, key, patients, learner.patients, learner.discount)


def learn(learner: Any, expects: Expects, state: State, spec: Spec, e: Episode, share: Any) -> tuple[Any, Any, Any]:
    """Values and visits after the courses, and the mean size of δ."""
    form = discretise.form(spec, learner.cells)
    steps = e.alive.shape[1]
    last = jax.vmap(lambda o: form.cell(state.arrays, o))(e.observation[:, -1])
    cells = jnp.concatenate([e.extra, last[:, None]], axis=1)

    def back(i: Any, carry: Any) -> Any:
        values, visits, total = carry
        t = length - 1 - i
        after = jnp.minimum(t + 1, steps - 1)
        goes_on = (t + 1 < steps) & e.alive[:, after] & ~(e.terminated[:, t] | e.truncated[:, t])
        # beyond a patient's last decision stands the true last observation
        cell, following = cells[:, t], jnp.where(goes_on, cells[:, after], last)
        nothing = e.terminated[:, t] | (~goes_on & (not learner.bootstrap))
        seen = Next(
            values[following], e.mask[:, t + 1], e.action[:, after], goes_on, jnp.broadcast_to(share, nothing.shape)
        )
        target = e.reward[:, t] + e.discount[:, t] * jnp.where(nothing, 0.0, jax.vmap(expects)(seen))
        here, at = e.alive[:, t].astype(jnp.float32), (cell, e.action[:, t])
        delta = (target - values[at]) * here
        count = jnp.zeros_like(values).at[at].add(here)
        error = jnp.zeros_like(values).at[at].add(delta) / jnp.maximum(count, 1.0)
        rate = jnp.minimum(learner.rate * (1.0 + visits) ** -learner.decay, 1.0)
        moved = values + (1.0 - (1.0 - rate) ** count) * error
        return moved, visits + count, total + jnp.sum(jnp.abs(delta))

    length = jnp.max(jnp.sum(e.alive, 1, dtype=jnp.int32))
    values, visits, total = jax.lax.fori_loop(0, length, back, (state.values, state.visits, jnp.float32(0)))
    return values, visits, total / jnp.maximum(jnp.sum(e.alive, dtype=jnp.float32), 1.0)
