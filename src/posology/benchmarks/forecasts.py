"""How well models foresee real patients: `posology evidence forecasts`, what `posology forecast MODEL --folds 5` prints.

Lesions of Ghaffari Laleh 2022 and men of the trials of Bruchovsky and Shaw, read from the shared folder. Of both a third of the
patients is kept back by others and is in none of these numbers.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.benchmarks import tables
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


def by_model(found: Mapping[str, Any]) -> str:
    """The tables for a reader, in Markdown."""
    said = lambda v, scale=1.0: f"{scale * v['value']:.3g} ({scale * v['lower']:.3g} to {scale * v['upper']:.3g})"  # noqa: E731
    parts = []
    for row in found["rows"]:
        head = ["absolute error", "mean", "median"]
        body = [[name, said(e["mean"]), said(e["median"])] for name, e in row["errors"].items()]
        held = "; ".join(f"of the {k} % intervals {said(v, 100)} % hold the truth" for k, v in row["coverage"].items())
        told = [f"**`{row['model']}`**, {row['forecasts']} forecasts of {row['patients']} patients, in {row['unit']}; {held}."]
        if auc := row["relapse_auc"]:
            told.append(f"Relapse of {auc['with']} of {auc['of']} men: area under the curve {said(auc)}.")
        parts += [*told, tables.markdown([head, *body])]
    return "\n\n".join(parts)
