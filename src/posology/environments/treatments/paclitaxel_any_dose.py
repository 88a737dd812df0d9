"""Which amount of paclitaxel, any from 70 to 250 mg/m2, keeps the nadir in grade 1 to 3 at each of six cycles?

The comparison problem `paclitaxel-cycles-v1` with a continuous dose in place of a table: the same patients, visits, measurements,
terms and costs. What chooses from rows (planners, and exploring) takes them from a table in steps of 5 mg/m2, half of the
comparison problem's, a design choice. A step can be differentiated by the dose.

Above-label doses are for research only: nothing is recommended from this treatment.
"""

from __future__ import annotations

from dataclasses import replace

from posology.environments.treatments import paclitaxel_cycles
from posology.environments.treatments.paclitaxel_cycles import dose

LOW, HIGH, STEP = 70, 250, 5  # mg/m2

TREATMENT = replace(
    paclitaxel_cycles.TREATMENT,
    id="paclitaxel-any-dose-v1",
    title="Paclitaxel, six cycles, any dose: nadir in grade 1 to 3 (comparison problem)",
    question="Which amount of paclitaxel, any from 70 to 250 mg/m2, keeps the nadir in grade 1 to 3 at each of six cycles?",
    actions=tuple(dose(d) for d in range(LOW, HIGH + 1, STEP)),
    any_dose=(float(LOW), float(HIGH)),
)
