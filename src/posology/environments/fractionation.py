"""Radiotherapy that adapts to the anatomy of the day, and the exact programme for it.

Before each of `fractions` the day's sparing factor s is seen: the share of the tumour's dose that the organ at risk will get,
drawn anew each day. A dose d then adds d·(1 + d/10) to the tumour's biologically effective dose and costs the organ
s·d·(1 + s·d/3). The last fraction gives exactly what is left to the goal; no fraction gives more than that.

    V_k(B, s) = min_d [ s·d·(1 + s·d/3) + E_s' V_{k+1}(B + d·(1 + d/10), s') ],   d = 5·(√(1 + 4·rest/10) − 1) in the last
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from posology.environments.spec import Spec, Step
from posology.patients.radiobiology import NasopharynxTumour, Tissue, bed
from posology.quantities import numbers_of

TUMOUR, ORGAN = (numbers_of(t)["alpha_beta"].value for t in (NasopharynxTumour, Tissue))  # Gy
LOW, HIGH, WIDTH = 0.0, 1.7, 0.01  # of the sparing factor
SPARING = 1  # stream of random numbers


def effect(d: Any, alpha_beta: float) -> Any:
    """Biologically effective dose of a fraction of d Gy."""
    return bed(1, d, alpha_beta)


def dose_for(rest: Any) -> Any:
    """The dose (Gy) whose effect on the tumour is `rest`; works for numpy and JAX arrays."""
    return TUMOUR / 2 * ((1 + 4 * rest / TUMOUR) ** 0.5 - 1)


@dataclass(frozen=True)
class Course:
    """How many fractions, the goal (tumour BED, Gy) and how the sparing factor is distributed, N(mean, sd) on a grid."""

    fractions: int
    goal: float
    mean: float
    sd: float

    @cached_property
    def sparing(self) -> tuple[np.ndarray, np.ndarray]:
        """Values of the sparing factor and their probabilities."""
        values = np.round(np.arange(LOW, HIGH + WIDTH / 2, WIDTH), 2)
        if self.sd == 0:
            return np.array([self.mean]), np.ones(1)
        weight = np.exp(-(((values - self.mean) / self.sd) ** 2) / 2)
        return values, weight / weight.sum()

    def uniform(self) -> float:
        """Expected effect on the organ of equal fractions."""
        values, chance = self.sparing
        return float(self.fractions * chance @ effect(values * dose_for(self.goal / self.fractions), ORGAN))


class Programme(NamedTuple):
    """The exact policy on grids: `value` is the expected effect on the organ from the start; `dose[k][i, j]` (Gy) is that of
    fraction k at a tumour effect `reached[i]` and the sparing factor `sparing[j]`."""

    value: float
    dose: list[np.ndarray]
    reached: np.ndarray
    sparing: np.ndarray


def programme(course: Course, step: float = 1.0, width: float = 0.1, highest: float = 20.0) -> Programme:
    """Backward induction; `step` of the tumour's effect and `width` of the dose are the grids, linear in between."""
    values, chance = course.sparing
    reached = np.linspace(0.0, course.goal, round(course.goal / step) + 1)
    doses = np.round(np.arange(0.0, highest + width / 2, width), 9)
    last = np.broadcast_to(dose_for(course.goal - reached)[:, None], (len(reached), len(values)))
    costs = effect(values * last, ORGAN)
    expected, chosen = costs @ chance, [last]
    for _ in range(course.fractions - 1):
        after = reached[:, None] + effect(doses, TUMOUR)  # [B, d]
        ahead = np.where(after <= course.goal + 1e-9, np.interp(after, reached, expected), math.inf)
        total = effect(values[:, None] * doses, ORGAN)[None] + ahead[:, None]  # [B, s, d]
        best = total.argmin(axis=2)
        chosen.insert(0, doses[best])
        expected = np.take_along_axis(total, best[..., None], 2)[..., 0] @ chance
    return Programme(float(expected[0]), chosen, reached, values)


class Person(NamedTuple):
    """A patient is a number: what differs is the days."""

    id: Any


class State(NamedTuple):
    """Fractions given, the tumour's effect so far, and the sparing factor of the day."""

    step: Any
    reached: Any
    sparing: Any


class FractionationEnvironment:
    """The functional environment of a course."""

    def __init__(self, spec: Spec, course: Course) -> None:
        self.spec, self.course = spec, course
        self.fingerprint = hashlib.sha256(repr([spec, course, TUMOUR, ORGAN, LOW, HIGH, WIDTH]).encode()).hexdigest()[:16]
        values, chance = course.sparing
        self.values, self.below = values.astype(np.float32), np.cumsum(chance).astype(np.float32)

    def draw(self, key: Any, n: int) -> Person:
        """`n` patients."""
        import jax.numpy as jnp

        return Person(jnp.arange(n, dtype=jnp.int32))

    def reset(self, key: Any, patient: Person) -> tuple[State, Any, Any]:
        """The first day."""
        import jax.numpy as jnp

        state = State(jnp.int32(0), jnp.float32(0.0), self.seen(key, patient, 0))
        return state, self.observe(state), jnp.ones(1, bool)

    def seen(self, key: Any, patient: Person, day: Any) -> Any:
        """The sparing factor of a day."""
        import jax
        import jax.numpy as jnp

        own = jax.random.fold_in(jax.random.fold_in(jax.random.fold_in(key, patient.id), SPARING), day)
        at = jnp.searchsorted(jnp.asarray(self.below), jax.random.uniform(own))
        return jnp.asarray(self.values)[jnp.minimum(at, len(self.values) - 1)]

    def observe(self, state: State) -> Any:
        """What is left of fractions and of the goal, and the sparing factor."""
        import jax.numpy as jnp

        c = self.course
        return jnp.stack([1 - state.step / c.fractions, 1 - state.reached / c.goal, state.sparing])

    def given(self, action: Any, state: State) -> Any:
        """The dose that an action amounts to: no more than the goal asks for, and all of that in the last fraction."""
        import jax.numpy as jnp

        left = dose_for(jnp.maximum(self.course.goal - state.reached, 0.0))
        wanted = jnp.clip(jnp.asarray(action, jnp.float32), self.spec.low, self.spec.high)
        return jnp.where(state.step >= self.course.fractions - 1, left, jnp.minimum(wanted, left))

    def step(self, key: Any, state: State, action: Any, patient: Person) -> Step:
        """One fraction."""
        import jax.numpy as jnp

        d = self.given(action, state)
        terms = jnp.stack([-effect(state.sparing * d, ORGAN)])
        day = state.step + 1
        after = State(day, state.reached + effect(d, TUMOUR), self.seen(key, patient, day))
        reward = jnp.asarray(self.spec.weights, jnp.float32) @ terms
        over, never = day >= self.course.fractions, jnp.zeros((), bool)
        return Step(after, self.observe(after), reward, terms, jnp.zeros(0), never, over, jnp.ones(1, bool))
