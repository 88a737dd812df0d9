"""Plays an arm on patients: the same patients and the same noise whoever chooses the dose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.evaluation.arms import Arm

Lot = Callable[[int], Any]
Explore = Callable[[Lot, Chosen, Any], tuple[Chosen, Any]]

POLICY = 9  # stream of a policy's own random numbers
CHUNK = 2500  # patients per compiled call: bounds memory whatever the size of a trial
FEW = 250  # patients per call where no more are left of a trial of more than a chunk


class Played(NamedTuple):
    """One arm, NumPy arrays: `[N, T]` per decision (`terms`, `costs` one more axis), `by_day[N, T, D]`.

    `lowest` is NaN where no dose was given; `alive` says whether the decision took place; `day` is
    infinite where a course was over long before.
    """

    lowest: Any
    dose: Any
    given: Any
    reward: Any
    terms: Any
    costs: Any
    day: Any
    by_day: Any
    alive: Any


def _silent(done: int) -> None:
    """Nobody watches."""


class Visit(NamedTuple):
    """One decision of one patient and what followed; `how` is what `explore` says of the choice."""

    patient: Any
    state: Any
    observation: Any
    chosen: Chosen
    how: Any
    course: Any
    step: Any
    alive: Any


def _as_chosen(lot: Lot, chosen: Chosen, mask: Any) -> tuple[Chosen, Any]:
    """The arm's dose."""
    return chosen, ()


class Visits(NamedTuple):
    """How patients are played a few visits at a time.

    `play(key, patient, course, first)` of one patient gives the course after `steps` more visits and what
    was kept of each, `[steps, …]`; at `first` 0 it begins, whatever the course; `blank` has its shapes.
    """

    play: Callable[[Any, Any, Any, Any], tuple[Any, Any]]
    blank: Callable[[Any, Any], Any]
    steps: int
    most: int


def visits(env: TreatmentEnvironment, arm: Arm, keep: Callable[[Visit], Any], explore: Explore = _as_chosen) -> Visits:
    """Plays `arm`, keeping what `keep` makes of every visit.

    `explore(lot, chosen, mask) -> (chosen, how)` may give another dose; `lot(stream)` is its random key.
    """

    def begin(key: Any, patient: Any) -> Any:
        return (*env.reset(key, patient), arm.memory(), jnp.ones((), bool))

    def play(key: Any, patient: Any, course: Any, first: Any) -> Any:
        own = jax.random.fold_in(key, patient.id)

        def decide(carry: Any, t: Any) -> Any:
            state, observation, mask, memory, alive = carry
            lot = lambda stream: jax.random.fold_in(jax.random.fold_in(own, stream), t)  # noqa: E731
            chosen, memory = arm.choose(env, lot(POLICY), state, observation, mask, patient, memory)
            chosen, how = explore(lot, chosen, mask)
            after, course = env.play(key, state, chosen, patient)
            step = env.outcome(after, course)
            kept = keep(Visit(patient, state, observation, chosen, how, course, step, alive))
            alive = alive & ~(step.terminated | step.truncated)
            return (after, step.observation, step.mask, arm.hears(memory, step), alive), kept

        course = jax.lax.cond(first == 0, lambda: begin(key, patient), lambda: course)
        return jax.lax.scan(decide, course, first + jnp.arange(steps))

    most = env.spec.max_steps
    steps = min(env.treatment.doses, most)  # with no delay a course is over by then
    return Visits(play, begin, steps, most)


def _played(v: Visit) -> Played:
    i = v.course.interval
    given = (i.given > 0) & v.alive
    return Played(
        i.lowest, i.dose, given, v.step.reward * v.alive, v.step.terms * v.alive,
        v.step.costs * v.alive, v.state.day, v.course.by_day, v.alive,
    )  # fmt: skip


def in_chunks(v: Visits, patients: Any, key: Any, progress: Callable[[int], None]) -> Any:
    """What is kept of all patients, chunk by chunk, as NumPy arrays `[N, T, …]`.

    Patients whose course is over are not played on: their later rows are 0. `progress` hears how many
    courses are over.
    """
    n = len(patients.id)
    run = jax.jit(jax.vmap(v.play, in_axes=(None, 0, 0, None)))
    blank = jax.eval_shape(jax.vmap(v.blank, in_axes=(None, 0)), key, patients)
    courses = jax.tree.map(lambda like: np.zeros(like.shape, like.dtype), blank)
    alive = courses[-1]
    whole, left, size = None, np.arange(n), min(CHUNK, n)
    for first in range(0, v.most, v.steps):
        size = FEW if n > CHUNK and len(left) <= FEW else size
        for at in range(0, len(left), size):
            rows = left[at : at + size]
            padded = np.pad(rows, (0, size - len(rows)), mode="edge")  # one compilation for all chunks of a size
            mine = jax.tree.map(lambda a, r=padded: a[r], (patients, courses))
            after, kept = run(key, *mine, jnp.int32(first))
            whole = _room(kept, n, v) if whole is None else whole
            _put(courses, rows, after)
            _put(jax.tree.map(lambda a, t=first: a[:, t : t + v.steps], whole), rows, kept)
            begun = n if first else at + len(rows)
            progress(begun - int(alive.sum()))
        left = left[alive[left]]
    return jax.tree.map(lambda a: a[:, : v.most], whole)


def _room(kept: Any, n: int, v: Visits) -> Any:
    """Room for all visits of all patients."""
    most = -(-v.most // v.steps) * v.steps
    return jax.tree.map(lambda a: np.zeros((n, most, *a.shape[2:]), a.dtype), kept)


def _put(whole: Any, rows: np.ndarray, part: Any) -> None:
    """Write a chunk into the rows of all patients, in place."""
    for everybody, some in zip(jax.tree.leaves(whole), jax.tree.leaves(part), strict=True):
        everybody[rows] = np.asarray(some)[: len(rows)]


def play(
    env: TreatmentEnvironment, arm: Arm, patients: Any, key: Any, progress: Callable[[int], None] = _silent
) -> Played:
    """Plays `arm` on all patients, chunk by chunk; calls `progress` with the number done."""
    played: Played = in_chunks(visits(env, arm, _played), patients, key, progress)
    unseen = (played.day == 0) & (np.arange(played.day.shape[1]) > 0)
    return played._replace(
        lowest=np.where(played.given, played.lowest, np.nan), day=np.where(unseen, np.inf, played.day)
    )
