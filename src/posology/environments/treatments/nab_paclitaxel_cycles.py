"""Which nab-paclitaxel dose within the label at each of six cycles keeps the nadir in grade 1 to 3?

Albumin-bound paclitaxel every three weeks: at most 260 mg/m² over 30 minutes, a cycle begins when the
neutrophils are at least 1.5 on a count not older than a week, else the visit is put off by a week, at
most twice in a row. Counts on days 7, 14 and 21, each missing with probability 0.1; the calendar ends
after 24 weeks. Patients, error of a count and marrow are those of Chen 2014; the distributions of age,
albumin and body surface, the grid of doses, the weights and the calendar are design choices. The count
before treatment is known without error. The limits carry their sources.
"""

from __future__ import annotations

from posology.data.history import Channel
from posology.environments.neutropenia import CALENDAR, COSTS, COUNTS, CYCLES, WAIT, infusion, terms
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.patients.models import nab_paclitaxel_chen2014
from posology.patients.population import Distribution, Normal
from posology.safety.drugs import limits_of

LABEL = 260.0  # mg/m2
INFUSION = 0.5  # h


def dose(amount: float) -> Action:
    """An infusion of half an hour and three weeks until the next visit."""
    return infusion(amount, INFUSION)


POPULATION: dict[str, Distribution] = {
    "age": Normal(58, 10, 30, 85),
    "alb": Normal(39, 4, 25, 50),
    "bsa": Normal(1.8, 0.2, 1.3, 2.5),
}

CHANNELS = (
    Channel("age", "a", "covariate", centre=58, scale=10),
    Channel("alb", "g/L", "covariate", centre=39, scale=4),
    Channel("bsa", "m2", "covariate", centre=1.8, scale=0.2),
    Channel("baseline_anc", "10*9/L", "covariate", log=True, centre=1.454, scale=0.35),
    Channel("anc", "10*9/L", "reading", keep=18, log=True, centre=0.9, scale=1.0),
    Channel("dose", "mg", "dose", keep=6, centre=200, scale=50, per="bsa"),
)

TREATMENT = Treatment(
    id="nab-paclitaxel-cycles-v1",
    title="Nab-paclitaxel within the label, six cycles: nadir in grade 1 to 3",
    question="Which nab-paclitaxel dose of at most 260 mg/m2 keeps the neutrophil nadir in grade 1 to 3 at each cycle?",
    model=nab_paclitaxel_chen2014.MODEL,
    population=POPULATION,
    actions=(
        WAIT,
        *(dose(d) for d in range(100, 261, 20)),
    ),
    doses=CYCLES,
    days=CALENDAR,
    samples=COUNTS,
    channels=CHANNELS,
    terms=terms(LABEL),
    costs=COSTS,
    key="anc",
    standard=dose(LABEL),
    measured=("baseline_anc",),
    limits=limits_of("nab-paclitaxel"),
    baselines=("standard", "clinical-rule", "map-greedy", "ensemble-greedy", "oracle"),
    not_for="weekly schedules; partners such as gemcitabine; growth-factor support; moderate to severe liver impairment",
    source="Chen N et al. J Clin Pharmacol 2014;54:1097",
)
