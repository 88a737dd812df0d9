"""Stromal tumours under sunitinib, with fatigue: the chain of `sunitinib-fatigue-hansson2013` in hours.

The published chain takes one step a day by a matrix T of the fall of sVEGFR-3; `sunitinib-hansson2013` runs in hours. Here the
probabilities of the grades, a row P, follow the matrix's logarithm, so that a day of constant T is the published step:

    dP/dt = P·ln T/day,   ln T ≈ D − D²/2 + D³/3,   D = T − I
    dtired/dt = P(grade 3)/day

Off the diagonal T is small in most patients; one who changes grade every other day does so a little slower here. `tired` is the
expected number of days with grade 3 or more so far. A patient's own four tendencies are factors of odds here, log-normal with
the published variances, which is the same. Nobody fitted tendencies together with proteins, counts and tumours: they are
independent here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from posology.patients.model import PatientModel
from posology.patients.models import sunitinib_fatigue_hansson2013 as fatigue
from posology.patients.models import sunitinib_hansson2013 as biomarkers
from posology.quantities import log, named, numbers_of, part, published, table, together

OWN = tuple(f"{kind}_{grade}" for kind in ("tendency", "variance") for grade in fatigue.GRADES)
SPREAD = [numbers_of(fatigue.Fatigue)[f"variance_{grade}"].value for grade in fatigue.GRADES]  # of the logit
DEFINED = f"{fatigue.HANSSON}: 1 by definition"


@table
class Odds:
    odds_0: float = published(1.0, "1", "the patient's own factor of the odds after grade 0", variance=SPREAD[0], at=DEFINED)
    odds_1: float = published(1.0, "1", "the same after grade 1", variance=SPREAD[1], at=DEFINED)
    odds_2: float = published(1.0, "1", "the same after grade 2", variance=SPREAD[2], at=DEFINED)
    odds_3: float = published(1.0, "1", "the same after grade 3", variance=SPREAD[3], at=DEFINED)


@table
class Grades:
    grade_0: float = named("1", "probability of grade 0")
    grade_1: float = named("1", "probability of grade 1")
    grade_2: float = named("1", "probability of grade 2")
    grade_3: float = named("1", "probability of grade 3 or more")
    tired: float = named("d", "expected days with grade 3 or more so far")


CHAIN = part(fatigue.Fatigue, OWN)
Params = together(biomarkers.Params, CHAIN, Odds)
State = together(biomarkers.State, Grades)
ODDS = tuple(numbers_of(Odds))


def baseline(p: Any) -> Any:
    none = 0 * p.logit_0_1
    return State(*biomarkers.baseline(p), none + 1.0, none, none, none, none)


def change(grades: Sequence[Any], rows: Sequence[Sequence[Any]]) -> list[Any]:
    """P·ln T per day."""
    moved = lambda v: [sum(was * row[g] for was, row in zip(v, rows, strict=True)) - v[g] for g in fatigue.GRADES]  # noqa: E731
    once = moved(grades)
    twice = moved(once)
    return [a - b / 2 + c / 3 for a, b, c in zip(once, twice, moved(twice), strict=True)]


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    rows = fatigue.chances(biomarkers.fall_of_svegfr3(x.svegfr3, p), p, [log(getattr(p, name)) for name in ODDS])
    daily = change((x.grade_0, x.grade_1, x.grade_2, x.grade_3), rows)
    return State(*biomarkers.rates(t, x, p, infusion), *(v / p.day for v in daily), x.grade_3 / p.day)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {**biomarkers.readings(x, p), "tired": x.tired}


MODEL: PatientModel = replace(
    biomarkers.MODEL,
    id="sunitinib-with-fatigue",
    title="Sunitinib in gastrointestinal stromal tumour: biomarkers, neutrophils, tumour size and fatigue",
    Params=Params,
    Individual=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={**biomarkers.MODEL.reading_units, "tired": "d"},
    source=f"{biomarkers.MODEL.source}; fatigue: {fatigue.MODEL.source}",
    drug="sunitinib",
)
