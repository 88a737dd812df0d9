"""A recommendation as the answer of a decision support service: GuidanceResponse, with the proposal in a RequestGroup.

http://hl7.org/fhir/R4/guidanceresponse.html. An abstention is an answer: `data-required` where a value is missing, else `success`
without a result, and its note says why.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from posology.clinic.fhir.parts import instant, said

MODULE = "urn:posology:treatment:"


def guidance(answer: Mapping[str, Any], patient: Mapping[str, Any], program: Mapping[str, Any], when: datetime) -> dict[str, Any]:
    """The GuidanceResponse of a recommendation; `result` is added where something is proposed."""
    lacks = bool(answer["abstained"] and answer["missing"])
    notes = [f"No dose is recommended: {answer['abstained']}"] if answer["abstained"] else []
    notes += [m["sentence"] for m in answer["missing"]] + [answer["disclaimer"]]
    return {
        "resourceType": "GuidanceResponse",
        "moduleUri": MODULE + answer["treatment"],
        "status": "data-required" if lacks else "success",
        "subject": dict(patient),
        "occurrenceDateTime": instant(when),
        "performer": dict(program),
        "note": [{"text": said(note)} for note in notes],
    }


def group(patient: Mapping[str, Any], program: Mapping[str, Any], proposal: Mapping[str, Any], when: datetime) -> dict[str, Any]:
    """The RequestGroup that holds the proposal: R4 gives a GuidanceResponse no other kind of result."""
    return {
        "resourceType": "RequestGroup",
        "status": "draft",
        "intent": "proposal",
        "subject": dict(patient),
        "authoredOn": instant(when),
        "author": dict(program),
        "action": [{"title": "Give the proposed dose", "resource": dict(proposal)}],
    }
