"""The standard of care where it depends on the patient: by weight band, by renal function, by gene.

`standard` gives every patient one row of the table; this arm the row nearest to what the treatment's `usual(covariates)`
says. It looks at no level and no count.
"""

from __future__ import annotations

from typing import Any

from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.evaluation.level_guided import nearest, per_day


def knows(env: TreatmentEnvironment) -> bool:
    """Whether the treatment's usual dose depends on the patient."""
    return env.treatment.usual is not None


def choose(env: TreatmentEnvironment, mask: Any, patient: Any) -> Chosen:
    """The row nearest to the usual dose of such a patient."""
    t = env.treatment
    assert t.usual is not None
    return nearest(env, t.usual(patient.covariates) * per_day(t.standard) / t.standard.amount, mask)
