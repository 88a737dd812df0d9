"""Which paclitaxel dose within the label at each of six cycles keeps the nadir in grade 1 to 3?

As the comparison problem `paclitaxel-cycles-v1`, with what a clinic may do: at most 175 mg/m² over 3
hours, a cycle begins when the neutrophils are at least 1.5 on a count not older than a week, else
the visit is put off by a week, and the dose follows the bilirubin. The calendar ends after 24 weeks.
The grid of doses, the weights and the calendar are design choices; the limits carry their sources.

`paclitaxel-label-200-v1` is the same question with a full dose of 200 mg/m², which partner regimens use.
"""

from __future__ import annotations

import math

from posology.environments.neutropenia import CALENDAR, COSTS, COUNTS, CYCLES, WAIT, terms
from posology.environments.treatment import Treatment
from posology.environments.treatments.paclitaxel_cycles import CHANNELS, POPULATION, dose
from posology.patients.models import paclitaxel_henrich2017
from posology.safety.drugs import limits_of

LABEL = 175.0  # mg/m2


def within(largest: float, id: str, limits: str) -> Treatment:
    """The question with a full dose of `largest` mg/m2, under the limit set of that name."""
    return Treatment(
        id=id,
        title=f"Paclitaxel up to {largest:g} mg/m2, six cycles: nadir in grade 1 to 3",
        question=(
            f"Which paclitaxel dose of at most {largest:g} mg/m2 keeps the neutrophil nadir in grade 1 to 3 at each cycle?"
        ),
        model=paclitaxel_henrich2017.MODEL,
        population=POPULATION,
        actions=(
            WAIT,
            *(dose(d) for d in (*range(70, math.ceil(largest), 10), largest)),
        ),
        doses=CYCLES,
        days=CALENDAR,
        samples=COUNTS,
        channels=CHANNELS,
        terms=terms(largest),
        costs=COSTS,
        key="anc",
        standard=dose(largest),
        measured=("baseline_anc",),
        limits=limits_of(limits),
        baselines=("standard", "clinical-rule", "map-greedy", "ensemble-greedy", "oracle"),
        not_for="weekly schedules; growth-factor support; bilirubin above ten times the upper limit of normal",
        source="doi:10.1002/psp4.12588",
    )


TREATMENT = within(LABEL, "paclitaxel-label-v1", "paclitaxel")
UP_TO_200 = within(200.0, "paclitaxel-label-200-v1", "paclitaxel-200")
