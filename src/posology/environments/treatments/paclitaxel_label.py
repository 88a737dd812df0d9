"""Which paclitaxel dose within the label at each of six cycles keeps the nadir in grade 1 to 3?

As the comparison problem `paclitaxel-cycles-v1`, with what a clinic may do: at most 175 mg/m² over 3
hours, a cycle begins when the neutrophils are at least 1.5 on a count not older than a week, else
the visit is put off by a week, and the dose follows the bilirubin. The calendar ends after 24 weeks.
The grid of doses, the weights and the calendar are design choices; the limits carry their sources.

`paclitaxel-label-200-v1` is the same question with a full dose of 200 mg/m², which partner regimens use.
"""

from __future__ import annotations

import math

from posology.environments.reward import Cost, Term, dose_intensity, grade0, grade4, ln_nadir_distance
from posology.environments.spec import Action
from posology.environments.treatment import Sampling, Treatment
from posology.environments.treatments.paclitaxel_cycles import CHANNELS, CYCLES, POPULATION, dose
from posology.patients.models import paclitaxel_henrich2017
from posology.safety.drugs import limits_of

LABEL = 175.0  # mg/m2
WEEK = 7.0  # d
CALENDAR = 24 * WEEK


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
            Action("wait a week", 0.0, "mg/m2", wait=WEEK, delay=True),
            *(dose(d) for d in (*range(70, math.ceil(largest), 10), largest)),
        ),
        doses=CYCLES,
        days=CALENDAR,
        samples=(Sampling("anc", (7.0, 14.0, 21.0), missing=0.1),),
        channels=CHANNELS,
        terms=(
            Term("relative_dose_intensity", 0.0, dose_intensity(largest), f"dose as a share of {largest:g} mg/m2"),
            Term("grade0", -1.0, grade0, "cycle whose nadir stayed at 2.0 or above"),
            Term("grade4", -1.0, grade4, "cycle whose nadir fell below 0.5"),
            Term("ln_nadir_distance", -0.2, ln_nadir_distance(1.0), "distance of ln nadir from ln 1.0"),
        ),
        costs=(Cost("grade4", grade4, 0.36, "cycles in grade 4 neutropenia, per course"),),
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
