"""Which docetaxel dose within the label at each of six cycles keeps the nadir in grade 1 to 3?

Docetaxel every three weeks: at most 100 mg/m² over an hour, a cycle begins when the neutrophils are at
least 1.5 on a count not older than a week, else the visit is put off by a week, at most twice in a
row. Counts on days 7, 14 and 21, each missing with probability 0.1; the calendar ends after 24 weeks.
The comparator is 75 mg/m², the label's dose in most of its indications; 100 is its largest.

The label gives none of the drug to a patient with bilirubin above normal or with raised transaminases
and alkaline phosphatase together. Patients are drawn as a clinic would enter them, with a normal liver
(bilirubin up to 21 umol/L, hep12 0): the liver does not change during the course, so that anyone else
would never get a dose. A record with an impaired liver is answered by the limit, the only thing that
bilirubin touches here. All distributions of covariates, the grid of doses, the weights and the calendar
are design choices; the limits carry their sources.
"""

from __future__ import annotations

from posology.data.history import Channel
from posology.environments.neutropenia import CALENDAR, COSTS, COUNTS, CYCLES, WAIT, infusion, terms
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.patients.models import docetaxel_kloft2006
from posology.patients.population import Bernoulli, Categorical, Distribution, LogNormal, Normal
from posology.safety.drugs import limits_of
from posology.safety.limits import BILIRUBIN_ULN

LARGEST, USUAL = 100.0, 75.0  # mg/m2
INFUSION = 1.0  # h


def dose(amount: float) -> Action:
    """An infusion of an hour and three weeks until the next visit."""
    return infusion(amount, INFUSION)


POPULATION: dict[str, Distribution] = {
    "female": Bernoulli(0.5),
    "age": Normal(58, 10, 30, 85),
    "bsa": Normal(1.8, 0.2, 1.3, 2.5),
    "aag": LogNormal(1.34, 0.3, 0.5, 2.8),
    "alb": Normal(40, 4, 25, 50),
    "hep12": Bernoulli(0.0),
    "ecog": Categorical((0, 1, 2), (0.35, 0.5, 0.15)),
    "prior_therapy": Bernoulli(0.5),
    "bilirubin": LogNormal(7.0, 0.35, high=BILIRUBIN_ULN),
}

CHANNELS = (
    Channel("female", "1", "covariate"),
    Channel("age", "a", "covariate", centre=58, scale=10),
    Channel("bsa", "m2", "covariate", centre=1.8, scale=0.2),
    Channel("aag", "g/L", "covariate", log=True, centre=0.293, scale=0.3),
    Channel("alb", "g/L", "covariate", centre=40, scale=4),
    Channel("hep12", "1", "covariate"),
    Channel("ecog", "1", "covariate"),
    Channel("prior_therapy", "1", "covariate"),
    Channel("bilirubin", "umol/L", "covariate", log=True, centre=1.946, scale=0.35),
    Channel("baseline_anc", "10*9/L", "covariate", log=True, centre=1.65, scale=0.3),
    Channel("anc", "10*9/L", "reading", keep=18, log=True, centre=0.5, scale=1.2),
    Channel("dose", "mg", "dose", keep=6, centre=65, scale=20, per="bsa"),
)

TREATMENT = Treatment(
    id="docetaxel-cycles-v1",
    title="Docetaxel within the label, six cycles: nadir in grade 1 to 3",
    question="Which docetaxel dose of at most 100 mg/m2 keeps the neutrophil nadir in grade 1 to 3 at each cycle?",
    model=docetaxel_kloft2006.MODEL,
    population=POPULATION,
    actions=(
        WAIT,
        *(dose(d) for d in range(30, 101, 5)),
    ),
    doses=CYCLES,
    days=CALENDAR,
    samples=COUNTS,
    channels=CHANNELS,
    terms=terms(USUAL),
    costs=COSTS,
    key="anc",
    standard=dose(USUAL),
    measured=("baseline_anc",),
    limits=limits_of("docetaxel"),
    baselines=("standard", "clinical-rule", "fixed:100", "map-greedy", "ensemble-greedy", "oracle"),
    not_for="weekly schedules; growth-factor support; impaired liver; strong CYP3A4 inhibitors",
    source="DDMODEL00000224; doi:10.1007/s00280-017-3366-x",
)
