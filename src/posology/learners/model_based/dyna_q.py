"""Dyna-Q: Q-learning with a table, and a table of what followed, on which it goes on learning between patients.

    lived:     Q(s, a) ← Q(s, a) + α·(r + γ·max_{a' allowed} Q(s', a') − Q(s, a))
    imagined:  Q(s, a) ← (Σ r + Σ_{s'} F(s, a, s')·max_{a' allowed} Q(s', a')) / N(s, a),    n times for each decision lived

Sutton 1990, doi:10.1016/B978-1-55860-141-3.50030-4. N counts how often a dose was given in a cell, and F sums γ over the
times that s' followed (nothing follows death); imagined decisions are drawn evenly among the pairs (s, a) that were lived,
and move by the whole expected update (Sutton & Barto 2018, section 8.5). What is lived: `tabular/temporal_difference.py`;
where we deviate: `docs/learners/dyna-q.md`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners import exploration
from posology.learners.learner import at_least, policy_of
from posology.learners.rollout import Episode, worthless_after
from posology.learners.tabular import temporal_difference
from posology.policies import network as net
from posology.policies.tabular import Table


class Model(NamedTuple):
    """What was lived: sums of rewards `[cells, doses]`, of the discounts with which each cell followed `[cells, doses,
    cells]`, and which doses were ever allowed `[cells, doses]`."""

    rewards: Any
    followed: Any
    allowed: Any


class State(NamedTuple):
    """The values, and the model."""

    learned: temporal_difference.State
    model: Model

    @property
    def decisions(self) -> Any:
        """Decisions lived."""
        return self.learned.decisions


@dataclass(frozen=True)
class DynaQ:
    """Hyper-parameters. `planning` n imagined decisions for each one lived; the others as for Q-learning."""

    id: ClassVar[str] = "dyna-q"

    patients: int = 16
    planning: int = 10
    cells: int = 256
    rate: float = 0.5
    decay: float = 0.6
    discount: float = 0.99
    bootstrap: bool = True
    explore_over: int = 200
    explore_from: float = 1.0
    explore_to: float = 0.05

    def __post_init__(self) -> None:
        temporal_difference.checked(self)
        at_least(self, planning=0)

    form = temporal_difference.form
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """Nothing lived."""
        learned = temporal_difference.init(self, key, env)
        cells, doses = learned.values.shape
        none = jnp.zeros((cells, doses), jnp.float32)
        return State(learned, Model(none, jnp.zeros((cells, doses, cells), jnp.float32), none > 0))

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One course of each of `self.patients` patients, every decision of them once, and imagined ones."""
        before = state.learned
        key, share = jax.random.fold_in(before.key, before.updates), exploration.share(self, before.updates)
        e = temporal_difference.interact(self, key, before, env, patients, share)
        best = temporal_difference.best
        values, visits, error = temporal_difference.learn(self, best, before, env.spec, e, share)
        model = remembered(self, state.model, self.form(env.spec), before.arrays, e)
        # as many rounds for each visit that the longest course had, a pair for each patient
        rounds = self.planning * jnp.max(jnp.sum(e.alive, 1, dtype=jnp.int32))
        planned = imagined(jax.random.fold_in(key, 1), model, values, visits, rounds, self.patients)
        metrics = {
            "return": jnp.mean(jnp.sum(e.reward, 1)),
            "length": jnp.mean(jnp.sum(e.alive, 1, dtype=jnp.float32)),
            "error": error,
            "epsilon": share,
            "cells_seen": jnp.mean((jnp.sum(visits, axis=1) > 0).astype(jnp.float32)),
            "planned_change": jnp.sum(jnp.abs(planned - values)) / jnp.maximum(jnp.sum(visits > 0, dtype=jnp.float32), 1.0),
        }
        lived = before.decisions + jnp.sum(e.alive, dtype=jnp.int32)
        after = temporal_difference.State(planned, visits, before.arrays, before.key, before.updates + 1, lived)
        return State(after, model), metrics

    def parameters(self, state: State) -> dict[str, Any]:
        """The table, and what finds the cell of an observation."""
        return temporal_difference.stored(self, state.learned)


def remembered(learner: Any, model: Model, form: Table, arrays: Any, e: Episode) -> Model:
    """The model after some courses, whose `extra` are cells."""
    cells = jax.vmap(jax.vmap(lambda o: form.cell(arrays, o)))(e.observation)
    lives = e.alive.astype(jnp.float32)
    over = jax.vmap(lambda one: worthless_after(one, learner.bootstrap))(e)
    at, after = (cells[:, :-1], e.action), cells[:, 1:]
    weight = lives * e.discount * (1.0 - over.astype(jnp.float32))
    mine = jnp.concatenate([e.alive[:, :1], e.alive], axis=1)  # row t + 1 follows decision t
    return Model(
        model.rewards.at[at].add(lives * e.reward),
        model.followed.at[(*at, after)].add(weight),
        model.allowed.at[cells].max(e.mask & mine[:, :, None]),
    )


def expected(model: Model, values: Any, visits: Any, cell: Any, dose: Any) -> Any:
    """What the model says that a dose in a cell is worth, where it was given before."""
    ahead = jnp.max(net.allowed(values, model.allowed), axis=1)
    follow = jnp.sum(model.followed[cell, dose] * ahead)
    return (model.rewards[cell, dose] + follow) / visits[cell, dose]


def imagined(key: Any, model: Model, values: Any, visits: Any, rounds: Any, pairs: int) -> Any:
    """Values after so many `rounds`, each of which looks at so many `pairs` of a cell and a dose."""
    below = jnp.cumsum((visits > 0).astype(jnp.int32).reshape(-1))
    worth = jax.vmap(expected, (None, None, None, 0, 0))

    def one(i: Any, values: Any) -> Any:
        which = jax.random.randint(jax.random.fold_in(key, i), (pairs,), 0, below[-1])
        at = jnp.searchsorted(below, which, side="right")
        cell, dose = at // values.shape[1], at % values.shape[1]
        return values.at[cell, dose].set(worth(model, values, visits, cell, dose))

    return jax.lax.fori_loop(0, rounds, one, values)
