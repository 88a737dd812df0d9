"""What treatments with a drug every three weeks share that ask for the neutrophil nadir.

Visits, the days of the counts, the share of missing ones and the weights are design choices.
"""

from __future__ import annotations

from posology.environments.reward import Cost, Term, dose_intensity, grade0, grade4, ln_nadir_distance
from posology.environments.spec import Action
from posology.environments.treatment import Sampling

CYCLES = 6
DAYS, WEEK = 21.0, 7.0  # d
CALENDAR = 24 * WEEK  # d, for treatments that may put a visit off

COUNTS = (Sampling("anc", (7.0, 14.0, 21.0), missing=0.1),)
COSTS = (Cost("grade4", grade4, 0.36, "cycles in grade 4 neutropenia, per course"),)
WAIT = Action("wait a week", 0.0, "mg/m2", wait=WEEK, delay=True)


def infusion(amount: float, hours: float) -> Action:
    """An amount per m2 over so many hours, and three weeks until the next visit."""
    return Action(f"{amount:g} mg/m2", amount, "mg/m2", duration=hours, wait=DAYS)


def terms(full: float) -> tuple[Term, ...]:
    """Terms of the reward; `full` (mg/m2) is the dose that intensity is a share of."""
    return (
        Term("relative_dose_intensity", 0.0, dose_intensity(full), f"dose as a share of {full:g} mg/m2"),
        Term("grade0", -1.0, grade0, "cycle whose nadir stayed at 2.0 or above"),
        Term("grade4", -1.0, grade4, "cycle whose nadir fell below 0.5"),
        Term("ln_nadir_distance", -0.2, ln_nadir_distance(1.0), "distance of ln nadir from ln 1.0"),
    )
