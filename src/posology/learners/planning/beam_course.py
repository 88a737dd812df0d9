"""A whole course by beam search through the patient, for a table of doses.

    W courses so far, each worth R = Σ γ^t·r_t;  all of their next rows a are tried;
    the W best by R + γ^t·max_b Σ_{k<L} γ^k·r(row b held for L decisions) go on, one from each cell of the observations

Beam search (Lowerre 1976, The Harpy speech recognition system) with a look ahead, and with cells in place of a
larger beam: courses that bring the patient to nearly the same state have the same future, so that only the best of them
need go on. For one patient whose fate is known; for horizons so long that selection among whole courses stands still.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.learners.learner import at_least, in_unit_interval, policy_of
from posology.learners.planning import open_loop
from posology.learners.planning.open_loop import State
from posology.learners.rollout import of_patients, step_discount

NEVER = -jnp.inf


class Beam(NamedTuple):
    """Courses so far: patient's state, mask, R, γ^t, and whether the course goes on."""

    state: Any
    mask: Any
    worth: Any
    weight: Any
    alive: Any


@dataclass(frozen=True)
class BeamCourse:
    """Hyper-parameters: `width` W, decisions looked `ahead` L, size of a `cell` in standard deviations of the observations in the
    beam. Every update is a search of its own, with cells that begin elsewhere; the best course of all stays."""

    id: ClassVar[str] = "beam-course"

    width: int = 500
    ahead: int = 10
    cell: float = 0.15
    discount: float = 0.99

    def __post_init__(self) -> None:
        at_least(self, width=1, ahead=0, cell=1e-6)
        in_unit_interval(self, "discount")

    form = open_loop.form
    policy = policy_of

    def init(self, key: Any, env: Environment) -> State:
        """No course yet."""
        zero = jnp.int32(0)
        return State(jnp.zeros((1, env.spec.max_steps), jnp.int32), jnp.full(1, NEVER), (), key, zero, zero)

    def update(self, state: State, env: Environment, patients: Any) -> tuple[State, dict[str, Any]]:
        """One search through the first patient of the pool."""
        key = jax.random.fold_in(state.key, state.updates)
        course, worth = search(self, key, env, of_patients(patients, jnp.int32(0)))
        best, values = open_loop.ranked(state, course[None], worth[None], 1)
        rows = len(env.spec.actions)
        taken = jnp.int32(env.spec.max_steps * self.width * rows * (1 + rows * self.ahead))
        told = {"return": values[0], "found": worth}
        return State(best, values, (), state.key, state.updates + 1, state.decisions + taken), told

    def parameters(self, state: State) -> dict[str, Any]:
        """The best course."""
        return {"doses": state.courses[0].astype(jnp.float32)}


def search(learner: BeamCourse, key: Any, env: Environment, patient: Any) -> tuple[Any, Any]:
    """The best course found `[T]`, and its worth."""
    noise, width = jax.random.split(jax.random.key(0), 1)[0], learner.width  # as in `open_loop.tried`
    state, _, mask = env.reset(noise, patient)
    spread = lambda x: jnp.broadcast_to(x, (width, *jnp.shape(x)))  # noqa: E731
    worth = jnp.where(jnp.arange(width) == 0, 0.0, NEVER)
    first = Beam(jax.tree.map(spread, state), spread(mask), worth, jnp.ones(width), jnp.ones(width, bool))
    shift = jax.random.uniform(key, (env.spec.max_steps, env.spec.size))
    one = lambda beam, offset: advance(learner, env, noise, patient, beam, offset)  # noqa: E731
    beam, (parents, rows) = jax.lax.scan(one, first, shift)
    end = jnp.argmax(beam.worth)

    def back(at: Any, step: Any) -> tuple[Any, Any]:
        parent, row = step
        return parent[at], row[at]

    return jax.lax.scan(back, end, (parents, rows), reverse=True)[1], beam.worth[end]


def advance(learner: BeamCourse, env: Environment, noise: Any, patient: Any, beam: Beam, offset: Any) -> tuple[Beam, Any]:
    """The beam one decision later, and for each course in it its parent and its row."""
    rows = jnp.arange(len(env.spec.actions), dtype=jnp.int32)
    after, seen, held = jax.vmap(lambda b: jax.vmap(lambda row: tried(learner, env, noise, patient, b, row))(rows))(beam)
    after, seen, held = jax.tree.map(lambda x: x.reshape(-1, *x.shape[2:]), (after, seen, held))
    score = jnp.where(jnp.isfinite(after.worth + held), after.worth + held, NEVER)
    chosen = jnp.argsort(-jnp.where(best_of_cells(seen, score, offset, learner.cell), score, NEVER))[: learner.width]
    return jax.tree.map(lambda x: x[chosen], after), (chosen // len(rows), chosen.astype(jnp.int32) % len(rows))


def tried(learner: BeamCourse, env: Environment, noise: Any, patient: Any, b: Beam, row: Any) -> tuple[Beam, Any, Any]:
    """A course with one row more, what is seen then, and what a row held from there on would bring at best."""
    step = env.step(noise, b.state, row, patient)
    # a course that is over goes on once, for nothing; a row that may not be given does not
    may = jnp.where(b.alive, b.mask[row], row == 0)
    worth = jnp.where(may, b.worth + jnp.where(b.alive, b.weight * step.reward, 0.0), NEVER)
    alive = b.alive & ~(step.terminated | step.truncated)
    weight = b.weight * step_discount(step, env.spec.discount, learner.discount)
    after = Beam(step.state, step.mask, worth, weight, alive)
    hold = lambda r: held(learner, env, noise, patient, after, r)  # noqa: E731
    each = jax.vmap(hold)(jnp.arange(len(env.spec.actions), dtype=jnp.int32)) if learner.ahead else jnp.zeros(1)
    return after, jnp.asarray(step.observation, jnp.float32), jnp.max(each)


def held(learner: BeamCourse, env: Environment, noise: Any, patient: Any, b: Beam, row: Any) -> Any:
    """What one row brings that is given again and again, or the first that may be given."""

    def one(b: Beam, _: Any) -> tuple[Beam, None]:
        given = jnp.where(b.mask[row], row, jnp.argmax(b.mask).astype(jnp.int32))
        step = env.step(noise, b.state, given, patient)
        worth = b.worth + jnp.where(b.alive, b.weight * step.reward, 0.0)
        weight = b.weight * step_discount(step, env.spec.discount, learner.discount)
        return Beam(step.state, step.mask, worth, weight, b.alive & ~(step.terminated | step.truncated)), None

    start = b._replace(worth=jnp.zeros_like(b.worth))
    return jax.lax.scan(one, start, None, length=learner.ahead)[0].worth


def best_of_cells(seen: Any, score: Any, offset: Any, size: float) -> Any:
    """Whether a course is the best of those whose observations `[n, k]` lie in the same cell."""
    there = jnp.isfinite(score)[:, None]
    count = jnp.maximum(jnp.sum(there), 1)
    mean = jnp.sum(jnp.where(there, seen, 0.0), axis=0) / count
    sd = jnp.sqrt(jnp.sum(jnp.where(there, (seen - mean) ** 2, 0.0), axis=0) / count) + 1e-6
    cell = jnp.floor(jnp.clip((seen - mean) / (size * sd) + offset, -1e6, 1e6)).astype(jnp.int32)
    order = jnp.lexsort((-score, *cell.T))
    same = jnp.all(cell[order][1:] == cell[order][:-1], axis=1)
    return jnp.zeros(len(score), bool).at[order].set(jnp.concatenate([jnp.array([True]), ~same]))
