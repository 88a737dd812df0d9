"""A patient of the clinic as the resources that a FHIR server shows: each with an id, searched by patient.

The id of a Patient is the clinic's key, which says nothing of the person; the record's own id is an identifier. The id of any
other resource is the key and a hash of what it says, so that a resource that an edit left alone keeps its id.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from posology.clinic.errors import NotFound
from posology.clinic.fhir.parts import PATIENT, relative, said
from posology.data.readers.fhir_write import resources_of
from posology.data.record import Record

KINDS = (
    "Patient", "Observation", "MedicationAdministration", "MedicationRequest", "MedicationStatement", "Condition",
    "AllergyIntolerance",
)  # fmt: skip
"""The kinds of resources that a record is shown as."""
KEY = re.compile(r"[0-9a-f]{32}")
OWN = re.compile(r"([0-9a-f]{32})-[0-9a-f]{16}")
SUBSETTED = {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}


def kind_of(name: str) -> str:
    """The kind itself.

    Raises:
        NotFound: naming those that are served.
    """
    if name not in KINDS:
        raise NotFound(f"resource type: '{name[:64]}' is not served; allowed: {', '.join(KINDS)}")
    return name


def patient_in(id: str) -> str:
    """The key of the patient that a resource of this id belongs to.

    Raises:
        NotFound: when no resource has such an id.
    """
    found = OWN.fullmatch(id)
    key = found[1] if found else id
    if not KEY.fullmatch(key):
        raise NotFound(f"id: '{id[:64]}' is no resource here")
    return key


def shown(record: Record, key: str, version: int) -> list[dict[str, Any]]:
    """Everything that a record holds, its Patient first."""
    meta: dict[str, Any] = {"versionId": str(version)} | ({} if record.start else {"tag": [relative(record)]})
    first, *others = resources_of(record.model_copy(update={"id": key}))
    made, seen = [{**first, "meta": meta, "identifier": [identifier(record.id)]}], Counter[str]()
    for resource in others:
        text = json.dumps(resource, sort_keys=True)
        seen[text] += 1
        digest = sha256(f"{seen[text]} {text}".encode()).hexdigest()[:16]
        made.append({**resource, "id": f"{key}-{digest}", "meta": meta})
    return made


def listed(key: str, record_id: str, version: int) -> dict[str, Any]:
    """A Patient of a list: who it is, marked as not all that is known."""
    meta = {"versionId": str(version), "tag": [SUBSETTED]}
    return {"resourceType": "Patient", "id": key, "meta": meta, "identifier": [identifier(record_id)]}


def identifier(record_id: str) -> dict[str, str]:
    """A record's own id as a Patient carries it."""
    return {"system": PATIENT, "value": said(record_id)}


def searchset(base: str, asked: str, found: Iterable[Mapping[str, Any]], total: int, following: str = "") -> dict[str, Any]:
    """The answer to a search.

    Args:
        base: address of the facade.
        asked: what was asked for, as it stands behind `base`.
        total: of all that was found.
        following: the same for the next page, if there is one.
    """
    links = [{"relation": "self", "url": f"{base}/{asked}"}]
    links += [{"relation": "next", "url": f"{base}/{following}"}] if following else []
    entries = [
        {"fullUrl": f"{base}/{r['resourceType']}/{r['id']}", "resource": dict(r), "search": {"mode": "match"}} for r in found
    ]
    made: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset", "total": total, "link": links}
    return made | ({"entry": entries} if entries else {})
