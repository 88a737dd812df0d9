"""Which paclitaxel dose at each of six cycles shrinks a lung tumour most without grade 4 neutropenia?

Every three weeks, with carboplatin, 70 to 200 mg/m² of paclitaxel over 3 hours are chosen: 200 is the full dose of partner
regimens, the limits are those of `paclitaxel-label-200-v1`, and a visit is put off by a week while neutrophils are below 1.5.
Seen are sex, age, body surface, bilirubin, neutrophils before treatment and on days 7, 14 and 21 of each cycle (one of ten is
missing), the sum of diameters before treatment and at the end of every second cycle on average, and the doses so far. The
return is what the size's logarithm falls in the course, less 0.2 for each cycle whose neutrophils fell below 0.5, grade 4. That
price, visits and missing scans are design choices. The calendar ends after 24 weeks.

Neutrophils follow Henrich 2017, the tumour Claret 2014; that a dose kills in proportion to its share of 200 mg/m² is assumed,
and nobody fitted the two together (`patients/lung_chemotherapy.py`). The effect on the tumour fades with a half-life of five
weeks, while nadirs deepen from cycle to cycle: late doses do less and harm more. Scans tell how fast a tumour grows and
shrinks, counts how much of the dose the marrow bears; neither tells of the other.

`aim` is one interval's return with the risk of grade 4 in place of its event: a predicted nadir is missed by an SD of 0.15 of
its logarithm, what occasions make of the typical patient's at 200 mg/m². The standard of care is 200 mg/m². Comparators: a
fifth less after grade 4 (`clinical-rule`), and who knows the most probable or the true patient. None of them looks beyond the
cycle.

A scan's size below 5 mm is no number (too small to measure, as in RECIST 1.1). Left out: survival, which in Claret 2014 hangs
on the tumour's own time to growth under full treatment, whatever was given, and so could not tell two arms apart; platelets,
neuropathy, new lesions, infections, growth factors.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.data.history import Channel
from posology.environments.neutropenia import COSTS, COUNTS, CYCLES, DAYS
from posology.environments.reward import GRADE_4_BELOW, Cost, Interval, Term, dose_intensity, grade4, one
from posology.environments.treatment import Sampling
from posology.environments.treatments import paclitaxel_cycles, paclitaxel_label
from posology.patients import lung_chemotherapy
from posology.patients.model import Residual
from posology.quantities import log, maximum, power

FULL = 200.0  # mg/m2
PRICE = 0.2  # of a cycle in grade 4, in ln size
SPREAD = 0.15  # SD of ln nadir between occasions
STEEP = 3.14159 / (3**0.5 * SPREAD)  # of the logistic distribution with that SD
SCAN_ERROR = Residual(additive=7.849, lloq=5.0, status="assumed", source="Claret 2014 (nlmixr2lib); 5 mm: ours")

MODEL = replace(
    lung_chemotherapy.MODEL, residuals={**lung_chemotherapy.MODEL.residuals, "tumour_size": SCAN_ERROR}
)


def shrinkage(i: Interval) -> Any:
    """Fall of the logarithm of the sum of diameters."""
    return log(i.before["tumour_size"]) - log(i.after["tumour_size"])


def growing(i: Interval) -> Any:
    """1 for an interval at whose end the tumour is larger than at its start."""
    return one(i.after["tumour_size"] > i.before["tumour_size"])


def risk(i: Interval) -> Any:
    """Probability of grade 4 where the nadir is predicted without what occasions do to it."""
    return i.given / (1.0 + power(maximum(i.lowest, 1e-3) / GRADE_4_BELOW, STEEP))


def shortfall(i: Interval) -> Any:
    """What an interval is expected to lose: growth of the tumour, and the price of grade 4 times its risk."""
    return PRICE * risk(i) - shrinkage(i)


CHANNELS = (
    *paclitaxel_cycles.CHANNELS,
    Channel("tumour_size", "mm", "reading", keep=4, log=True, centre=4.4, scale=0.7),
)

TREATMENT = replace(
    paclitaxel_label.UP_TO_200,
    id="lung-chemotherapy-v1",
    title="Paclitaxel in advanced lung cancer, six cycles: shrinkage without grade 4 neutropenia",
    question="Which paclitaxel dose at each of six cycles shrinks a lung tumour most without grade 4 neutropenia?",
    model=MODEL,
    samples=(*COUNTS, Sampling("tumour_size", (DAYS,), missing=0.5, at_start=True)),
    channels=CHANNELS,
    terms=(
        Term("shrinkage", 1.0, shrinkage, "fall of the logarithm of the sum of diameters"),
        Term("grade4", -PRICE, grade4, "cycles whose neutrophils fell below 0.5"),
        Term("relative_dose_intensity", 0.0, dose_intensity(FULL), "dose as a share of 200 mg/m2"),
    ),
    costs=(
        *COSTS,
        Cost("growing", growing, float(CYCLES), "intervals at whose end the tumour is larger than at their start"),
    ),
    research_only="nobody fitted its marrow and its tumour together, and that effect follows the dose is assumed",
    not_for="choosing a dose for a patient: neuropathy, platelets, survival and carboplatin's own dose are left out",
    source="doi:10.1002/psp4.12588; Claret 2014, doi:10.1038/clpt.2014.11",
    aim=shortfall,
)
