"""Adaptive fractionation of radiotherapy: how much of the dose on a day on which the organ at risk lies far, or near?

Five fractions to a tumour BED10 of 72 Gy. Before each the day's sparing factor s is seen, the organ's share of the dose,
N(mean, sd) between 0 and 1.7, independent from day to day. A fraction of d Gy costs the organ s·d·(1 + s·d/3); the return is
minus the sum. The last fraction gives what is left.

The exact programme is backward induction (`environments/fractionation.py`). With s = 1 every day nothing can be gained: equal
fractions are the optimum, and a policy that beats them has found a fault.

After the public code adaptfx (Pérez Haas); goal and overshoot are constraints here, where adaptfx has penalties (a design
choice). Spread 0.1 about 0.8, and 0.25 about 0.9, are round settings, no measured anatomy.

Not for: planning anybody's radiotherapy.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from posology.environments.fractionation import Course
from posology.environments.problem import Problem
from posology.environments.spec import Feature, Spec

FRACTIONS, GOAL, MOST = 5, 72.0, 20.0
NARROW, WIDE, CONTROL = (Course(FRACTIONS, GOAL, mean, sd) for mean, sd in ((0.8, 0.1), (0.9, 0.25), (1.0, 0.0)))

SPEC = Spec(
    id="adaptive-fractionation-wide-v1",
    observation=(Feature("fractions left", "1"), Feature("rest of the goal", "1"), Feature("sparing factor", "1")),
    actions=(),
    terms=("organ",),
    weights=(1.0,),
    max_steps=FRACTIONS,
    horizon_days=float(FRACTIONS),
    low=0.0,
    high=MOST,
    action_unit="Gy",
    differentiable=True,
)


def environment(spec: Spec, course: Course, shared: Path | None = None) -> Any:
    """The course as an environment."""
    from posology.environments.fractionation import FractionationEnvironment

    return FractionationEnvironment(spec, course)


def problem(name: str, title: str, course: Course, programme: float) -> Problem:
    """One problem; `programme` is the return of the exact one."""
    spec = replace(SPEC, id=f"adaptive-fractionation-{name}-v1")
    return Problem(
        id=spec.id,
        title=title,
        question="Which share of the dose is given on a day on which the organ at risk lies so near?",
        spec=spec,
        make=partial(environment, spec, course),
        source="public code adaptfx (Pérez Haas); posed with constraints instead of penalties",
        not_for="planning anybody's radiotherapy",
        credibility="C",
        known={"equal fractions": round(-course.uniform(), 2), "exact programme": programme},
    )


PROBLEM = problem("wide", "Adaptive fractionation, an organ that moves much", WIDE, -91.70)
NARROWLY = problem("narrow", "Adaptive fractionation, an organ that moves little", NARROW, -91.65)
NOTHING = problem("control", "Adaptive fractionation where nothing can be gained", CONTROL, -146.67)
