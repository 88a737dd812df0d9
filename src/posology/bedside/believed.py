"""What a record says of one patient: the posterior over parameters and state at the time asked.

The past is cut into stretches, one per dose (`patients/past.py`), which the particles of
`patients/particles.py` take one after the other: the same code that follows a simulated patient. The
draws of the posterior are the weighted particles.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY
from posology.environments.belief import Believer
from posology.environments.records import BEFORE, Known
from posology.environments.treatment import Treatment
from posology.patients import particles, past
from posology.patients.course import Frame, Increment
from posology.patients.particles import Belief
from posology.patients.population import Patient
from posology.patients.prior import Prior, Typical


class Course(NamedTuple):
    """How draws came to a belief, JAX arrays: readings along each stretch `[T, K, readings, G]` of the draws as they were then,
    and which of them each draw after the stretch goes on, `[T, K]`."""

    readings: Any
    ancestors: Any


class Believed(NamedTuple):
    """The posterior of one patient: how it was computed, the covariates it rests on (the model's
    reference values included), the centre of the prior, the draws, and how they came there."""

    believer: Believer
    covariates: dict[str, float]
    typical: Typical
    belief: Belief
    course: Course

    @property
    def patient(self) -> Patient:
        """The patient as an environment knows one; what is hidden is typical for the covariates."""
        return subject(self.believer, self.covariates)


class Engine(NamedTuple):
    """A believer with its compiled replay of a past, `replay(covariates, past, frame)`."""

    believer: Believer
    replay: Any


@lru_cache(maxsize=64)
def engine(treatment: Treatment, draws: int, measured: tuple[str, ...]) -> Engine:
    """Compiled once for a treatment and a number of draws; `measured` are the covariates that are known to
    give a parameter."""
    b = Believer(treatment, draws)
    b.prior = Prior(treatment.model, measured)

    def replay(covariates: Mapping[str, Any], stretches: Increment, frame: Frame) -> tuple[Typical, Belief, Course]:
        who = subject(b, covariates)
        typical, stretches = b.typical(who), jax.tree.map(jnp.asarray, stretches)
        along, readings = fractions(len(stretches.span)), len(treatment.model.reading_units)
        empty = jnp.zeros((len(stretches.span), draws, readings, len(along))), jnp.zeros((len(stretches.span), draws), jnp.int32)

        def stretch(t: Any, carry: Any) -> Any:
            belief, course = carry
            i = jax.tree.map(lambda v: v[t], stretches)
            belief, *here = particles.with_course(b.prior, frame, typical, belief, i, along * i.span)
            return belief, jax.tree.map(lambda all_, v: all_.at[t].set(v), course, Course(*here))

        belief, course = jax.lax.fori_loop(0, past.count(stretches), stretch, (b.start(who), Course(*empty)))
        return typical, belief, course

    return Engine(b, jax.jit(replay, static_argnums=2))


def subject(b: Believer, covariates: Mapping[str, Any]) -> Patient:
    """A patient of these covariates with typical parameters."""
    given = {name: jnp.asarray(v, jnp.float32) for name, v in covariates.items()}
    own = b.prior.typical({c.name: given[c.name] for c in b.prior.model.covariates if c.name in given}).own
    return Patient(jnp.int32(0), given, own, {})


def covariates_of(treatment: Treatment, known: Known) -> dict[str, float]:
    """Latest values of the covariates, the model's reference value where the record has none."""
    defaults = {c.name: c.default for c in treatment.model.covariates if c.default is not None}
    return {**defaults, **{name: v.value for name, v in known.latest.items()}}


def told_of(treatment: Treatment, known: Known) -> tuple[str, ...]:
    """Measured covariates that the record has."""
    return tuple(m for m in treatment.measured if m in known.latest and known.latest[m].value > 0)  # 0 is no parameter's value


def measured_of(treatment: Treatment, known: Known) -> tuple[str, ...]:
    """Those that give a parameter without error."""
    return tuple(m for m in told_of(treatment, known) if treatment.model.covariate(m).sets)


def believed(treatment: Treatment, known: Known, draws: int) -> Believed:
    """The posterior of a patient at the time of `known`, with `draws` draws."""
    covariates = covariates_of(treatment, known)
    e = engine(treatment, draws, measured_of(treatment, known))
    return Believed(e.believer, covariates, *e.replay(covariates, *what_happened(treatment, known)))


ALONG, ALL_ALONG = 24, 768  # points of a curve in each stretch, and in all stretches together


def fractions(stretches: int) -> np.ndarray:
    """Where in a stretch readings are kept, both its ends included, close after its dose and wider later; `stretches` counts
    padding too."""
    return (np.linspace(0, 1, int(np.clip(ALL_ALONG // stretches, 4, ALONG))) ** 2).astype(np.float32)


def what_happened(treatment: Treatment, known: Known) -> tuple[Increment, Frame]:
    """The past of a record as stretches, times in hours since the course began."""
    doses = [past.Dosed(d.time - known.begin, d.amount, d.duration) for d in known.doses]
    first = min((d.time for d in known.doses), default=np.inf)
    # a baseline that is known without error is not measured again by the count it was taken from
    counted = {m.removeprefix(BEFORE) for m in treatment.measured if m in known.latest}
    told = [m for m in known.measured if m.time is not None and (m.name not in counted or m.time > first)]
    # a value below its limit is shown to the policy as half of the limit; the likelihood takes the limit
    seen = [past.Measurement((m.time or 0.0) - known.begin, m.name, (1 + m.below) * m.value, m.below) for m in told]
    return past.stretches(treatment.model, doses, seen, known.now, room(treatment))


STRETCHES, MEASUREMENTS = (32, 128, 512), (32, 128, 512)  # sizes that records are padded to: few, few compilations


@lru_cache(maxsize=64)
def room(treatment: Treatment) -> past.Room:
    """Room for what records of a treatment usually hold: its longest wait with a delay after it, and its own infusions."""
    pause = max([0.0, *(a.wait for a in treatment.actions if a.delay)])
    longest = (max(a.wait for a in treatment.actions) + pause) * DAY
    return past.Room(STRETCHES, MEASUREMENTS, Frame(longest, max(a.duration for a in treatment.actions)))


def parameters(prior: Prior, typical: Typical, belief: Belief) -> Any:
    """Individual parameters of each draw on the coming occasion, one drawn for each."""
    kappa = particles.occasions(prior, len(belief.log_weight), belief.seen)
    return jax.vmap(lambda e, k: prior.individual(typical, e, k))(belief.effects, kappa)


class Departure(NamedTuple):
    """How a parameter differs from the typical patient of the same covariates: posterior median over
    typical value with its 90 % interval, and the share of the prior's variance of ln that is gone."""

    parameter: str
    meaning: str
    ratio: float
    lower: float
    upper: float
    narrowed: float


def departures(patient: Believed) -> list[Departure]:
    """Every uncertain parameter, the one the record says most about first."""
    prior = patient.believer.prior
    effects, weight = np.asarray(patient.belief.effects), np.exp(np.asarray(patient.belief.log_weight))
    before, bands = np.diag(prior.factor @ prior.factor.T), particles.columns(effects, weight, (0.05, 0.5, 0.95))
    rows = []
    for i, name in enumerate(prior.names):
        low, middle, high = np.exp(bands[:, i])
        variance = float(weight @ (effects[:, i] - weight @ effects[:, i]) ** 2)
        meaning = prior.model.own.numbers[name].meaning  # type: ignore[attr-defined]
        rows.append(Departure(name, meaning, float(middle), float(low), float(high), 1 - variance / float(before[i])))
    return sorted(rows, key=lambda row: -row.narrowed)
