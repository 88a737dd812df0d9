"""Which carboplatin dose gives an area under the curve of 5 mg·min/mL (83.3 mg·h/L) at each of six cycles?

Every 21 days the dose of an infusion of an hour is chosen: 200 to 900 mg, or none. Seen are the creatinine clearance, two
levels of free platinum one and five hours after the start of each infusion (error 19.7 %) and the doses so far. The return is
1 for a cycle with an area from 4 to 6, less by its distance from 5 outside, and −1 for a cycle above 7. Aim, ranges, weights,
sampling and the distribution of clearances are design choices; AUC 6 at a filtration of 125 mL/min, the most that labels
allow, bounds the dose.

The standard of care is Calvert's formula, mg = 5·(GFR + 25) with a GFR of at most 125 mL/min (`usual`); `standard` gives 600
mg to everybody. The comparator is dosing by the clearance that the levels tell (`map-greedy`).

Ekhart 2008, 240 patients with normal renal function, in whom the clearance of platinum was not related to renal function.
That it follows Calvert's formula here, the creatinine clearance standing for the GFR, is assumed: cl = 8.38·(crcl +
25)/139.7, Ekhart's clearance being that of a crcl of 114.7 mL/min. His spread between patients stays as it is around it. So
the formula is right on average by construction, and what is asked is what levels add to it. (Zandvliet 2008, of which parts
are known, has cl = 0.76·crcl + 1.5 L/h, under which the formula gives about a fifth too much.)

Left out: platelets and neutrophils, errors of creatinine, renal function that changes during the course, the second drug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from posology.data.history import Channel
from posology.environments.exposure import Wanted, days
from posology.environments.reward import Cost, Interval, Term, Window
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.model import Covariate, Grid
from posology.patients.models import carboplatin_ekhart2008
from posology.patients.population import Distribution, Normal
from posology.quantities import minimum
from posology.safety.drugs import limits_of
from posology.safety.rules import GFR_CAP, NON_RENAL

CYCLES, DAYS, INFUSION = 6, 21.0, 1.0  # d, h
LOW, AIM, HIGH, TOXIC = 4.0, 5.0, 6.0, 7.0  # mg·min/mL
LEVEL = 1000 / 60 / (24 * DAYS)  # mg/L: the average over a cycle at an area of 1 mg·min/mL
WINDOW = Window(LOW * LEVEL, HIGH * LEVEL, TOXIC * LEVEL)
OF_EKHART = 8.38 * 1000 / 60  # mL/min: his clearance of platinum, crcl + 25


def individual(p: Any, c: Mapping[str, Any]) -> Any:
    """The clearance follows Calvert's formula."""
    return p._replace(cl=p.cl * (c["crcl"] + NON_RENAL) / OF_EKHART)


MODEL = replace(
    carboplatin_ekhart2008.MODEL,
    id="carboplatin-by-renal-function",
    drug="carboplatin",
    individual=individual,
    covariates=(Covariate("crcl", "mL/min", 60, 150, "creatinine clearance", default=100, source="assumed: normal function"),),
    grid=Grid(first=0.25, growth=1.2, largest=24.0),  # states are exact at any step, areas by trapezoids are not
)


def usual(c: Mapping[str, Any]) -> Any:
    """Calvert's dose, mg; `safety.rules.calvert` is the same for one patient."""
    return AIM * (minimum(c["crcl"], GFR_CAP + 0 * c["crcl"]) + NON_RENAL)


def area(i: Interval) -> Any:
    """Area under the concentration of a cycle, mg·min/mL."""
    return i.mean / LEVEL


AREA = Wanted(area, AIM, HIGH)


def row(amount: float) -> Action:
    """An infusion of an hour, and three weeks until the next visit."""
    return Action(f"{amount:g} mg", amount, "mg", duration=INFUSION, wait=DAYS)


POPULATION: dict[str, Distribution] = {"crcl": Normal(100, 22, 60, 150)}

CHANNELS = (
    Channel("crcl", "mL/min", "covariate", centre=100, scale=22),
    Channel("concentration", "mg/L", "reading", keep=4, log=True, centre=2.2, scale=1.2),
    Channel("dose", "mg", "dose", keep=6, centre=600, scale=150),
)

TREATMENT = Treatment(
    id="carboplatin-auc-v1",
    title="Carboplatin, six cycles: an area of 5 mg·min/mL",
    question="Which carboplatin dose gives an area under the curve of 5 mg·min/mL at each of six cycles?",
    model=MODEL,
    population=POPULATION,
    actions=(Action("no dose", 0.0, "mg", duration=INFUSION, wait=DAYS), *(row(float(mg)) for mg in range(200, 901, 25))),
    doses=CYCLES,
    days=CYCLES * DAYS,
    samples=(Sampling("concentration", (1 / 24, 5 / 24)),),
    channels=CHANNELS,
    terms=(
        Term("target", 1.0, AREA.near, "cycles with an area of 4 to 6 mg·min/mL, others by their distance from 5"),
        Term("toxic", -1.0, AREA.beyond(TOXIC), "cycles with an area above 7 mg·min/mL"),
        Term("days_in_range", 0.0, days(AREA.between(LOW, HIGH)), "days of cycles with an area from 4 to below 6 mg·min/mL"),
        Term("days_below", 0.0, days(AREA.between(-1.0, LOW)), "days of cycles with an area below 4 mg·min/mL"),
        Term("days_above", 0.0, days(AREA.between(HIGH, float("inf"))), "days of cycles with an area of 6 mg·min/mL and more"),
    ),
    costs=(Cost("cycles_above_7", AREA.beyond(TOXIC), 0.3, "cycles with an area above 7 mg·min/mL, per course"),),
    key="concentration",
    standard=row(600.0),
    usual=usual,
    limits=limits_of("carboplatin"),
    baselines=("standard", "usual-dose", "area-rule", "map-greedy", "ensemble-greedy", "oracle"),
    research_only="its clearance follows renal function by assumption, and its ceiling has not been read in a label",
    not_for="impaired renal function, children, dialysis; aims other than an area of 5; blood counts are not in it",
    source="Ekhart 2008; Calvert 1989, J Clin Oncol 7:1748",
    target=WINDOW.low,
    window=WINDOW,
    aim=AREA.distance,
)
