"""Fatigue under sunitinib, day by day: a chain of the grades 0 to 3 that follows the fall of sVEGFR-3.

    r = (b_svegfr3 − svegfr3)/b_svegfr3                                      at the end of the day, by `sunitinib-hansson2013`
    logit P(≥g | before) = logit_g(before) − slope(before)·r + tendency(before)                                  g = 1, 2, 3

Each grade of the day before has logits, a slope and a tendency of its own; the slopes are below 0, so that a fall brings more
fatigue. There is one transition a day, from grade 0 at the start. A day's dose acts as in `sunitinib-hansson2013`, whose equation
for sVEGFR-3 is used with its solution for a constant exposure, so that days need no smaller steps. The course holds the
probabilities of the grades, which is exact; a patient's own grades are drawn from them. `never_0` to `never_2` are those of the
grades without any grade 3 so far. The four tendencies differ between patients (normal, variances 1.12, 1.57, 1.68 and 0.708).

Hansson EK et al. CPT Pharmacometrics Syst Pharmacol 2013;2:e85, 303 patients with stromal tumours; numbers read in the authors'
final estimates (DDMODEL00000222), where the second and third logit are printed as differences from the one before. Grade 3 there
means 3 or more.

Not for: other causes of fatigue; grade 4 apart from 3; drugs that change the clearance (CYP3A4); renal carcinoma.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from posology.patients.maps import MapModel
from posology.patients.models import sunitinib_hansson2013 as biomarkers
from posology.quantities import exp, named, numbers_of, part, published, table, together

HANSSON = "Hansson 2013 (DDMODEL00000222)"
GRADES = range(4)
SHARED = ("cl", "b_svegfr3", "mrt_svegfr3", "slowness", "ic50_svegfr3", "h_svegfr3", "day")  # with the model of the biomarkers


@table
class Fatigue:
    logit_0_1: float = published(-5.85, "1", "logit of grade 1 or more after grade 0, without drug", at=HANSSON)
    logit_0_2: float = published(-6.99, "1", "the same of grade 2 or more", at=HANSSON)
    logit_0_3: float = published(-8.59, "1", "the same of grade 3", at=HANSSON)
    logit_1_1: float = published(2.63, "1", "logit of grade 1 or more after grade 1, without drug", at=HANSSON)
    logit_1_2: float = published(-8.07, "1", "the same of grade 2 or more", at=HANSSON)
    logit_1_3: float = published(-9.84, "1", "the same of grade 3", at=HANSSON)
    logit_2_1: float = published(2.86, "1", "logit of grade 1 or more after grade 2, without drug", at=HANSSON)
    logit_2_2: float = published(2.433, "1", "the same of grade 2 or more", at=HANSSON)
    logit_2_3: float = published(-9.167, "1", "the same of grade 3", at=HANSSON)
    logit_3_1: float = published(3.06, "1", "logit of grade 1 or more after grade 3, without drug", at=HANSSON)
    logit_3_2: float = published(2.9697, "1", "the same of grade 2 or more", at=HANSSON)
    logit_3_3: float = published(2.3337, "1", "the same of grade 3", at=HANSSON)
    slope_0: float = published(-1.93, "1", "change of the logits with the relative change of sVEGFR-3, after grade 0", at=HANSSON)
    slope_1: float = published(-4.62, "1", "the same after grade 1", at=HANSSON)
    slope_2: float = published(-4.64, "1", "the same after grade 2", at=HANSSON)
    slope_3: float = published(-3.32, "1", "the same after grade 3", at=HANSSON)
    tendency_0: float = published(0.0, "1", "the patient's own shift of the logits after grade 0: normal", at=HANSSON)
    tendency_1: float = published(0.0, "1", "the same after grade 1", at=HANSSON)
    tendency_2: float = published(0.0, "1", "the same after grade 2", at=HANSSON)
    tendency_3: float = published(0.0, "1", "the same after grade 3", at=HANSSON)
    variance_0: float = published(1.12, "1", "variance of tendency_0 between patients", at=HANSSON)
    variance_1: float = published(1.57, "1", "variance of tendency_1 between patients", at=HANSSON)
    variance_2: float = published(1.68, "1", "variance of tendency_2 between patients", at=HANSSON)
    variance_3: float = published(0.708, "1", "variance of tendency_3 between patients", at=HANSSON)


Params = together(Fatigue, part(biomarkers.Params, without=tuple(set(numbers_of(biomarkers.Params)) - set(SHARED))))


@table
class State:
    svegfr3: float = named("pg/mL", "soluble VEGF receptor 3 in plasma")
    grade_0: float = named("1", "probability of grade 0")
    grade_1: float = named("1", "probability of grade 1")
    grade_2: float = named("1", "probability of grade 2")
    grade_3: float = named("1", "probability of grade 3 or more")
    never_0: float = named("1", "probability of grade 0, and never grade 3 so far")
    never_1: float = named("1", "probability of grade 1, and never grade 3 so far")
    never_2: float = named("1", "probability of grade 2, and never grade 3 so far")


def baseline(p: Any) -> Any:
    none = 0 * p.logit_0_1
    return State(p.b_svegfr3, none + 1.0, none, none, none, none + 1.0, none, none)


def chances(fall: Any, p: Any, tendencies: Sequence[Any]) -> list[list[Any]]:
    """Probabilities of the grades 0 to 3 on a day, after each grade of the day before; `fall` is r."""
    rows = []
    for before, tendency in zip(GRADES, tendencies, strict=True):
        shift = tendency - getattr(p, f"slope_{before}") * fall
        at_least = [1 / (1 + exp(-getattr(p, f"logit_{before}_{g}") - shift)) for g in GRADES[1:]]
        rows.append([1 - at_least[0], at_least[0] - at_least[1], at_least[1] - at_least[2], at_least[2]])
    return rows


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    rest = biomarkers.resting_svegfr3(given["sunitinib"] / p.cl, p)
    svegfr3 = rest + (x.svegfr3 - rest) * exp(-p.day / (p.mrt_svegfr3 * p.slowness))
    tendencies = [getattr(p, f"tendency_{before}") for before in GRADES]
    rows = chances(biomarkers.fall_of_svegfr3(svegfr3, p), p, tendencies)
    grades = [sum(was * row[g] for was, row in zip(x[1:5], rows, strict=True)) for g in GRADES]
    never = [sum(was * row[g] for was, row in zip(x[5:], rows[:3], strict=True)) for g in GRADES[:3]]
    return State(svegfr3, *grades, *never)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"grade_3": x.grade_3, "ever_grade_3": 1 - (x.never_0 + x.never_1 + x.never_2), "svegfr3": x.svegfr3}


MODEL = MapModel(
    id="sunitinib-fatigue-hansson2013",
    title="Sunitinib, fatigue by days",
    Params=Params,
    State=State,
    baseline=baseline,
    transition=transition,
    readings=readings,
    reading_units={"grade_3": "1", "ever_grade_3": "1", "svegfr3": "pg/mL"},
    inputs={"sunitinib": "mg/d"},
    step=1.0,
    time_unit="d",
    usual=lambda k: {"sunitinib": 50.0 * (k % 42 < 28)},
    credibility="A",
    source="Hansson EK et al. CPT Pharmacometrics Syst Pharmacol 2013;2:e85",
    not_for="other causes of fatigue; grade 4 apart from 3; drugs that change the clearance (CYP3A4); renal carcinoma",
)
