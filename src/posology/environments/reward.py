"""Reward and cost terms: named functions of what one decision interval brought, logged one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from posology.quantities import log, maximum, minimum, where
from posology.safety import ctcae

# Nadir grades of absolute neutrophils (10^9/L); a value on the boundary belongs to the milder grade.
GRADE_0_FROM, GRADE_2_BELOW, _, GRADE_4_BELOW = ctcae.bounds("anc")

SURROGATE = 0.2  # of ln reading: width of the logistic whose derivative stands for that of a threshold

NAN = float("nan")


@dataclass(frozen=True)
class Window:
    """Therapeutic window of the key reading: wanted from `low` to `high`, harmful above `harm`."""

    low: float
    high: float
    harm: float


class Interval(NamedTuple):
    """What happened between one decision and the next, for one patient.

    `dose` in the action table's unit, `given` 1 when a dose was given; `lowest` and `end` of the
    key reading; `days` until the next visit. `total` is the sum of all doses of the interval and `mean`
    the average of the key reading over it; `below`, `within`, `above` and `harmful` are days that the
    reading spent there, for a treatment with a therapeutic window. `before` and `after` hold every reading of the model
    at the start and at the end, by name; `along` what the treatment reads from the whole course (`Treatment.along`).
    """

    dose: Any
    given: Any
    lowest: Any
    end: Any
    days: Any
    total: Any = NAN
    mean: Any = NAN
    below: Any = NAN
    within: Any = NAN
    above: Any = NAN
    harmful: Any = NAN
    before: Mapping[str, Any] = {}
    after: Mapping[str, Any] = {}
    along: Mapping[str, Any] = {}


@dataclass(frozen=True)
class Term:
    """A named function of an `Interval`, with its default weight in the reward."""

    name: str
    weight: float
    of: Callable[[Interval], Any]
    meaning: str


@dataclass(frozen=True)
class Cost:
    """A harm that is counted, never rewarded; `at_most` bounds its expected sum over an episode."""

    name: str
    of: Callable[[Interval], Any]
    at_most: float
    meaning: str


def one(condition: Any) -> Any:
    """1 where the condition holds, else 0."""
    return where(condition, 1.0, 0.0)


def reached(reading: Any, threshold: float) -> Any:
    """1 where a positive reading is at least `threshold`, else 0, also for what is no number.

    The value is exact. Its derivative, which is 0 but at the threshold and would teach nothing there, is that of
    σ((ln reading − ln threshold)/`SURROGATE`), a surrogate as for spiking neurons (Neftci 2019, arXiv:1901.09948).
    """
    exact = one(reading >= threshold)
    if isinstance(reading, (float, int)):
        return exact
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def step(x: Any) -> Any:
        return jnp.where(x >= threshold, jnp.ones_like(x), jnp.zeros_like(x))

    @step.defjvp
    def _(primal: Any, tangent: Any) -> Any:
        x = maximum(primal[0], 1e-6)
        share = jax.nn.sigmoid(log(x / threshold) / SURROGATE)
        return step(primal[0]), share * (1 - share) / (SURROGATE * x) * tangent[0]

    return step(jnp.asarray(reading))


def grade0(i: Interval) -> Any:
    """A dose whose neutrophils never left grade 0: taken as a sign of too little effect."""
    return i.given * reached(i.lowest, GRADE_0_FROM)


def grade4(i: Interval) -> Any:
    """A dose followed by grade 4 neutropenia; a count that is no number is the worst, not a grade."""
    return i.given * (1.0 - reached(i.lowest, GRADE_4_BELOW))


def ln_nadir_distance(target: float) -> Callable[[Interval], Any]:
    """|ln nadir − ln target| after a dose."""

    def distance(i: Interval) -> Any:
        d = log(maximum(i.lowest, 1e-3)) - log(target)
        return i.given * where(d > 0, d, -d)

    return distance


def dose_intensity(reference: float) -> Callable[[Interval], Any]:
    """Dose as a share of the reference dose."""

    def share(i: Interval) -> Any:
        return i.dose / reference

    return share


def time_between(start: Any, end: Any, low: float, high: float) -> Any:
    """Share of a step in [low, high] of a reading that goes straight from `start` to `end`."""
    top, bottom = maximum(start, end), minimum(start, end)
    inside = minimum(top, high) - maximum(bottom, low)
    flat = top - bottom <= 1e-6 * top
    share = where(inside > 0, inside, 0.0) / where(flat, 1.0, top - bottom)
    return where(flat, one((start >= low) & (start <= high)), share)


def days_below(i: Interval) -> Any:
    """Days below the therapeutic window."""
    return i.below


def days_in_range(i: Interval) -> Any:
    """Days within the therapeutic window."""
    return i.within


def days_above(i: Interval) -> Any:
    """Days above the therapeutic window."""
    return i.above


def days_harmful(i: Interval) -> Any:
    """Days above the bound from which a level harms."""
    return i.harmful


def daily_dose(i: Interval) -> Any:
    """All doses of the interval per day."""
    return i.total / i.days


def ln_mean_distance(target: float) -> Callable[[Interval], Any]:
    """|ln of the average reading − ln target|."""

    def distance(i: Interval) -> Any:
        d = log(maximum(i.mean, 1e-3)) - log(target)
        return where(d > 0, d, -d)

    return distance


def nadir_distance(target: float) -> Callable[[Interval], Any]:
    """|lowest reading − target|."""

    def distance(i: Interval) -> Any:
        d = i.lowest - target
        return where(d > 0, d, -d)

    return distance
