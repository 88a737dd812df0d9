"""What is simulated when speed and accuracy are measured: cohorts under the doses that a model is known for.

Patients vary in their random effects (one draw of the variability between occasions included) and
covariates; of a model without spread they are one patient, many times. A course is the same dosing period
again and again, with the doses of each patient.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from posology.environments.catalogue import TREATMENTS
from posology.patients import dosing, integrate, population
from posology.patients.catalogue import model as model_of
from posology.patients.dosing import Schedule
from posology.patients.maps import MapModel
from posology.patients.model import Covariate, Grid, PatientModel
from posology.patients.population import Bernoulli, Distribution, LogNormal

SPREAD = 0.1  # of the logarithm of a made-up covariate: small, so that it makes no patient whom the model was not built for
CYCLE = (6.0, 24.0, 72.0, 168.0, 240.0, 336.0, 504.0)  # h


@dataclass(frozen=True)
class Problem:
    """A model's cohort and doses: every `period`, `repeats` times, over `duration` each, in the model's time unit.

    `dose(key, covariates, k)` is dose k in mg, or in the entry's unit where that takes no mg; states are compared `times`
    after each dose.
    """

    model_id: str
    period: float
    repeats: int
    duration: float
    times: tuple[float, ...]
    dose: Callable[[Any, Mapping[str, Any], Any], Any]

    @property
    def model(self) -> PatientModel:
        """The model that is simulated."""
        return model_of(self.model_id)

    @property
    def days(self) -> float:
        """Length of a course."""
        return self.period * self.repeats * self.model.hours / 24

    @property
    def steps(self) -> int:
        """Of the engine, in a course."""
        return len(ends_of(self)) * self.repeats


class Cohort(NamedTuple):
    """Patients of a problem: individual parameters `[n]` each and doses `[n, repeats]` in the entry's unit."""

    own: Any
    amount: Any


def per_area(amount: float) -> Callable[[Any, Mapping[str, Any], Any], Any]:
    """The same dose in mg/m2 each time."""
    return lambda key, covariates, k: amount * covariates["bsa"]


def _drawn(key: Any, covariates: Mapping[str, Any], k: Any) -> Any:
    import jax

    return 150.0 * jax.random.randint(jax.random.fold_in(key, k), (), 0, 3)


def _phenobarbital(key: Any, covariates: Mapping[str, Any], k: Any) -> Any:
    return covariates["weight"] * (20.0 * (k == 0) + 2.5 * (k > 0))


PROBLEMS: dict[str, Problem] = {
    p.model_id: p
    for p in (
        Problem("benchmark-oral-friberg", 24.0, 21, 0.0, (2.0, 24.0), _drawn),
        Problem("paclitaxel-henrich2017", 504.0, 2, 3.0, (3.0, *CYCLE), per_area(200)),
        Problem("phenobarbital-grasela1985", 12.0, 14, 0.0, (6.0, 12.0), _phenobarbital),
    )
}  # whose doses differ from their model's regimen


def plain(c: Covariate) -> Distribution:
    """What a covariate is drawn from where nobody says who is treated: made up, one of two or `SPREAD` about its default."""
    if (c.unit, c.low, c.high) == ("1", 0, 1):
        return Bernoulli(0.5)
    return LogNormal(float(c.default or 0.0), SPREAD, c.low, c.high)


def population_of(model: PatientModel | MapModel) -> Mapping[str, Distribution]:
    """Those of the first treatment of this model, or plain ones where it has none."""
    treated = [t.population for t in TREATMENTS.values() if t.model.id == model.id]
    return treated[0] if treated else {c.name: plain(c) for c in model.covariates if c.default is not None}


SHARES = (0.02, 0.1, 0.3, 1.0)  # of the time between two doses: where states are compared


def problem(model_id: str) -> Problem:
    """The problem of that model: one defined here, or its own regimen in patients with its random effects."""
    if model_id in PROBLEMS:
        return PROBLEMS[model_id]
    r = model_of(model_id).regimen
    times = sorted({r.duration, *(share * r.every for share in SHARES)} - {0.0})
    dose = lambda key, covariates, k: r.amount * (covariates[r.per] if r.per else 1.0)  # noqa: E731
    return Problem(model_id, r.every, r.times, r.duration, tuple(times), dose)


def draw(p: Problem, key: Any, n: int) -> Cohort:
    """`n` patients and their doses; patient i depends on (key, i) alone."""
    import jax
    import jax.numpy as jnp

    scale = p.model.entries[p.model.entry].scale

    def finish(patient: Any) -> Cohort:
        mine = jax.random.fold_in(jax.random.fold_in(key, patient.id), 2000)
        z = jax.random.normal(mine, (max(1, len(patient.occasion_sd)),))
        effects = {name: sd * z[i] for i, (name, sd) in enumerate(patient.occasion_sd.items())}
        amount = jax.vmap(lambda k: jnp.float32(p.dose(mine, patient.covariates, k)))(jnp.arange(p.repeats))
        return Cohort(population.apply_effects(patient.own, effects), amount * jnp.float32(scale))

    return jax.jit(jax.vmap(finish))(population.draw(p.model, population_of(p.model), key, n))


def ends_of(p: Problem, grid: Grid | None = None) -> np.ndarray:
    """Ends of the engine's steps within a period."""
    return dosing.step_ends(grid or p.model.grid, [(0.0, p.duration)], p.times, p.period)


def course(p: Problem, grid: Grid | None = None, states: bool = True) -> Callable[[Cohort], Any]:
    """A compiled `cohort -> states [n, repeats, times]` (a model's `State`), or, without `states`, what a
    treatment asks for: the key reading at the same times, its lowest value per period, and the last state."""
    import jax

    ends = ends_of(p, grid)
    nodes = np.array([int(np.argmin(np.abs(ends - t))) for t in p.times])
    rate, bolus = (v[:, 0] for v in dosing.fractions(ends, [(0.0, p.duration)]))
    length, key = np.diff(ends, prepend=0.0), next(iter(p.model.reading_units))

    def one(patient: Cohort) -> Any:
        own, amount = patient
        like = amount[0] * 0
        steps = [v + like for v in (length, rate, bolus)]
        prepared = integrate.prepare(p.model, own, steps[0])

        def again(x: Any, dose: Any) -> tuple[Any, Any]:
            schedule = Schedule(steps[0], steps[1] * dose, steps[2] * dose)
            trace = integrate.advance(p.model, own, x, schedule, key, states, prepared)
            if states:
                return trace.state, jax.tree.map(lambda v: v[nodes], trace.states)
            return trace.state, (trace.readings[key][nodes], trace.lowest)

        start = jax.tree.map(lambda v: v + like, p.model.baseline(own))
        last, found = jax.lax.scan(again, start, amount)
        return found if states else (*found, last)

    return jax.jit(jax.vmap(one))
