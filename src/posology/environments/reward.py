"""Reward and cost terms: named functions of what one decision interval brought, logged one by one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from posology.quantities import log, maximum, where

# Nadir grades of absolute neutrophils (10^9/L); a value on the boundary belongs to the milder grade.
# CTCAE v5.0 with a lower limit of normal of 2.0.
GRADE_0_FROM = 2.0
GRADE_4_BELOW = 0.5


class Interval(NamedTuple):
    """What happened between one decision and the next, for one patient.

    `dose` in the action table's unit, `given` 1 when a dose was given; `lowest` and `end` of the
    key reading; `days` until the next visit.
    """

    dose: Any
    given: Any
    lowest: Any
    end: Any
    days: Any


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


def grade0(i: Interval) -> Any:
    """A dose whose neutrophils never left grade 0: taken as a sign of too little effect."""
    return i.given * one(i.lowest >= GRADE_0_FROM)


def grade4(i: Interval) -> Any:
    """A dose followed by grade 4 neutropenia; a count that is no number is the worst, not a grade."""
    return i.given * where(i.lowest >= GRADE_4_BELOW, 0.0, 1.0)


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
