"""Which daily dose of mercaptopurine keeps a child's neutrophils at 0.5 to 2.0 ×10⁹/L through a year of maintenance?

Every four weeks the daily oral dose until the next visit is chosen: a share of 75 mg/m², from none to one and a half times of
it in steps of an eighth. Seen are the body surface, the neutrophils before treatment, a count every two weeks (error 50 %, as
fitted; one of ten is missing), a level of thioguanine nucleotides at each visit, and the doses so far. The return counts the
days in the range, a day below 0.5 as three lost, in units of four weeks: 13 at best. Visits, missing counts, the price of a
low count and patients are design choices; the range is that of the paper.

The standard is 75 mg/m² a day for everybody. The comparator is the protocols' own titration by counts
(`evaluation/titration.py`): in the range the dose stays, below it is halved, above it rises by a quarter of 75 mg/m², up to
one and a half times of it. How far protocols differ in this was not read.

Gebhard 2023, 452 children of NOPHO ALL-92, doi:10.1038/s41598-023-38414-0. Counts answer a dose only after weeks and swing
for more than a year: a plan for the next four weeks alone runs into them.

TPMT and NUDT15 are not in it: CPIC starts an intermediate metaboliser at 30 to 80 %, but the model has no number for what the
genes do, so that a starting dose by gene would be a cut without a reason here. Left out, too: leukocytes, the weekly
methotrexate, liver, infections, relapse, doses that are not taken.
"""

from __future__ import annotations

from dataclasses import replace
from math import log as ln
from typing import Any

from posology.data.history import Channel
from posology.environments.reward import (
    Cost,
    Interval,
    Term,
    Window,
    daily_dose,
    days_above,
    days_below,
    days_in_range,
)
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.hours import in_hours
from posology.patients.model import Residual
from posology.patients.models import mercaptopurine_gebhard2023
from posology.patients.population import Distribution, LogNormal
from posology.quantities import log, maximum
from posology.safety.drugs import limits_of

FULL = 75.0  # mg/m2 a day
WEEKS, VISITS = 4, 13
DAYS = 7.0 * WEEKS  # d, between visits
LOW, HIGH = 0.5, 2.0  # 10^9/L
MIDDLE = (LOW * HIGH) ** 0.5
PRICE = 3.0  # of a day below the range, in days in the range

COUNT_ERROR = Residual(ln_sd=ln(1.25) ** 0.5, status="assumed", source="Gebhard 2023, CV 50 %, on the logarithm")

MODEL = in_hours(
    replace(
        mercaptopurine_gebhard2023.MODEL,
        residuals={**mercaptopurine_gebhard2023.MODEL.residuals, "anc": COUNT_ERROR},
        logarithmic=("prol",),  # at 75 mg/m2 the drug kills faster than the marrow divides in one child of 25
    )
)


def row(share: float) -> Action:
    """A share of 75 mg/m2 every day until the next visit."""
    label = f"{FULL * share:.3g} mg/m2 a day" if share else "no dose"
    return Action(label, FULL * share, "mg/m2", wait=DAYS, interval=24.0)


def distance_to_middle(i: Interval) -> Any:
    """|ln of the count at the end − ln 1.0|, the middle of the range."""
    d = log(maximum(i.end, 1e-3)) - log(MIDDLE)
    return maximum(d, -d)


POPULATION: dict[str, Distribution] = {"bsa": LogNormal(0.85, 0.25, 0.45, 1.9)}

CHANNELS = (
    Channel("bsa", "m2", "covariate", log=True, centre=-0.16, scale=0.25),
    Channel("baseline_anc", "10*9/L", "covariate", log=True, centre=0.77, scale=0.27),
    Channel("anc", "10*9/L", "reading", keep=6, log=True, centre=0.4, scale=0.7),
    Channel("tgn", "umol/L", "reading", keep=2, centre=0.9, scale=0.6),
    Channel("dose", "mg", "dose", keep=2, centre=75, scale=30, per="bsa"),
)

TREATMENT = Treatment(
    id="mercaptopurine-maintenance-v1",
    title="Mercaptopurine in maintenance of childhood leukaemia, a year: neutrophils of 0.5 to 2.0",
    question="Which daily dose of mercaptopurine keeps neutrophils at 0.5 to 2.0 x10^9/L through a year of maintenance?",
    model=MODEL,
    population=POPULATION,
    actions=tuple(row(k / 8) for k in range(13)),
    doses=VISITS,
    days=VISITS * DAYS,
    samples=(Sampling("anc", (DAYS / 2, DAYS), missing=0.1), Sampling("tgn", (DAYS,))),
    channels=CHANNELS,
    terms=(
        Term("days_in_range", 1 / DAYS, days_in_range, "days with neutrophils from 0.5 to 2.0"),
        Term("days_below", -PRICE / DAYS, days_below, "days with neutrophils below 0.5"),
        Term("days_above", 0.0, days_above, "days with neutrophils above 2.0"),
        Term("daily_dose", 0.0, daily_dose, "dose per day"),
    ),
    costs=(Cost("days_below", days_below, 14.0, "days with neutrophils below 0.5, per course"),),
    key="anc",
    standard=row(1.0),
    measured=("baseline_anc",),
    limits=limits_of("mercaptopurine"),
    baselines=("standard", "fixed:37.5", "titration", "map-greedy", "oracle"),
    research_only="its ceiling is a design choice, and TPMT and NUDT15 are not in the model",
    not_for="TPMT or NUDT15 deficiency, allopurinol; liver toxicity and methotrexate are not in it",
    source="doi:10.1038/s41598-023-38414-0",
    target=MIDDLE,
    window=Window(LOW, HIGH, HIGH),
    aim=distance_to_middle,
)
