"""Which busulfan dose gives a child an area under the curve of 900 to 1350 umol/L·min per dose before a stem cell transplant?

Sixteen infusions of two hours, one every six hours. Each day for four days the next four doses are chosen: 0.4 to 2 mg/kg, or
none. Seen are the weight, three levels around the first dose of each day (at 2, 4 and 6 hours from its start, error 12.6 %)
and the doses so far. Below the range grafts are lost, above it the liver suffers. A day's area per dose is its average level
times six hours; on the first day the tail of the last dose is not in it yet, a few per cent. The return is 1 for a day in the
range, less by its distance from the middle outside, and −2 for a day above 1500. Days, levels, table, weights, the bound of
1500 and the distribution of weights are design choices; the range itself, and the European bands, still have to be read in
the label.

The standard of care is the label's dose by weight band (`usual`: 1, 1.2, 1.1, 0.95 and 0.8 mg/kg); `standard` gives 1.2
mg/kg, that of the commonest band here (9 to 16 kg), to every child. Comparators that look at levels: dose times target over
area, the area being that of the trapezoids under the three levels, corrected (`evaluation/area_guided.py`); the same rule on
the latest level alone (`proportional-rule`, a level six hours after a dose); the most probable patient.

Neroutsos 2022, 76 children. Left out: the pump's lag, seizures and their prophylaxis, the liver during the course, a
cumulative area over the four days, daily dosing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posology.data.history import Channel
from posology.environments.exposure import Wanted, days
from posology.environments.reward import Cost, Interval, Term, Window
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.models import busulfan_neroutsos2022
from posology.patients.population import Distribution, LogNormal
from posology.quantities import where
from posology.safety.drugs import limits_of

MOLAR_MASS = 246.3  # g/mol
EVERY, INFUSION, DAYS = 6.0, 2.0, 4  # h, h, d
LOW, AIM, HIGH, TOXIC = 900.0, 1125.0, 1350.0, 1500.0  # umol/L·min per dose
LEVEL = MOLAR_MASS / 1000 / 60 / EVERY  # mg/L: the average over six hours at an area of 1 umol/L·min
WINDOW = Window(LOW * LEVEL, HIGH * LEVEL, TOXIC * LEVEL)
TROUGH = 0.29  # mg/L: about the level six hours after a dose of the typical child whose area is in the middle of the range
AMOUNTS = tuple(round(0.4 + 0.05 * k, 2) for k in range(33))  # mg/kg, to 2
# European label: from this weight (kg) on, this dose (mg/kg); at a bound the band of the heavier child, a design choice
BANDS = ((9.0, 1.2), (16.0, 1.1), (23.0, 0.95), (34.0, 0.8))
LIGHTEST = 1.0  # mg/kg, below 9 kg


def usual(c: Mapping[str, Any]) -> Any:
    """The label's dose, mg/kg."""
    dose = LIGHTEST + 0 * c["weight"]
    for least, amount in BANDS:
        dose = where(c["weight"] >= least, amount + 0 * dose, dose)
    return dose


def area(i: Interval) -> Any:
    """Area under the concentration per dose, umol/L·min."""
    return i.mean / LEVEL


AREA = Wanted(area, AIM, HIGH)


def row(amount: float) -> Action:
    """Four infusions, one every six hours."""
    return Action(f"{amount:g} mg/kg", amount, "mg/kg", duration=INFUSION, wait=1.0, interval=EVERY)


POPULATION: dict[str, Distribution] = {"weight": LogNormal(18, 0.6, 4, 60)}

CHANNELS = (
    Channel("weight", "kg", "covariate", log=True, centre=2.89, scale=0.6),
    Channel("concentration", "mg/L", "reading", keep=9, log=True, centre=-0.5, scale=0.6),
    Channel("dose", "mg", "dose", keep=4, centre=1.1, scale=0.4, per="weight"),
)

TREATMENT = Treatment(
    id="busulfan-children-v1",
    title="Busulfan in children, sixteen doses: 900 to 1350 umol/L·min per dose",
    question="Which busulfan dose per kg gives a child an area of 900 to 1350 umol/L·min per dose on each of four days?",
    model=busulfan_neroutsos2022.MODEL,
    population=POPULATION,
    actions=(Action("no dose", 0.0, "mg/kg", duration=INFUSION, wait=1.0, interval=EVERY), *(row(a) for a in AMOUNTS)),
    doses=DAYS,
    days=float(DAYS),
    samples=(Sampling("concentration", (2 / 24, 4 / 24, 6 / 24)),),
    channels=CHANNELS,
    terms=(
        Term("target", 1.0, days(AREA.near), "days in the range, others by their distance from 1125 umol/L·min"),
        Term("toxic", -2.0, days(AREA.beyond(TOXIC)), "days with an area above 1500 umol/L·min per dose"),
        Term("days_in_range", 0.0, days(AREA.between(LOW, HIGH)), "days with an area from 900 to below 1350 umol/L·min per dose"),
        Term("days_below", 0.0, days(AREA.between(-1.0, LOW)), "days with an area below 900 umol/L·min per dose"),
        Term("days_above", 0.0, days(AREA.between(HIGH, float("inf"))), "days with an area of 1350 umol/L·min per dose and more"),
    ),
    costs=(Cost("days_above_1500", days(AREA.beyond(TOXIC)), 0.2, "days with an area above 1500 umol/L·min per dose"),),
    key="concentration",
    standard=row(1.2),
    usual=usual,
    limits=limits_of("busulfan"),
    baselines=("standard", "usual-dose", "proportional-rule", "area-rule", "map-greedy", "ensemble-greedy", "oracle"),
    research_only="its ceiling and its range have not been read in a label",
    not_for="dosing any child: label and range are not read yet; adults, oral busulfan, once-daily doses",
    source="Neroutsos 2022; European label of busulfan",
    target=TROUGH,
    window=WINDOW,
    aim=AREA.distance,
)
