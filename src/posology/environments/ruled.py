"""A treatment with the rules that its drug has for genes, kidneys, liver and a lifetime's dose, beside its own limits.

The result is for asking about one patient, or for a shield around a policy on simulated patients whose genes or kidneys a channel
tells. It is another treatment than the one that returns are compared on, with another fingerprint.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from posology.environments.given import drug_of
from posology.environments.treatment import Treatment
from posology.safety.limits import Limit
from posology.safety.personal import limits_for


def usual_dose(treatment: Treatment) -> tuple[float, str]:
    """The standard dose, by day where it is given several times until the next visit, and its unit."""
    a = treatment.standard
    return (a.amount * 24.0 / a.interval, f"{a.unit}/d") if a.interval else (a.amount, a.unit)


def rules_of(treatment: Treatment) -> tuple[Limit, ...]:
    """The limits that the rules add to a treatment; none where doses are no amounts of a drug."""
    if treatment.model.recorded_unit != "mg":
        return ()
    return limits_for(drug_of(treatment.model), *usual_dose(treatment), treatment.limits)


@lru_cache(maxsize=64)
def ruled(treatment: Treatment) -> Treatment:
    """The treatment held inside the rules as well; itself where they add none."""
    added = rules_of(treatment)
    own = [x for x in treatment.limits if x.id not in {y.id for y in added}]  # a rule does not forgive what is not known
    return replace(treatment, limits=(*own, *added)) if added else treatment
