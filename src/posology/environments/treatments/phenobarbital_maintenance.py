"""Which phenobarbital dose, how often, keeps a neonate's level between 15 and 30 mg/L?

A loading dose of 20 mg/kg over half an hour is given to everyone. A day later, and then every third day
for three weeks, a level is measured just before the dose that is due, and the maintenance until the next
visit is chosen: an amount per kg every 12 or every 24 hours, or none. Everything is infused over half an
hour. Weight does not change during the course.

The window of 15 to 30 mg/L is the common aim in neonates. The effect on seizures levels off at 40 mg/L,
beyond which sedation and feeding difficulty begin (Gilman 1989, Pediatrics 83:674), so time spent there is
a cost. The usual maintenance is 3 to 5 mg/kg per day from 12 to 24 hours after loading; the comparator is
its lower end, once a day, because at the model's clearance 4 mg/kg per day lead above 30 mg/L (`fixed:4`
shows it). Weight and the share with asphyxia are like those of the 59 infants of the model's source;
visits, the grid of doses and the weights of the reward are design choices.
"""

from __future__ import annotations

from posology.data.history import Channel
from posology.environments.reward import (
    Cost,
    Term,
    Window,
    daily_dose,
    days_above,
    days_below,
    days_harmful,
    days_in_range,
    ln_mean_distance,
)
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.patients.models import phenobarbital_grasela1985
from posology.patients.population import Categorical, Distribution, LogNormal
from posology.safety.drugs import limits_of

WINDOW = Window(15.0, 30.0, 40.0)  # mg/L
TARGET = 21.2  # mg/L, the geometric middle of the window
LOADING = 20.0  # mg/kg
USUAL = 3.0  # mg/kg per day
INFUSION = 0.5  # h
VISIT, VISITS = 3.0, 7  # d
FIRST = 1.0  # d after loading


def dose(amount: float, every: float) -> Action:
    """An amount per kg every so many hours until the next visit."""
    label = f"{amount:g} mg/kg every {every:g} h"
    return Action(label, amount, "mg/kg", duration=INFUSION, wait=VISIT, interval=every)


POPULATION: dict[str, Distribution] = {
    "weight": LogNormal(1.4, 0.4, 0.6, 3.6),
    "apgar": Categorical((3, 7), (0.17, 0.83)),  # the model asks only whether it is below 5
}

CHANNELS = (
    Channel("weight", "kg", "covariate", log=True, centre=0.336, scale=0.4),
    Channel("apgar", "1", "covariate", centre=6, scale=2),
    Channel("concentration", "mg/L", "reading", keep=8, log=True, centre=3.05, scale=0.25),
    Channel("dose", "mg", "dose", keep=8, centre=3, scale=2, per="weight"),
)

TREATMENT = Treatment(
    id="phenobarbital-maintenance-v1",
    title="Phenobarbital in neonates, three weeks of maintenance: level between 15 and 30 mg/L",
    question=(
        "After a loading dose of 20 mg/kg, which phenobarbital dose, every 12 or 24 hours, keeps a neonate's level "
        "between 15 and 30 mg/L?"
    ),
    model=phenobarbital_grasela1985.MODEL,
    population=POPULATION,
    actions=(
        Action("no dose", 0.0, "mg/kg", wait=VISIT, interval=24.0),
        *(dose(d / 2, 24.0) for d in range(2, 11)),
        *(dose(d / 4, 12.0) for d in range(2, 11)),
    ),
    doses=VISITS,
    days=FIRST + VISITS * VISIT,
    samples=(Sampling("concentration", (VISIT,), at_start=True),),
    channels=CHANNELS,
    terms=(
        Term("days_in_range", 0.1, days_in_range, "days with a level from 15 to 30 mg/L"),
        Term("days_below", 0.0, days_below, "days with a level below 15 mg/L"),
        Term("days_above", 0.0, days_above, "days with a level above 30 mg/L"),
        Term("daily_dose", 0.0, daily_dose, "dose per kg and day"),
        Term("ln_mean_distance", -0.1, ln_mean_distance(TARGET), "distance of ln average level from ln 21.2"),
    ),
    costs=(Cost("days_above_40", days_harmful, 0.5, "days with a level above 40 mg/L, per course"),),
    key="concentration",
    standard=dose(USUAL, 24.0),
    limits=limits_of("phenobarbital-neonate"),
    baselines=("standard", "fixed:4", "proportional-rule", "map-greedy", "ensemble-greedy", "oracle"),
    not_for="the loading dose; infants older than some weeks; oral doses; therapeutic hypothermia; treating seizures that go on",
    source="doi:10.1159/000457062",
    target=TARGET,
    loading=Action(f"{LOADING:g} mg/kg", LOADING, "mg/kg", duration=INFUSION, wait=FIRST),
    window=WINDOW,
    aim=ln_mean_distance(TARGET),
)
