"""A whole course by selection and mutation, for a table of doses.

    parents: the best `elite` courses so far;   child: a parent with one stretch drawn anew, taken from another
    parent at the same decisions, or moved in time;   stretches from one decision to all, evenly in their logarithm

A (μ + λ) evolution strategy on sequences (Schwefel 1995, Evolution and Optimum Seeking): nothing is forgotten that was
better. For horizons so long that no gradient finds its way, such as the interruption of HIV therapy.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners.learner import at_least, in_unit_interval, policy_of
from posology.learners.planning import open_loop
from posology.learners.planning.open_loop import State


@dataclass(frozen=True)
class EvolvedCourse:
    """Hyper-parameters: `patients` whose mean return counts, `children` of each generation, `elite` that stays."""

    id: ClassVar[str] = "evolved-course"

    patients: int = 1
    children: int = 256
    elite: int = 32
    discount: float = 0.99

    def __post_init__(self) -> None:
        at_least(self, patients=1, children=1, elite=1)
        in_unit_interval(self, "discount")
        if self.children < self.elite:
            raise ValueError(f"children is {self.children}; it must be at least elite, {self.elite}")

    form = open_loop.form
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """Courses of one row each, so that the first generation holds every steady therapy."""
        rows = jnp.arange(self.elite, dtype=jnp.int32) % len(env.spec.actions)
        courses = jnp.broadcast_to(rows[:, None], (self.elite, env.spec.max_steps))
        zero = jnp.int32(0)
        return State(courses, jnp.full(self.elite, -jnp.inf), (), key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One generation."""
        key = jax.random.fold_in(state.key, state.updates)
        rows = len(env.spec.actions)
        born = jax.vmap(lambda k: self._child(k, state.courses, rows))(jax.random.split(key, self.children))
        # the first generation also tries its parents
        courses = jnp.where(state.updates == 0, state.courses[jnp.arange(self.children) % self.elite], born)
        worth, taken = open_loop.tried(env, patients, self.patients, courses, self.discount)
        best, values = open_loop.ranked(state, courses, worth, self.elite)
        changed = jnp.mean((best[0] != state.courses[0]).astype(jnp.float32))
        told = {"return": values[0], "elite": jnp.mean(values), "changed": changed}
        return State(best, values, (), state.key, state.updates + 1, state.decisions + taken), told

    def parameters(self, state: State) -> dict[str, Any]:
        """The best course."""
        return {"doses": state.courses[0].astype(jnp.float32)}

    def _child(self, key: Any, parents: Any, rows: int) -> Any:
        steps = parents.shape[1]
        who, other, size, place, row, move, how = jax.random.split(key, 7)
        parent, second = (parents[jax.random.randint(k, (), 0, self.elite)] for k in (who, other))
        length = jnp.exp(jax.random.uniform(size) * jnp.log(float(steps))).astype(jnp.int32)
        start = jax.random.randint(place, (), 1 - length, steps)
        at = jnp.arange(steps)
        inside = (at >= start) & (at < start + length)
        shift = jax.random.randint(move, (), -3, 4)
        kinds = jnp.stack([
            jnp.full(steps, jax.random.randint(row, (), 0, rows), jnp.int32),
            jax.random.randint(row, (steps,), 0, rows, jnp.int32),
            second,
            parent[jnp.clip(at + shift, 0, steps - 1)],
        ])  # fmt: skip
        return jnp.where(inside, kinds[jax.random.categorical(how, jnp.log(jnp.array([0.4, 0.1, 0.25, 0.25])))], parent)
