"""Laboratory toxicity grades of CTCAE v5.0, as data.

A value on a boundary belongs to the milder grade; where several conditions hold, the highest grade counts. The limits of normal
come with the laboratory. Where they are not given an adult default is used and the answer says so. A test that grades by
multiples of the value before treatment, when that was abnormal, takes `before`.

Common Terminology Criteria for Adverse Events v5.0, US National Cancer Institute 2017; lab criteria as in the pharmaverse's
admiral. The defaults of the limits are from knowledge, unverified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

NEVER = None


@dataclass(frozen=True)
class Scale:
    """A laboratory test: from which value on each grade 1 to 4 holds, `NEVER` where the grade is a clinical one.

    `falls`: low values are bad. The first step is then the lower limit of normal. With `times_normal` the steps are multiples of
    the upper limit of normal; with `times_before` those of the value before treatment (alone where that was above normal and
    `instead`). `normal` is the default limit for women and men.
    """

    unit: str
    steps: tuple[float | None, ...]
    normal: tuple[float, float]
    falls: bool = False
    times_normal: bool = False
    times_before: tuple[float | None, ...] = ()
    instead: bool = False


def enzyme(normal: tuple[float, float], steps: tuple[float, ...], first_before: float) -> Scale:
    """A liver enzyme: multiples of the upper limit of normal, or, after an abnormal value, of that, from `first_before` on."""
    return Scale("U/L", steps, normal, times_normal=True, times_before=(first_before, *steps[1:]), instead=True)


class Grade(NamedTuple):
    """The grade, 0 for none, and the limit of normal that was assumed because none was given."""

    grade: int
    assumed: float | None


SCALES: dict[str, Scale] = {
    "anc": Scale("10*9/L", (NEVER, 1.5, 1.0, 0.5), (2.0, 2.0), falls=True),
    "platelets": Scale("10*9/L", (NEVER, 75.0, 50.0, 25.0), (150.0, 150.0), falls=True),
    "leukocytes": Scale("10*9/L", (NEVER, 3.0, 2.0, 1.0), (4.0, 4.0), falls=True),
    "lymphocytes": Scale("10*9/L", (NEVER, 0.8, 0.5, 0.2), (1.0, 1.0), falls=True),
    "haemoglobin": Scale("g/L", (NEVER, 100.0, 80.0, NEVER), (120.0, 130.0), falls=True),
    "creatinine": Scale(
        "umol/L", (1.0, 1.5, 3.0, 6.0), (90.0, 110.0), times_normal=True, times_before=(NEVER, 1.5, 3.0, NEVER)
    ),
    "bilirubin": Scale(
        "umol/L", (1.0, 1.5, 3.0, 10.0), (21.0, 21.0), times_normal=True, times_before=(1.0, 1.5, 3.0, 10.0), instead=True
    ),
    "alt": enzyme((35.0, 45.0), (1.0, 3.0, 5.0, 20.0), 1.5),
    "ast": enzyme((35.0, 45.0), (1.0, 3.0, 5.0, 20.0), 1.5),
    "alp": enzyme((120.0, 120.0), (1.0, 2.5, 5.0, 20.0), 2.0),
    "ggt": enzyme((40.0, 60.0), (1.0, 2.5, 5.0, 20.0), 2.0),
    "potassium-high": Scale("mmol/L", (NEVER, 5.5, 6.0, 7.0), (5.1, 5.1)),
    "potassium-low": Scale("mmol/L", (NEVER, NEVER, 3.0, 2.5), (3.5, 3.5), falls=True),
    "magnesium-low": Scale("mmol/L", (NEVER, 0.5, 0.4, 0.3), (0.7, 0.7), falls=True),
    "inr": Scale("1", (1.2, 1.5, 2.5, NEVER), (1.2, 1.2)),
    "glucose-low": Scale("mmol/L", (NEVER, 3.0, 2.2, 1.7), (3.9, 3.9), falls=True),
}


def grade(test: str, value: float, *, normal: float | None = None, before: float | None = None, male: bool = False) -> Grade:
    """The grade of a laboratory value in the unit of its scale.

    Args:
        normal: the laboratory's lower limit of normal where low values are bad, else its upper one.
        before: the value before treatment, for tests that are graded by it.

    Raises:
        ValueError: for a test that is not graded, or a value that is no amount.
    """
    if test not in SCALES:
        raise ValueError(f"unknown laboratory test '{test}'; known: {', '.join(SCALES)}")
    if not value >= 0:
        raise ValueError(f"{test}: {value} is not allowed; it must be at least 0 {SCALES[test].unit}")
    s = SCALES[test]
    limit = s.normal[male] if normal is None else normal
    steps = tuple(None if x is None else x * (limit if s.times_normal else 1.0) for x in s.steps)
    if steps[0] is NEVER:
        steps = (limit, *steps[1:])
    found = reached(value, steps, s.falls)
    if before and s.times_before and (before > limit or not s.instead):
        by_before = reached(value, tuple(None if x is None else x * before for x in s.times_before), s.falls)
        found = by_before if s.instead else max(found, by_before)
    return Grade(found, limit if normal is None and uses_normal(s) else None)


def uses_normal(s: Scale) -> bool:
    """Whether the limit of normal matters for a grade of this scale."""
    return s.times_normal or s.steps[0] is NEVER


def reached(value: float, steps: tuple[float | None, ...], falls: bool) -> int:
    """The highest grade whose step the value has passed."""
    passed = [k for k, step in enumerate(steps, 1) if step is not None and (value < step if falls else value > step)]
    return max(passed, default=0)


def bounds(test: str) -> tuple[float, ...]:
    """Where the grades 1 to 4 of a test begin, with the default limit of normal of women.

    Raises:
        ValueError: for a test with a grade that no value decides.
    """
    s = SCALES[test]
    steps = (s.normal[0] if s.steps[0] is NEVER else s.steps[0], *s.steps[1:])
    if None in steps:
        raise ValueError(f"{test}: not every grade is decided by a value")
    return tuple(float(x) for x in steps if x is not None)
