"""How well models foresee real patients: `posology evidence forecasts`, what `posology forecast MODEL --folds 5` prints.

Lesions of Ghaffari Laleh 2022 and men of the trials of Bruchovsky and Shaw, read from the shared folder. Of both a third of the
patients is kept back by others and is in none of these numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.evaluation.forecasts import cohorts
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

FOLDS = 5
LESIONS = Path("data") / "tumour_volume_laleh2022" / "patient_data_visible.csv"
MEN = Path("data") / "psa_ias"


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """The table of every model that foresees, each population fitted without those who are forecast."""
    rows = []
    for model_id in cohorts.FORECAST:
        where = LESIONS if model_id == cohorts.LESIONS else MEN
        tell(f"{model_id} on {where}")
        rows.append({**cohorts.table(model_id, effort.shared / where, FOLDS, tell=tell), "cohort": where.as_posix()})
    return {"rows": rows, **storage.machine()}
