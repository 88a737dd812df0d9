"""Which vancomycin dose, how often, gives an adult an area under the curve of 400 to 600 mg·h/L each day?

Every day for a week the regimen of the next 24 hours is chosen: 500 to 2500 mg every 8, 12 or 24 hours, or nothing.
Seen are weight, creatinine clearance, the trough before the first dose of each day and the doses so far. The aim is an
AUC24 of 400 to 600 mg·h/L at a minimal inhibitory concentration of 1 mg/L; kidneys suffer above 600 to 700 (Rybak 2020,
doi:10.1093/ajhp/zxaa036). Patients, grid of doses, weights of the reward and limits are design choices.

The comparators are a fixed gram every 12 hours, the proportional rule on troughs (the usual care before 2020 steered to
troughs of 15 to 20 mg/L) and dosing by the most probable patient (`map-greedy`), which aims at an AUC24 of 500.

Left out, because a treatment has no words for it yet: an own loading dose of day 1, longer infusions of larger doses (all take
an hour), noise of creatinine, a kidney that suffers during the course, and the hard rule of a dose of 0 after a trough above
25 mg/L.
"""

from __future__ import annotations

from typing import Any

from posology.data.history import Channel
from posology.environments.exposure import Wanted, days
from posology.environments.reward import Cost, Interval, Term, Window, daily_dose
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.models import vancomycin_thomson2009
from posology.patients.population import Distribution, LogNormal, Normal
from posology.safety.drugs import limits_of

LOW, AIM, HIGH, TOXIC = 400.0, 500.0, 600.0, 650.0  # mg·h/L per day
FAR_BELOW = 300.0
WINDOW = Window(LOW / 24, HIGH / 24, TOXIC / 24)  # mg/L: the same as averages of the day
TROUGH = 17.5  # mg/L, the middle of 15 to 20
INFUSION, DAYS = 1.0, 7  # h, d
AMOUNTS = tuple(float(mg) for mg in range(500, 2501, 250))
INTERVALS = (8.0, 12.0, 24.0)  # h


def auc(i: Interval) -> Any:
    """Area under the concentration over 24 hours, mg·h/L."""
    return 24.0 * i.mean


AREA = Wanted(auc, AIM, HIGH)


def row(amount: float, every: float, unit: str = "mg") -> Action:
    """An amount every so many hours until the next day."""
    return Action(f"{amount:g} {unit} every {every:g} h", amount, unit, duration=INFUSION, wait=1.0, interval=every)


def actions(unit: str = "mg", per: float = 1.0) -> tuple[Action, ...]:
    """No dose, or an amount (divided by `per`) at an interval."""
    doses = [row(float(f"{mg / per:.4g}"), every, unit) for every in INTERVALS for mg in AMOUNTS]
    return (Action("no dose", 0.0, unit, wait=1.0, interval=24.0), *doses)


POPULATION: dict[str, Distribution] = {
    "weight": Normal(80, 18, 45, 140),
    "crcl": LogNormal(75, 0.4294, 15, 150),  # CV 45 %
}

CHANNELS = (
    Channel("weight", "kg", "covariate", log=True, centre=4.36, scale=0.25),
    Channel("crcl", "mL/min", "covariate", log=True, centre=4.32, scale=0.45),
    Channel("concentration", "mg/L", "reading", keep=3, log=True, centre=2.5, scale=0.5),
    Channel("dose", "mg", "dose", keep=6, centre=13, scale=6, per="weight"),
)

TERMS = (
    Term("target", 1.0, days(AREA.near), "days with an AUC24 of 400 to 600 mg·h/L, others by their distance from 500"),
    Term("toxic", -2.0, days(AREA.beyond(TOXIC)), "days with an AUC24 above 650 mg·h/L"),
    Term("low", -1.0, days(AREA.between(-1.0, FAR_BELOW)), "days with an AUC24 below 300 mg·h/L"),
    Term("days_in_range", 0.0, days(AREA.between(LOW, HIGH)), "days with an AUC24 from 400 to 600 mg·h/L"),
    Term("days_below", 0.0, days(AREA.between(-1.0, LOW)), "days with an AUC24 below 400 mg·h/L"),
    Term("days_above", 0.0, days(AREA.between(HIGH, float("inf"))), "days with an AUC24 of 600 mg·h/L and more"),
    Term("daily_dose", 0.0, daily_dose, "dose per day"),
)

TREATMENT = Treatment(
    id="vancomycin-adults-v1",
    title="Vancomycin in adults, one week: AUC24 of 400 to 600 mg·h/L",
    question="Which vancomycin dose, every 8, 12 or 24 hours, gives an adult an AUC24 of 400 to 600 mg·h/L for a week?",
    model=vancomycin_thomson2009.MODEL,
    population=POPULATION,
    actions=actions(),
    doses=DAYS,
    days=float(DAYS),
    samples=(Sampling("concentration", (1.0,)),),
    channels=CHANNELS,
    terms=TERMS,
    costs=(Cost("days_above_650", days(AREA.beyond(TOXIC)), 0.5, "days with an AUC24 above 650 mg·h/L, per course"),),
    key="concentration",
    standard=row(1000.0, 12.0),
    limits=limits_of("vancomycin"),
    baselines=("standard", "proportional-rule", "map-greedy", "ensemble-greedy", "oracle"),
    not_for="dialysis, unstable kidneys, oral doses, aims other than an AUC24 of 400 to 600",
    source="Thomson 2009, doi:10.1093/jac/dkp085; aim: Rybak 2020, doi:10.1093/ajhp/zxaa036",
    target=TROUGH,
    window=WINDOW,
    aim=AREA.distance,
)
