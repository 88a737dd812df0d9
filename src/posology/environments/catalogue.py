"""The treatments. To add one: a file in `treatments/` and a line here."""

from __future__ import annotations

from posology.environments.treatment import Treatment
from posology.environments.treatments import paclitaxel_cycles, paclitaxel_label

TREATMENTS: dict[str, Treatment] = {
    "paclitaxel-cycles-v1": paclitaxel_cycles.TREATMENT,
    "paclitaxel-label-v1": paclitaxel_label.TREATMENT,
}


def treatment(id: str) -> Treatment:
    """The treatment of that id.

    Raises:
        KeyError: naming the known ids.
    """
    if id not in TREATMENTS:
        raise KeyError(f"unknown treatment '{id}'; known: {', '.join(TREATMENTS)}")
    return TREATMENTS[id]
