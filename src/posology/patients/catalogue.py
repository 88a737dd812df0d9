"""Every patient model, by id. A user's package adds its own through the entry points `posology.models`:

[project.entry-points."posology.models"]
"mydrug-author2020" = "mypackage.mydrug_author2020:MODEL"
"""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points

from posology.patients.model import PatientModel
from posology.patients.models import (
    benchmark_oral_friberg,
    docetaxel_kloft2006,
    nab_paclitaxel_chen2014,
    paclitaxel_henrich2017,
    phenobarbital_grasela1985,
    vancomycin_rhodin2009,
    vancomycin_thomson2009,
)

GROUP = "posology.models"

MODELS: dict[str, PatientModel] = {
    "paclitaxel-henrich2017": paclitaxel_henrich2017.MODEL,
    "nab-paclitaxel-chen2014": nab_paclitaxel_chen2014.MODEL,
    "docetaxel-kloft2006": docetaxel_kloft2006.MODEL,
    "phenobarbital-grasela1985": phenobarbital_grasela1985.MODEL,
    "vancomycin-thomson2009": vancomycin_thomson2009.MODEL,
    "vancomycin-rhodin2009": vancomycin_rhodin2009.MODEL,
    "benchmark-oral-friberg": benchmark_oral_friberg.MODEL,
}


def added() -> dict[str, EntryPoint]:
    """Models that other installed packages announce, by id, not yet loaded; a built-in id is never replaced."""
    return {point.name: point for point in entry_points(group=GROUP) if point.name not in MODELS}


def ids() -> tuple[str, ...]:
    """Ids of all models, built-in ones first."""
    return (*MODELS, *sorted(added()))


def model(model_id: str) -> PatientModel:
    """The model of that id.

    Raises:
        ValueError: naming the known ids, when there is none, or what is wrong with an added model.
    """
    if model_id in MODELS:
        return MODELS[model_id]
    others = added()
    if model_id not in others:
        raise ValueError(f"unknown model '{model_id}'; known: {', '.join(ids())}")
    loaded = others[model_id].load()
    if getattr(loaded, "id", None) != model_id:
        raise ValueError(
            f"entry point '{model_id}' of {GROUP} gives {loaded!r:.80}; it must give a model whose id is '{model_id}'"
        )
    return loaded
