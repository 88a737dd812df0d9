"""Names and ages that a user typed: matched without case, refused with the nearest ones first."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import NamedTuple

from posology.data.names import POSSIBLE
from posology.data.units import convert

NEAR = 0.6  # likeness from which another name is offered; that of difflib
NUMBER = re.compile(r"^\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\s*(.*?)\s*$")


class Group(NamedTuple):
    """An age group, from and below so many years."""

    id: str
    least: float
    below: float


DAYS, MONTHS = 1 / convert(1.0, "a", "d"), 1 / convert(1.0, "a", "mo")
# ICH E11(R1) 2017 for the young, ICH E7 1993 for 65 and older; ICH leaves the edges of completed years to the study.
GROUPS = (
    Group("neonate", 0.0, 28 * DAYS),
    Group("infant", 28 * DAYS, 24 * MONTHS),
    Group("child", 24 * MONTHS, 12.0),
    Group("adolescent", 12.0, 18.0),
    Group("adult", 18.0, 65.0),
    Group("older-adult", 65.0, math.inf),
)
GROUP_IDS = tuple(group.id for group in GROUPS)


def key(name: str) -> str:
    """The form in which names are compared: lower case, words joined by `-`."""
    return re.sub(r"[^0-9a-z]+", "-", name.casefold()).strip("-")


def one_of(name: str, allowed: Iterable[str], what: str) -> str:
    """The member of `allowed` that `name` means.

    Raises:
        ValueError: naming what is allowed, those that are spelled alike first.
    """
    known = {key(each): each for each in allowed}
    if key(name) in known:
        return known[key(name)]
    near = [known[k] for k in get_close_matches(key(name), known, cutoff=NEAR)]
    meant = f"; did you mean {' or '.join(near)}?" if near else ";"
    rest = ", ".join([*near, *(each for each in known.values() if each not in near)])
    raise ValueError(f"unknown {what} '{name}'{meant} allowed: {rest}")


def all_of(names: Iterable[str], allowed: Iterable[str], what: str) -> tuple[str, ...]:
    """Each name once, in the order given; see `one_of`."""
    known = list(allowed)
    return tuple(dict.fromkeys(one_of(name, known, what) for name in names))


def quantity(text: str) -> tuple[float, str]:
    """A number and the text of its unit; the unit may be empty.

    Raises:
        ValueError: when the text does not begin with a finite number.
    """
    found = NUMBER.match(text)
    if not found or not math.isfinite(float(found[1])):
        raise ValueError(f"'{text}' is not a number with a unit, such as 5 mg")
    return float(found[1]), found[2]


def within(text: str | float, name: str, unit: str) -> float:
    """An age or a weight in `unit`, which is also that of a bare number.

    Raises:
        ValueError: saying the value and what is possible.
    """
    limits = POSSIBLE[name]
    try:
        value, said = quantity(str(text))
        value = convert(value, said or unit, unit)
    except ValueError as why:
        example = "34 or '10 mo' or '20 d'" if name == "age" else "12.5 or '3200 g'"
        allowed = f"{limits.low:g} to {limits.high:g} {limits.unit}, as {example}"
        raise ValueError(f"{name} '{text}': {why}; allowed: {allowed}") from None
    if not limits.low <= value <= limits.high:
        raise ValueError(f"{name} '{text}' is not possible; allowed: {limits.low:g} to {limits.high:g} {limits.unit}")
    return value


def group_of(age: float) -> str:
    """The age group of an age in years."""
    return next(group.id for group in GROUPS if group.least <= age < group.below)
