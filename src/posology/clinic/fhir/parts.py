"""Pieces of which all our resources are made: names, references, bundles.

Every resource of a bundle has a `urn:uuid:` that follows from what the bundle is about, so that the same answer
for the same record gives the same bundle, and every reference is to such a name in the same bundle.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from posology.data.readers.fhir_write import RELATIVE, patient
from posology.data.record import Record, calendar

PATIENT = "urn:posology:patient"  # system of an identifier: the record's id
ISSUE = "urn:posology:issue"  # system of a code: what kind of issue
_ID = re.compile(r"[A-Za-z0-9.\-]{1,64}")  # what R4 allows as an id


def uuid_of(*parts: object) -> str:
    """The UUID that stands for these parts."""
    return str(uuid5(NAMESPACE_URL, "urn:posology:" + "/".join(str(p) for p in parts)))


def reference(seed: str, name: str) -> dict[str, str]:
    """A reference to the resource of that name in the bundle of that seed."""
    return {"reference": f"urn:uuid:{uuid_of(seed, name)}"}


def concept(text: str, system: str = "", code: str = "") -> dict[str, Any]:
    """A CodeableConcept: words, and a code where one is given."""
    return {**({"coding": [{"system": system, "code": code}]} if code else {}), "text": said(text)}


def said(text: str) -> str:
    """Text as R4 allows it: one line, not empty."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "not said"


def instant(when: datetime) -> str:
    """A moment in UTC.

    Raises:
        ValueError: for a time without a zone.
    """
    if when.tzinfo is None:
        raise ValueError(f"when: {when.isoformat()} has no time zone; give one, such as +00:00")
    return when.astimezone(UTC).isoformat()


def patient_of(record: Record) -> dict[str, Any]:
    """The Patient: the record's id is an identifier, and the resource's id where R4 allows it as one."""
    who = patient(record)
    if not _ID.fullmatch(record.id):
        del who["id"]
    return {**who, "identifier": [{"system": PATIENT, "value": said(record.id)}]}


def bundle(record: Record, seed: str, resources: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A collection of these resources by name; it says so where the record has no dates and ours only stand for hours."""
    entries = [{"fullUrl": reference(seed, name)["reference"], "resource": dict(r)} for name, r in resources.items()]
    meta = {} if record.start else {"meta": {"tag": [relative(record)]}}
    return {"resourceType": "Bundle", **meta, "type": "collection", "entry": entries}


def relative(record: Record) -> dict[str, str]:
    """The tag of what a record without dates is shown as."""
    return {"system": RELATIVE, "code": "hours", "display": f"dates stand for hours since {calendar(record, 0.0):%Y-%m-%d}"}


def of_kind(whole: Mapping[str, Any], kind: str) -> list[dict[str, Any]]:
    """All resources of a kind in a bundle."""
    return [e["resource"] for e in whole["entry"] if e["resource"]["resourceType"] == kind]


def references_in(part: Any) -> Iterable[str]:
    """Every reference in a resource or bundle."""
    if isinstance(part, Mapping):
        if isinstance(part.get("reference"), str):
            yield part["reference"]
        for value in part.values():
            yield from references_in(value)
    elif isinstance(part, list):
        for value in part:
            yield from references_in(value)
