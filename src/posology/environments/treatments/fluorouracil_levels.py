"""Which fluorouracil dose over 46 hours gives an area under the curve of 20 to 30 mg·h/L, at each of six cycles?

Every two weeks the dose of an infusion of 46 hours is chosen: 300 to 4000 mg/m², or none. Seen are the body surface, the
share of the clearance that variants of DPYD leave (as a genotype told before treatment), leukocytes before treatment and
before each cycle, two levels at 22 and 44 hours (SD of the logarithm 0.57) and the doses so far. The return is 1 for a cycle
with an area in the range, less by its distance from 25 outside, −1 for one above 35, and −1 for a cycle at whose end
leukocytes are below 2.0, grade 3 or worse. Aim and range are known, not read in a source; the rest of the reward, visits and
patients are design choices. Of a hundred patients three have three quarters and three half of the clearance.

The standard of care is the label's 2400 mg/m² (`standard`); by CPIC half of it where the gene leaves less than all of the
clearance (`usual`). Comparators: the last dose times target over level (`proportional-rule`), and the most probable patient.

Arshad 2020, 30 patients under infusions of five days, doi:10.1007/s00280-019-04028-5. That a gene leaves three quarters, half
or a quarter of the clearance is the model's assumption, and so is the scale of its errors. No spread between occasions is
known, so that what is learnt of a patient stays true. Left out: the bolus and the partner drugs of the usual combinations,
mucositis and diarrhoea, which often bound the dose before leukocytes do; complete lack of the enzyme.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posology.data.history import Channel
from posology.environments.exposure import Wanted, days
from posology.environments.reward import Cost, Interval, Term, Window, one
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.models import fluorouracil_arshad2020
from posology.patients.population import Categorical, Distribution, Normal
from posology.quantities import where
from posology.safety import ctcae
from posology.safety.drugs import limits_of
from posology.safety.rules import PHARMACOGENES

CYCLES, DAYS, INFUSION = 6, 14.0, 46.0  # d, h
LOW, AIM, HIGH, TOXIC = 20.0, 25.0, 30.0, 35.0  # mg·h/L
WINDOW = Window(LOW / (24 * DAYS), HIGH / (24 * DAYS), TOXIC / (24 * DAYS))  # mg/L: the same as averages of a cycle
FULL = 2400.0  # mg/m2
GRADE_3_BELOW = ctcae.bounds("leukocytes")[2]
HALF = PHARMACOGENES["DPYD", "1.5"]["fluoropyrimidine"].share  # as for a score of 1


def usual(c: Mapping[str, Any]) -> Any:
    """The starting dose of CPIC, mg/m2."""
    return FULL * where(c["dpyd"] < 1, HALF, 1.0)


def area(i: Interval) -> Any:
    """Area under the concentration of a cycle, mg·h/L."""
    return i.mean * 24 * i.days


AREA = Wanted(area, AIM, HIGH)


def leukopenia(i: Interval) -> Any:
    """1 for a cycle at whose end leukocytes are in grade 3 or 4."""
    return 1.0 - one(i.after["leukocytes"] >= GRADE_3_BELOW)


def row(amount: float) -> Action:
    """An infusion of 46 hours, and two weeks until the next visit."""
    return Action(f"{amount:g} mg/m2", amount, "mg/m2", duration=INFUSION, wait=DAYS)


POPULATION: dict[str, Distribution] = {
    "bsa": Normal(1.85, 0.2, 1.4, 2.4),
    "dpyd": Categorical((1.0, 0.75, 0.5), (0.94, 0.03, 0.03)),
}

CHANNELS = (
    Channel("bsa", "m2", "covariate", centre=1.85, scale=0.2),
    Channel("dpyd", "1", "covariate", centre=1.0, scale=0.5),
    Channel("baseline_leukocytes", "10*9/L", "covariate", log=True, centre=1.93, scale=0.16),
    Channel("leukocytes", "10*9/L", "reading", keep=2, log=True, centre=1.7, scale=0.4),
    Channel("concentration", "mg/L", "reading", keep=4, log=True, centre=-0.7, scale=0.7),
    Channel("dose", "mg", "dose", keep=6, centre=2800, scale=800, per="bsa"),
)

TREATMENT = Treatment(
    id="fluorouracil-levels-v1",
    title="Fluorouracil over 46 hours, six cycles: an area of 20 to 30 mg·h/L",
    question="Which fluorouracil dose over 46 hours gives an area of 20 to 30 mg·h/L at each of six cycles?",
    model=fluorouracil_arshad2020.MODEL,
    population=POPULATION,
    actions=(
        Action("no dose", 0.0, "mg/m2", duration=INFUSION, wait=DAYS),
        *(row(float(mg)) for mg in range(300, 4001, 100)),
    ),
    doses=CYCLES,
    days=CYCLES * DAYS,
    samples=(Sampling("concentration", (22 / 24, 44 / 24)), Sampling("leukocytes", (DAYS,))),
    channels=CHANNELS,
    terms=(
        Term("target", 1.0, AREA.near, "cycles with an area of 20 to 30 mg·h/L, others by their distance from 25"),
        Term("toxic", -1.0, AREA.beyond(TOXIC), "cycles with an area above 35 mg·h/L"),
        Term("leukopenia", -1.0, leukopenia, "cycles at whose end leukocytes are below 2.0"),
        Term("days_in_range", 0.0, days(AREA.between(LOW, HIGH)), "days of cycles with an area from 20 to below 30 mg·h/L"),
        Term("days_below", 0.0, days(AREA.between(-1.0, LOW)), "days of cycles with an area below 20 mg·h/L"),
        Term("days_above", 0.0, days(AREA.between(HIGH, float("inf"))), "days of cycles with an area of 30 mg·h/L and more"),
    ),
    costs=(
        Cost("cycles_above_35", AREA.beyond(TOXIC), 0.3, "cycles with an area above 35 mg·h/L, per course"),
        Cost("leukopenia", leukopenia, 0.3, "cycles at whose end leukocytes are below 2.0, per course"),
    ),
    key="concentration",
    standard=row(FULL),
    usual=usual,
    measured=("baseline_leukocytes",),
    limits=limits_of("fluorouracil-infusion"),
    baselines=("standard", "usual-dose", "proportional-rule", "map-greedy", "ensemble-greedy", "oracle"),
    research_only="its ceiling is a design choice, and doses by gene rest on an assumption",
    not_for="capecitabine, bolus doses, combinations, growth factors, complete lack of the enzyme, mucositis and diarrhoea",
    source="doi:10.1007/s00280-019-04028-5; CPIC 2017, PMC5760397",
    target=AIM / INFUSION,
    window=WINDOW,
    aim=AREA.distance,
)
