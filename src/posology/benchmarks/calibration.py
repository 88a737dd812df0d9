"""Is a 90 % band a 90 % band? Simulation-based calibration of the next measured value.

Each data set: covariates and parameters are drawn from the population the model describes, doses are
given by a usual schedule, values measured with residual error. A random number of them, none to all
but the last, is known; the belief of the method in use predicts the next one as it would be measured.
Over many data sets the share inside the 90 % band is 0.9 where the belief is right.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import binomtest

from posology.environments.catalogue import TREATMENTS
from posology.patients import particles, posterior
from posology.patients.course import Frame, Increment
from posology.patients.likelihood import log_likelihood, observed_each
from posology.patients.model import PatientModel
from posology.patients.population import draw
from posology.patients.prior import Prior, Typical

BAND = (0.05, 0.95)
PREDICTIONS = 500  # draws of the Laplace approximation behind one band
CHUNK = 100
PATIENTS, TRUTH, KNOWN, NOISE, DRAWN = range(5)


@dataclass(frozen=True)
class Design:
    """Doses at `every` hours, `amount` mg per `per` (a covariate) over `duration` h, the first one
    `loading` instead where given, and a reading measured at `times` after each dose named in `at`."""

    treatment: str
    reading: str
    amount: float
    per: str
    duration: float
    every: float
    doses: int
    times: tuple[float, ...]
    at: tuple[int, ...]
    loading: float = 0.0
    covariates: Mapping[str, Any] = field(default_factory=dict)


WEEKLY = {"reading": "anc", "per": "bsa", "every": 504.0, "doses": 3, "times": (168.0, 336.0, 504.0), "at": (0, 1, 2)}
DESIGNS: dict[str, Design] = {
    "paclitaxel-henrich2017": Design("paclitaxel-cycles-v1", amount=175, duration=3.0, **WEEKLY),  # type: ignore[arg-type]
    "docetaxel-kloft2006": Design("docetaxel-cycles-v1", amount=75, duration=1.0, **WEEKLY),  # type: ignore[arg-type]
    "nab-paclitaxel-chen2014": Design("nab-paclitaxel-cycles-v1", amount=260, duration=0.5, **WEEKLY),  # type: ignore[arg-type]
    "phenobarbital-grasela1985": Design(
        "phenobarbital-maintenance-v1", "concentration", 2.5, "weight", 0.0, 12.0, 16, (11.0,), (0, 3, 7, 11, 15), 20.0
    ),
}


def stretches(model: PatientModel, design: Design) -> tuple[Increment, Frame]:
    """The design for a patient of size 1: doses in mg per unit of size, values of no meaning."""
    t, m = design.doses, len(design.times)
    dose = np.full((t, 1), design.amount)
    dose[0] = design.loading or design.amount
    present = np.isin(np.arange(t), design.at)[:, None] & np.ones((t, m), bool)
    reading = np.full((t, m), list(model.reading_units).index(design.reading), np.int32)
    real = partial(np.full, dtype=np.float32)
    past = Increment(
        real((t, 1), 0.0), dose.astype(np.float32), real((t, 1), design.duration), real(t, design.every),
        np.tile(np.array(design.times, np.float32), (t, 1)), reading, real((t, m), 1.0), np.zeros((t, m), bool), present,
    )  # fmt: skip
    return past, Frame(design.every, design.duration)


def calibration(model_id: str, data_sets: int = 1000, method: str = "map", count: int = 256, seed: int = 1) -> dict[str, Any]:
    """Coverage of 90 % bands of the next measured value, with its own exact 95 % interval.

    Args:
        model_id: one of `DESIGNS`.
        method: "map" (with Laplace intervals) or "particles" (`count` of them).
    """
    design = DESIGNS[model_id]
    treatment = TREATMENTS[design.treatment]
    model, root = treatment.model, jax.random.key(seed)
    past, frame = stretches(model, design)
    prior = Prior(model, tuple(m for m in treatment.measured if model.covariate(m).sets))
    cohort = draw(model, treatment.population, jax.random.fold_in(root, PATIENTS), data_sets, treatment.measured)
    wanted = {c.name: cohort.covariates[c.name] for c in model.covariates if c.name in cohort.covariates}
    if design.per not in wanted:
        wanted[design.per] = cohort.covariates[design.per]
    one = jax.jit(jax.vmap(partial(_inside, prior, frame, design, past, method, count)))
    keys = jax.random.split(jax.random.fold_in(root, TRUTH), data_sets)
    cut = range(0, data_sets, CHUNK)
    inside = np.concatenate([np.asarray(one(*jax.tree.map(lambda v, i=i: v[i : i + CHUNK], (keys, wanted)))) for i in cut])
    interval = binomtest(int(inside.sum()), data_sets).proportion_ci()
    found = {"model": model_id, "method": method, "coverage": float(inside.mean()), "lower": interval.low, "upper": interval.high}
    return {**found, "data_sets": data_sets, "particles": count if method == "particles" else None, "seed": seed}


def _inside(
    prior: Prior, frame: Frame, design: Design, past: Increment, method: str, count: int, key: Any, covariates: Any
) -> Any:
    """One data set: whether the next measured value lies in its band."""
    model = prior.model
    typical = prior.typical({c.name: covariates[c.name] for c in model.covariates if c.name in covariates})
    past = past._replace(dose=past.dose * covariates[design.per])
    z = jax.random.normal(jax.random.fold_in(key, TRUTH), (posterior.size(prior, design.doses),))
    truth = posterior.replay(prior, frame, typical, z, past)[1]
    value = observed_each(model, past.reading, truth, jax.random.normal(jax.random.fold_in(key, NOISE), (3, *truth.shape)))
    order = jnp.cumsum(past.present.ravel()).reshape(past.present.shape) - 1  # of each measurement
    target = jax.random.randint(jax.random.fold_in(key, KNOWN), (), 0, int(past.present.sum()))
    told = past._replace(value=value, present=past.present & (order < target))
    here = past.present & (order == target)
    drawn, log_weight = PREDICT[method](prior, frame, typical, past, told, here, jax.random.fold_in(key, DRAWN), count)
    noise = jax.random.normal(jax.random.fold_in(key, DRAWN + 1), (3, *drawn.shape))
    reading = jnp.full(drawn.shape, past.reading[0, 0])
    low, high = particles.quantiles(observed_each(model, reading, drawn, noise), log_weight, BAND)
    truly = jnp.sum(jnp.where(here, value, 0.0))
    return (truly >= low) & (truly <= high)


def _by_map(
    prior: Prior, frame: Frame, typical: Typical, past: Increment, told: Increment, here: Any, key: Any, count: int
) -> tuple[Any, Any]:
    z = posterior.draws(posterior.fit(prior, frame, typical, told), key, PREDICTIONS)
    expected = jax.vmap(lambda one: posterior.replay(prior, frame, typical, one, past)[1])(z)
    return jnp.sum(jnp.where(here, expected, 0.0), axis=(1, 2)), jnp.full(PREDICTIONS, -np.log(PREDICTIONS))


def _by_particles(
    prior: Prior, frame: Frame, typical: Typical, past: Increment, told: Increment, here: Any, key: Any, count: int
) -> tuple[Any, Any]:
    def stretch(belief: particles.Belief, step: tuple[Increment, Increment]) -> Any:
        known, whole = step
        expected = particles.ahead(prior, frame, typical, belief, whole).predicted
        weight = jax.vmap(lambda predicted: log_likelihood(prior.model, predicted, known))(expected)
        log_weight = jax.nn.log_softmax(belief.log_weight + weight)
        return particles.assimilate(prior, frame, typical, belief, known), (expected, log_weight)

    _, (expected, log_weight) = jax.lax.scan(stretch, particles.start(prior, typical, count), (told, past))
    drawn = jnp.sum(jnp.where(here[:, None, :], expected, 0.0), axis=(0, 2))
    return drawn, jnp.sum(jnp.where(here.any(axis=1)[:, None], log_weight, 0.0), axis=0)


PREDICT = {"map": _by_map, "particles": _by_particles}
