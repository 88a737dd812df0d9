"""The vancomycin question of the adults, asked of children from 5 weeks to 12 years: how far does a policy carry?

Visits, noise, terms and limits are those of `vancomycin-adults-v1`; the rows of its table are divided by 70 kg, so that a policy
of adults, moved here, gives what it would give an adult of 70 kg, per kg. Children clear more per kg than adults: from
half a year on a dose per kg that suits an adult is too small, in the first weeks it is too large. Weight follows age; the
creatinine clearance is standardised to 70 kg and full maturity (see the model) and spreads as in adults.

The standard is the adults' one per kg, unchanged. The comparator `size-scaled` multiplies it by the ratio of clearance
per weight that size and age let expect.
"""

from __future__ import annotations

from dataclasses import replace

from posology.environments.treatments import vancomycin_adults as adults
from posology.patients.models import vancomycin_rhodin2009
from posology.patients.population import Along, Distribution, Uniform

ADULT = 70.0  # kg
# A design choice: round figures near the middle of growth charts, not taken from one.
AGES = (0.0, 0.5, 2.0, 6.0, 10.0, 12.0)  # years
WEIGHTS = (3.5, 7.0, 12.0, 20.0, 35.0, 41.0)  # kg, median at those ages

POPULATION: dict[str, Distribution] = {
    "age": Uniform(0.1, 12.0),
    "weight": Along("age", AGES, WEIGHTS, 0.1492),  # CV 15 %
    "crcl": adults.POPULATION["crcl"],
}

TREATMENT = replace(
    adults.TREATMENT,
    id="vancomycin-children-v1",
    title="Vancomycin in children, one week: AUC24 of 400 to 600 mg·h/L",
    question="Which vancomycin dose per kg, every 8, 12 or 24 hours, gives a child an AUC24 of 400 to 600 mg·h/L for a week?",
    model=vancomycin_rhodin2009.MODEL,
    population=POPULATION,
    actions=adults.actions("mg/kg", ADULT),
    standard=adults.row(float(f"{1000 / ADULT:.4g}"), 12.0, "mg/kg"),
    baselines=("standard", "size-scaled", "proportional-rule", "map-greedy", "ensemble-greedy", "oracle"),
    research_only="its model is theory, made to try a transfer, and no child's measurements bear it out",
    not_for="dosing any child: the model is theory, made to try a transfer; newborn and preterm infants",
    source="Thomson 2009, doi:10.1093/jac/dkp085, scaled by allometry and Rhodin 2009, doi:10.1007/s00467-008-0997-5",
)
