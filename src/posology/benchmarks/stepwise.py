"""Models in steps when speed is measured: their patients under the usual inputs, compiled, and by a plain loop in Python.

The loop runs the same transition in float64 without chance, which is also what the compiled course's errors are told against.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from posology.benchmarks.cohort import Cohort, population_of
from posology.patients import maps, population
from posology.patients.catalogue import MAPS
from posology.patients.maps import MapModel

STEPS = 120  # of a course


@dataclass(frozen=True)
class MapProblem:
    """A model in steps, over so many of them."""

    model_id: str
    steps: int = STEPS

    @property
    def model(self) -> MapModel:
        """The model that is followed."""
        return MAPS[self.model_id]

    @property
    def days(self) -> float:
        """Length of a course, no number where that of a generation is not known."""
        return self.steps * self.model.days


def usual(p: MapProblem) -> dict[str, np.ndarray]:
    """The usual inputs `[steps]` by name."""
    given = [p.model.usual(k) for k in range(p.steps)]
    return {name: np.array([u.get(name, 0.0) for u in given]) for name in p.model.inputs}


def draw(p: MapProblem, key: Any, n: int) -> Cohort:
    """`n` patients, each with its share of the usual inputs: the whole; patient i depends on (key, i) alone."""
    patients = population.draw(p.model, population_of(p.model), key, n)
    return Cohort(patients.own, np.ones(n, np.float32))


def course(p: MapProblem, states: bool = True) -> Callable[[Cohort], Any]:
    """A compiled `cohort -> states [n, steps]`, or, without `states`, the lowest key reading and the last state."""
    import jax

    given, key = {k: v.astype(np.float32) for k, v in usual(p).items()}, next(iter(p.model.reading_units))

    def one(patient: Cohort) -> Any:
        inputs = {name: patient.amount * v for name, v in given.items()}
        found = maps.follow(p.model, patient.own, p.model.baseline(patient.own), inputs)
        found = jax.tree.map(lambda v: v[1:], found)
        if states:
            return found
        read = jax.vmap(lambda x: p.model.readings(x, patient.own)[key])(found)
        return read.min(), jax.tree.map(lambda v: v[-1], found)

    return jax.jit(jax.vmap(one))


def computed(p: MapProblem, patients: Cohort) -> np.ndarray:
    """The compiled states `[n, 1, steps, s]`, as shipped."""
    return np.stack([np.asarray(v, np.float64) for v in course(p)(patients)], axis=-1)[:, None]


def by_loop(p: MapProblem, patients: Cohort) -> tuple[np.ndarray, float]:
    """States `[n, 1, steps, s]` by plain Python, patient after patient, and courses per second of one core."""
    given = usual(p)
    inputs = [{name: float(v[k]) for name, v in given.items()} for k in range(p.steps)]
    owns = [type(patients.own)(*(float(v[i]) for v in patients.own)) for i in range(len(patients.amount))]
    model, core = p.model, time.process_time()
    found = [maps.plain(model, own, model.baseline(own), inputs)[1:] for own in owns]
    return np.array(found, float)[:, None], len(owns) / (time.process_time() - core)
