"""One drug as plain data: what it is for, forms, doses by age, who must not take it, interactions, sources."""

from __future__ import annotations

from typing import Any

from posology.safety.use import DISCLAIMER
from posology.symptoms.dosing import by_age
from posology.symptoms.drugs import Drug, drugs, treats
from posology.symptoms.words import one_of

SMALL_TABLE = (
    "A small table written for a study of software: not a formulary; most of its numbers still have to be read in their sources."
)


def drug_page(name: str) -> dict[str, Any]:
    """The drug of that name.

    Raises:
        ValueError: naming the drugs there are, those that are spelled alike first.
    """
    drug = drugs()[one_of(name, drugs(), "drug")]
    told = [
        {"with": other, "effect": i.kind, "why": i.why, "status": i.status, "source": i.source}
        for other, i in drug.interactions.items()
    ]
    return {
        "id": drug.id,
        "title": drug.title,
        "group": drug.group,
        "indications": drug.indications,
        "diseases": treats(drug.id),
        "forms": drug.forms,
        "unit": drug.unit,
        "step": drug.step,
        "doses": by_age(drug),
        "contraindicated": {**_allergies(drug), **drug.contraindicated},
        "caution": {**{f"allergy to {a}": why for a, why in drug.related.items()}, **drug.caution},
        "interactions": told,
        "status": drug.status,
        "source": drug.source,
        "synthetic": SMALL_TABLE,
        "disclaimer": DISCLAIMER,
    }


def _allergies(drug: Drug) -> dict[str, str]:
    return {f"allergy to {drug.id}": "the drug itself", **{f"allergy to {a}": f"it is one: {drug.group}" for a in drug.allergens}}
