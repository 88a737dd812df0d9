"""What a FHIR R4 facade over these functions can do, and no more, as CapabilityStatement.

A record is imported by `POST [base]/Bundle`; what was recommended or decided is read by `GET [base]/Bundle/[id]`. Nothing can be
searched, changed or deleted: the facade is no record system. http://hl7.org/fhir/R4/capabilitystatement.html.
"""

from __future__ import annotations

from datetime import date
from importlib import metadata
from typing import Any

from posology.bedside.sentences import DISCLAIMER
from posology.data.readers.fhir_resources import RESOURCES

FHIR = "4.0.1"
WRITTEN = ("DetectedIssue", "Device", "MedicationAdministration", "MedicationRequest", "Observation", "Patient", "Provenance")


def capability(base: str, on: date, smart: tuple[str, str] | None = None) -> dict[str, Any]:
    """The statement of the facade at `base`.

    Args:
        on: the date of this statement.
        smart: where a SMART app is sent to be authorised and to get a token, if it must be.

    Raises:
        ValueError: for a base that is no web address.
    """
    if not base.startswith(("https://", "http://")):
        raise ValueError(f"base: '{base}' is no web address; it must begin with https:// (or http:// on this machine)")
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "experimental": True,
        "date": on.isoformat(),
        "publisher": "The Posology authors",
        "description": DISCLAIMER,
        "kind": "instance",
        "software": {"name": "Posology", "version": metadata.version("posology")},
        "implementation": {"description": "Posology: who should get which dose, when", "url": base},
        "fhirVersion": FHIR,
        "format": ["json"],
        "rest": [{"mode": "server", **_security(smart), "resource": [_bundles()]}],
    }


def _bundles() -> dict[str, Any]:
    imported = f"Imports the record of one or several patients, of {', '.join(RESOURCES)}; all else is counted in the answer."
    read = f"Reads what was recommended or decided, as a collection of {', '.join(WRITTEN)}."
    return {
        "type": "Bundle",
        "interaction": [{"code": "create", "documentation": imported}, {"code": "read", "documentation": read}],
        "versioning": "no-version",
        "conditionalCreate": False,
    }


def _security(smart: tuple[str, str] | None) -> dict[str, Any]:
    if smart is None:
        return {}
    uris = [{"url": name, "valueUri": uri} for name, uri in zip(("authorize", "token"), smart, strict=True)]
    service = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
    extension = {"url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", "extension": uris}
    return {"security": {"extension": [extension], "service": [{"coding": [service]}]}}
