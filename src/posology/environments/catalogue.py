"""The treatments. To add one: a file in `treatments/` and a line here."""

from __future__ import annotations

from posology.environments.treatment import Treatment
from posology.environments.treatments import (
    docetaxel_cycles,
    nab_paclitaxel_cycles,
    paclitaxel_cycles,
    paclitaxel_label,
    phenobarbital_maintenance,
)

TREATMENTS: dict[str, Treatment] = {
    "paclitaxel-cycles-v1": paclitaxel_cycles.TREATMENT,
    "paclitaxel-label-v1": paclitaxel_label.TREATMENT,
    "paclitaxel-label-200-v1": paclitaxel_label.UP_TO_200,
    "nab-paclitaxel-cycles-v1": nab_paclitaxel_cycles.TREATMENT,
    "docetaxel-cycles-v1": docetaxel_cycles.TREATMENT,
    "phenobarbital-maintenance-v1": phenobarbital_maintenance.TREATMENT,
}


def treatment(id: str) -> Treatment:
    """The treatment of that id.

    Raises:
        KeyError: naming the known ids.
    """
    if id not in TREATMENTS:
        raise KeyError(f"unknown treatment '{id}'; known: {', '.join(TREATMENTS)}")
    return TREATMENTS[id]
