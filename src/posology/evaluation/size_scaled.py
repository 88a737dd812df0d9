"""The standard dose of an adult per kg, times what size and age do to clearance per weight.

    dose per kg · (CL/weight) / (CL/weight of a mature adult of 70 kg) = dose per kg · (weight/70)^−0.25 · F(PMA)

It knows the child's size and age and looks at no level; see `patients/maturation.py`.
"""

from __future__ import annotations

from typing import Any

from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.evaluation.level_guided import nearest, per_day
from posology.patients.maturation import allometry, maturation
from posology.quantities import numbers_of

NEEDS = ("standard_weight", "clearance_exponent", "tm50", "hill", "term", "weeks")


def knows(env: TreatmentEnvironment) -> bool:
    """Whether the treatment's model scales by size and age."""
    return set(NEEDS) <= set(numbers_of(env.treatment.model.Params))


def ratio(p: Any, weight: Any, age: Any) -> Any:
    """Clearance per weight as a multiple of a mature adult's of the standard weight."""
    size = allometry(weight, p.standard_weight, p.clearance_exponent - 1)
    return size * maturation(p.weeks * age + p.term, p.tm50, p.hill)


def choose(env: TreatmentEnvironment, mask: Any, patient: Any) -> Chosen:
    """The row nearest to the scaled standard dose."""
    t, c = env.treatment, patient.covariates
    return nearest(env, per_day(t.standard) * ratio(t.model.Params(), c["weight"], c["age"]), mask)
