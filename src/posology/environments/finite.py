"""Finite problems: tables of transitions and rewards, exact for planners and an environment for learners.

    P(s' | s, a) = `transition[s, a, s']`,  r = `reward[s, a, s']` on entering s',  s₀ ~ `start`

An episode ends in a `terminal` state, or is cut after `max_steps` decisions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.environments.spec import Spec, Step

NEXT = 1  # stream of random numbers


@dataclass(frozen=True, eq=False)
class Tables:
    """Float64 arrays: `transition`, `reward` `[S, A, S]`, `start` `[S]`; `terminal` `[S]` and `admissible`
    `[S, A]` are true or false.

    Raises:
        ValueError: for tables that are no probabilities, or a state in which nothing may be done.
    """

    transition: np.ndarray
    reward: np.ndarray
    start: np.ndarray
    terminal: np.ndarray
    admissible: np.ndarray

    def __post_init__(self) -> None:
        rows = (("transition", self.transition.sum(-1)), ("start", self.start.sum(-1)))
        for name, total in rows:
            table = getattr(self, name)
            if not (np.isfinite(table).all() and (table >= 0).all() and np.allclose(total, 1.0, atol=1e-6)):
                raise ValueError(f"the table '{name}' holds rows that are no probabilities: each must sum to 1")
        if not np.isfinite(self.reward).all():
            raise ValueError("the table 'reward' holds numbers that are not finite")
        if not self.admissible[~self.terminal].any(axis=1).all():
            state = int(np.flatnonzero(~self.terminal & ~self.admissible.any(axis=1))[0])
            raise ValueError(f"the table 'admissible' allows nothing in state {state}")

    @cached_property
    def expected(self) -> np.ndarray:
        """Expected reward of a decision `[S, A]`."""
        return np.einsum("ijk,ijk->ij", self.transition, self.reward)

    @property
    def digest(self) -> str:
        """Hash of the tables."""
        content = hashlib.sha256()
        for table in (self.transition, self.reward, self.start, self.terminal, self.admissible):
            content.update(np.ascontiguousarray(table).tobytes())
        return content.hexdigest()[:16]


class Person(NamedTuple):
    """A patient of a finite problem is only a number."""

    id: Any


class State(NamedTuple):
    """Where the patient stands, and after how many decisions."""

    index: Any
    step: Any


class FiniteEnvironment:
    """The environment of some tables; `costs` of the spec count entries into the states they name."""

    def __init__(self, spec: Spec, tables: Tables, harms: tuple[int, ...] = ()) -> None:
        shape = (spec.states, len(spec.actions), spec.states)
        if tables.transition.shape != shape:
            raise ValueError(f"the tables of {spec.id} are {tables.transition.shape}; they must be {shape}")
        self.spec, self.tables, self.harms = spec, tables, harms
        self.fingerprint = hashlib.sha256((repr(spec) + tables.digest).encode()).hexdigest()[:16]
        self._successors()

    def _successors(self) -> None:
        """For each decision the states that may follow, with running sums of their probabilities."""
        p = self.tables.transition
        most = int((p > 0).sum(-1).max())
        order = np.argsort(p <= 0, axis=-1, kind="stable")[..., :most]
        kept = np.take_along_axis(p, order, -1)
        self.following = order.astype(np.int16 if self.spec.states < 2**15 else np.int32)
        self.below = np.cumsum(kept, -1).astype(np.float32)
        rewards = np.take_along_axis(self.tables.reward, order, -1)
        # most problems pay on entering a state, whatever led there: one number per state is enough
        self.pays = self._by_entry()
        self.rewards = None if self.pays is not None else rewards.astype(np.float32)

    def _by_entry(self) -> np.ndarray | None:
        """Reward by the state entered, where it depends on nothing else."""
        possible, reward = self.tables.transition > 0, self.tables.reward
        high = np.where(possible, reward, -np.inf).max((0, 1))
        low = np.where(possible, reward, np.inf).min((0, 1))
        reached = possible.any((0, 1))
        return np.where(reached, high, 0.0).astype(np.float32) if (high == low)[reached].all() else None

    def draw(self, key: Any, n: int) -> Person:
        """`n` patients."""
        return Person(jnp.arange(n, dtype=jnp.int32))

    def reset(self, key: Any, patient: Person) -> tuple[State, Any, Any]:
        """A start state, drawn."""
        u = jax.random.uniform(jax.random.fold_in(key, patient.id))
        index = jnp.searchsorted(jnp.asarray(np.cumsum(self.tables.start).astype(np.float32)), u, side="right")
        last = int(np.flatnonzero(self.tables.start)[-1])  # rounding may leave a sliver above the last
        state = State(jnp.minimum(index, last).astype(jnp.int32), jnp.int32(0))
        return state, self._seen(state.index), self._mask(state.index)

    def step(self, key: Any, state: State, action: Any, patient: Person) -> Step:
        """The next state, drawn."""
        stream = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, patient.id), NEXT), state.step)
        below = jnp.asarray(self.below)[state.index, action]
        u = jax.random.uniform(stream) * below[-1]
        which = jnp.minimum(jnp.searchsorted(below, u, side="right"), below.shape[0] - 1)
        index = jnp.asarray(self.following)[state.index, action, which].astype(jnp.int32)
        if self.pays is not None:
            reward = jnp.asarray(self.pays)[index]
        else:
            reward = jnp.asarray(self.rewards)[state.index, action, which]
        costs = jnp.stack([(index == h).astype(jnp.float32) for h in self.harms]) if self.harms else jnp.zeros(0)
        after = State(index, state.step + 1)
        over = jnp.asarray(self.tables.terminal)[index]
        cut = (after.step >= self.spec.max_steps) & jnp.logical_not(over)
        return Step(after, self._seen(index), reward, reward[None], costs, over, cut, self._mask(index))

    def _seen(self, index: Any) -> Any:
        return index.astype(jnp.float32)[None]

    def _mask(self, index: Any) -> Any:
        return jnp.asarray(self.tables.admissible)[index]
