"""A dose as MedicationRequest: what we propose (intent proposal, draft), never an order and never a prohibition.

http://hl7.org/fhir/R4/medicationrequest.html. Amounts are of one dose, in UCUM units; doses that follow each other until the
next visit repeat with a count. Advice to give nothing is no request: it is said as an issue (`issues.py`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from posology.clinic.fhir.parts import concept, instant, said
from posology.data.readers.fhir_write import quantity
from posology.environments.given import drug_of


def drug_named(treatment: str) -> str:
    """The drug of a treatment.

    Raises:
        ValueError: for an unknown treatment.
    """
    from posology.environments.catalogue import treatment as found

    return drug_of(found(treatment).model)


def request(
    option: Mapping[str, Any],
    drug: str,
    subject: Mapping[str, Any],
    at: datetime,
    authored: datetime,
    notes: tuple[str, ...],
    **more: Any,
) -> dict[str, Any]:
    """A proposed dose.

    Args:
        option: of a recommendation: `mg` of one dose, `label`, `every_hours`, `duration_hours`, `wait_days`.
        subject: the reference to the patient.
        at: when the first dose would begin.
        notes: said with it; the sentence that this is for research stands first.
        more: elements to add or to replace, such as `status`.

    Raises:
        ValueError: for an option that gives nothing.
    """
    if not option["mg"] > 0:
        raise ValueError(f"option '{option['label']}': {option['mg']:g} mg is no dose; a request holds an amount above 0 mg")
    return {
        "resourceType": "MedicationRequest",
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": concept(drug),
        "subject": dict(subject),
        "authoredOn": instant(authored),
        "dosageInstruction": [instruction(option, at)],
        "note": [{"text": said(note)} for note in notes if note.strip()],
        **more,
    }


def instruction(option: Mapping[str, Any], at: datetime) -> dict[str, Any]:
    """When and how much: one Dosage."""
    words = f"{option['mg']:g} mg ({option['label']})"
    return {
        "additionalInstruction": [concept(words)],
        "timing": {"event": [instant(at)], **_repeated(option)},
        "doseAndRate": [{"doseQuantity": quantity(float(option["mg"]), "mg")}],
    }


def _repeated(option: Mapping[str, Any]) -> dict[str, Any]:
    repeat: dict[str, Any] = {}
    if option.get("duration_hours"):
        repeat |= {"duration": float(option["duration_hours"]), "durationUnit": "h"}
    every = option.get("every_hours")
    if every:
        count = max(1, math.ceil(24 * option["wait_days"] / every - 1e-9))
        repeat |= {"count": count, "frequency": 1, "period": float(every), "periodUnit": "h"}
    return {"repeat": repeat} if repeat else {}
