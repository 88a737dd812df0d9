"""How much methotrexate may the next course hold, so that its exposure is right and nothing stays behind?

Four courses, one every 14 days: 1 to 8 g/m² over 24 hours, or none, with leucovorin from 42 hours on. Seen are the body
surface, serum creatinine and creatinine clearance before treatment, levels at 24, 36, 42, 48 and 66 hours of each course (SD
of the logarithm 0.2; one of ten is missing) and the doses so far. The standard of care is 5 g/m² for everybody.

The exposure wanted is the area that 5 g/m² makes of the typical child, 1730 umol·h/L, within a fifth. No source here says
which area cures: this one leaves the average exposure as it is and asks only for less spread around it. The return is 1 for a
course in the range, less by its distance from the middle outside, and −2 for delayed elimination: a level above 30, 10 or 5
umol/L at 36, 42 or 48 hours, from which glucarpidase may be indicated (`safety/rules.py`). Aim, range, weights, visits, errors
and patients are design choices.

`rescue_hours` are those from 42 hours on until the level is below 0.2 umol/L, when leucovorin may stop. They are counted and
not weighed: what an hour of rescue is worth against exposure is not known.

Taylor 2020 (MTXPK), 772 children. What makes elimination slow in a clinic, an injured kidney, is not in the model: creatinine
does not rise with the drug, and the clearance falls by no more than a sixth when creatinine doubles. So delayed elimination as
the consensus draws it hardly occurs here (1 course of 1000 under 5 g/m²), and the treatment cannot be used to study how it is
prevented. No spread between courses is known either, so that what is learnt of a child stays true.

Comparators: the last dose times the level wanted at 24 hours over the level found (`proportional-rule`), the most probable
patient. Left out: glucarpidase, hydration and pH, mucositis, counts, the spinal fluid, drugs that slow elimination.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.data.history import Channel
from posology.environments.along import at, hours_above
from posology.environments.exposure import Wanted, days
from posology.environments.reward import Cost, Interval, Term, Window, dose_intensity, one
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.model import Grid, Residual
from posology.patients.models import methotrexate_taylor2020
from posology.patients.population import Along, Distribution, LogNormal
from posology.quantities import maximum
from posology.safety.drugs import METHOTREXATE as FULL
from posology.safety.drugs import limits_of
from posology.safety.rules import DELAYED_METHOTREXATE, LEUCOVORIN

COURSES, DAYS, INFUSION = 4, 14.0, 24.0  # d, h
AIM, FIFTH = 1730.0, 0.2  # umol·h/L: of 5 g/m2 in the typical child
LOW, HIGH = (1 - FIFTH) * AIM, (1 + FIFTH) * AIM
LEVEL = 1 / (24 * DAYS)  # umol/L: the average over a course at an area of 1 umol·h/L
WINDOW = Window(LOW * LEVEL, HIGH * LEVEL, HIGH * LEVEL)
END_OF_INFUSION = 71.2  # umol/L: of the typical child under 5 g/m2
HOURS = (24.0, 36.0, 42.0, 48.0, 66.0)
ERROR = Residual(ln_sd=0.2, status="assumed", source="ours: that of Taylor 2020 was not read")
CREATININE = (15.0, 29.0, 41.0, 58.0, 82.0, 116.0)  # umol/L
FILTRATION = 4090.0  # umol/L·mL/min per 1.73 m2: 36.5 times a height of 112 cm, after Schwartz's bedside formula (unverified)

MODEL = replace(
    methotrexate_taylor2020.MODEL,
    residuals={"methotrexate": ERROR},
    grid=Grid(first=0.25, growth=1.2, largest=6.0),  # states are exact at any step, areas and times above a level are not
)


def area(i: Interval) -> Any:
    """Area under the level of a course, umol·h/L."""
    return i.mean / LEVEL


AREA = Wanted(area, AIM, HIGH)


def named(hour: float) -> str:
    """The name of the level at that hour."""
    return f"at_{hour:g}_h"


def delayed(i: Interval) -> Any:
    """1 for a course with a level above a threshold of delayed elimination, or none that is a number."""
    fine: Any = 1.0
    for hour, level in DELAYED_METHOTREXATE:
        fine = fine * one(i.along[named(hour)] <= level)
    return 1.0 - fine


def rescue_hours(i: Interval) -> Any:
    """Hours from the start of leucovorin until the level no longer asks for it."""
    return maximum(i.along["hours_of_danger"] - LEUCOVORIN.begin, 0 * i.along["hours_of_danger"])


def far(i: Interval) -> Any:
    """Distance of the area from the aim as a share of it, and 2 for delayed elimination."""
    return AREA.distance(i) / AIM + 2 * delayed(i)


def row(amount: float) -> Action:
    """An infusion over 24 hours, and two weeks until the next visit."""
    return Action(f"{amount:g} mg/m2", amount, "mg/m2", duration=INFUSION, wait=DAYS)


POPULATION: dict[str, Distribution] = {
    "bsa": LogNormal(0.85, 0.35, 0.45, 2.0),
    "scr": LogNormal(29, 0.3, 12, 120),
    "crcl": Along("scr", CREATININE, tuple(FILTRATION / c for c in CREATININE), 0.15),
}

CHANNELS = (
    Channel("bsa", "m2", "covariate", log=True, centre=-0.16, scale=0.35),
    Channel("scr", "umol/L", "covariate", log=True, centre=3.37, scale=0.3),
    Channel("crcl", "mL/min", "covariate", centre=140, scale=50),
    Channel("methotrexate", "umol/L", "reading", keep=10, log=True, centre=0.0, scale=2.3),
    Channel("dose", "mg", "dose", keep=4, centre=5000, scale=1500, per="bsa"),
)

TREATMENT = Treatment(
    id="methotrexate-rescue-v1",
    title="High-dose methotrexate in children, four courses: exposure, elimination and rescue",
    question="How much methotrexate may the next course hold, so that its area is 1730 umol·h/L without delayed elimination?",
    model=MODEL,
    population=POPULATION,
    actions=(Action("no dose", 0.0, "mg/m2", duration=INFUSION, wait=DAYS), *(row(float(mg)) for mg in range(1000, 8001, 250))),
    doses=COURSES,
    days=COURSES * DAYS,
    samples=(Sampling("methotrexate", tuple(hour / 24 for hour in HOURS), missing=0.1),),
    channels=CHANNELS,
    terms=(
        Term("target", 1.0, AREA.near, "courses with an area of 1384 to 2076 umol·h/L, others by their distance from 1730"),
        Term("delayed", -2.0, delayed, "courses with a level above 30, 10 or 5 umol/L at 36, 42 or 48 hours"),
        Term("rescue_hours", 0.0, rescue_hours, "hours from 42 hours on until the level is below 0.2 umol/L"),
        Term("relative_dose_intensity", 0.0, dose_intensity(FULL), "dose as a share of 5 g/m2"),
        Term("days_in_range", 0.0, days(AREA.between(LOW, HIGH)), "days of courses with an area of 1384 to 2076 umol·h/L"),
        Term("days_below", 0.0, days(AREA.between(-1.0, LOW)), "days of courses with an area below 1384 umol·h/L"),
        Term("days_above", 0.0, days(AREA.between(HIGH, float("inf"))), "days of courses with an area of 2076 umol·h/L and more"),
    ),
    costs=(Cost("delayed", delayed, 0.1, "courses with delayed elimination, per child"),),
    key="methotrexate",
    standard=row(FULL),
    limits=limits_of("methotrexate"),
    baselines=("standard", "proportional-rule", "map-greedy", "ensemble-greedy", "oracle"),
    research_only="kidney injury, which makes high doses dangerous, is not in its model, and no source gives its exposure",
    not_for="dosing any child: kidney injury, glucarpidase, effusions, other infusion times, adults, low-dose methotrexate",
    source="Taylor 2020 (MTXPK); Ramsey 2018, doi:10.1634/theoncologist.2017-0243",
    target=END_OF_INFUSION,
    window=WINDOW,
    aim=far,
    along={"hours_of_danger": hours_above(LEUCOVORIN.end), **{named(d.hour): at(d.hour) for d in DELAYED_METHOTREXATE}},
    level_at=INFUSION / 24,
)
