"""Which paclitaxel dose at each of six three-week cycles keeps the nadir in grade 1 to 3?

The comparison problem: six cycles of 21 days without delay, doses of 70 to 250 mg/m² over 3 hours,
neutrophils measured on days 7, 14 and 21 of each cycle, each missing with probability 0.1. The dose
surrogate of effect is a nadir below 2.0 (grade 1 or more), the harm a nadir below 0.5 (grade 4).
Setting after Maier C et al. 2021, doi:10.1002/psp4.12588; the cohort's covariates and the weights of
the reward are design choices. The neutrophil count before treatment is known without error.

Above-label doses are for research only: nothing is recommended from this treatment.
"""

from __future__ import annotations

from posology.data.history import Channel
from posology.environments.neutropenia import COSTS, COUNTS, CYCLES, DAYS, infusion, terms
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.patients.models import paclitaxel_henrich2017
from posology.patients.population import Bernoulli, Distribution, LogNormal, Normal

INFUSION = 3.0  # h


def dose(amount: float) -> Action:
    """A three-hour infusion and three weeks until the next visit."""
    return infusion(amount, INFUSION)


POPULATION: dict[str, Distribution] = {
    "male": Bernoulli(0.66),
    "age": Normal(62, 9, 30, 90),
    "bsa": Normal(1.85, 0.19, 1.3, 2.5),
    "bilirubin": LogNormal(7.0, 0.35),
}

CHANNELS = (
    Channel("male", "1", "covariate"),
    Channel("age", "a", "covariate", centre=62, scale=9),
    Channel("bsa", "m2", "covariate", centre=1.85, scale=0.19),
    Channel("bilirubin", "umol/L", "covariate", log=True, centre=1.946, scale=0.35),
    Channel("baseline_anc", "10*9/L", "covariate", log=True, centre=1.869, scale=0.34),
    Channel("anc", "10*9/L", "reading", keep=18, log=True, centre=0.5, scale=1.0),
    Channel("dose", "mg", "dose", keep=6, centre=160, scale=50, per="bsa"),
)

TREATMENT = Treatment(
    id="paclitaxel-cycles-v1",
    title="Paclitaxel, six cycles: nadir in grade 1 to 3 (comparison problem)",
    question="Which paclitaxel dose at each of six three-week cycles keeps the neutrophil nadir in grade 1 to 3?",
    model=paclitaxel_henrich2017.MODEL,
    population=POPULATION,
    actions=tuple(dose(d) for d in range(70, 251, 10)),
    doses=CYCLES,
    days=CYCLES * DAYS,
    samples=COUNTS,
    channels=CHANNELS,
    terms=terms(200.0),
    costs=COSTS,
    key="anc",
    standard=dose(200),
    measured=("baseline_anc",),
    baselines=("standard", "clinical-rule", "rule-plus-10", "map-greedy", "ensemble-greedy", "oracle"),
    research_only="doses above the label are part of this comparison problem; use paclitaxel-label-v1",
    not_for="choosing a dose for a patient; weekly schedules; growth-factor support",
    source="doi:10.1002/psp4.12588",
    target=1.0,
)
