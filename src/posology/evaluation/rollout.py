"""Plays an arm on patients: the same patients and the same noise whoever chooses the dose."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import Arm

POLICY = 9  # stream of a policy's own random numbers
CHUNK = 2500  # patients per compiled call: bounds memory whatever the size of a trial


class Played(NamedTuple):
    """One arm, NumPy arrays: `[N, T]` per decision (`terms`, `costs` one more axis), `by_day[N, T, D]`.

    `lowest` is NaN where no dose was given; `alive` says whether the decision took place.
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


def player(env: TreatmentEnvironment, arm: Arm) -> Callable[[Any, Any], Any]:
    """The compiled function (key, patients) → arrays, for a chunk of patients."""

    def one(key: Any, patient: Any) -> Played:
        state, observation, mask = env.reset(key, patient)

        def decide(carry: Any, t: Any) -> Any:
            state, observation, mask, memory, alive = carry
            mine = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, patient.id), POLICY), t)
            chosen, memory = arm.choose(env, mine, state, observation, mask, patient, memory)
            after, course = env.play(key, state, chosen, patient)
            step = env.outcome(after, course)
            i = course.interval
            lowest = jnp.where((i.given > 0) & alive, i.lowest, jnp.nan)
            played = Played(
                lowest, i.dose, (i.given > 0) & alive, step.reward * alive, step.terms * alive, step.costs * alive,
                state.day, course.by_day, alive,
            )  # fmt: skip
            alive_next = alive & ~(step.terminated | step.truncated)
            return (after, step.observation, step.mask, memory, alive_next), played

        start = (state, observation, mask, arm.memory(), jnp.ones((), bool))
        return jax.lax.scan(decide, start, jnp.arange(env.spec.max_steps))[1]

    return jax.jit(jax.vmap(one, in_axes=(None, 0)))


def in_chunks(run: Callable[[Any, Any], Any], patients: Any, key: Any, progress: Callable[[int], None]) -> Any:
    """`run(key, patients)` of a `player` for all patients, chunk by chunk, as NumPy arrays."""
    n, parts = len(patients.id), []
    size = min(CHUNK, n)
    for start in range(0, n, size):
        rows = np.minimum(np.arange(start, start + size), n - 1)  # the last chunk repeats the last patient
        out = run(key, jax.tree.map(lambda v, rows=rows: v[rows], patients))
        kept = min(size, n - start)
        parts.append(jax.tree.map(lambda v, kept=kept: np.asarray(v)[:kept], out))
        progress(min(n, start + size))
    return jax.tree.map(lambda *column: np.concatenate(column), *parts)


def play(
    env: TreatmentEnvironment, arm: Arm, patients: Any, key: Any, progress: Callable[[int], None] = _silent
) -> Played:
    """Plays `arm` on all patients, chunk by chunk; calls `progress` with the number done."""
    played: Played = in_chunks(player(env, arm), patients, key, progress)
    return played
