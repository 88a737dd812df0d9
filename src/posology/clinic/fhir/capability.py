"""What the FHIR R4 facade can do, and no more, as CapabilityStatement. http://hl7.org/fhir/R4/capabilitystatement.html.

Records are imported as a Bundle and shown as resources that are read, and searched by patient; a recommendation and what a person
decided on it are operations on a Patient. Nothing is changed or deleted through it.
"""

from __future__ import annotations

from datetime import date
from importlib import metadata
from typing import Any

from posology.bedside.sentences import DISCLAIMER
from posology.clinic.fhir.served import KINDS
from posology.data.readers.fhir_resources import RESOURCES

FHIR = "4.0.1"
WRITTEN = (
    "DetectedIssue", "Device", "GuidanceResponse", "MedicationAdministration", "MedicationRequest", "Observation", "Patient",
    "Provenance", "RequestGroup",
)  # fmt: skip
OPERATIONS = {
    "recommend": f"What is recommended to the patient now, as a collection of {', '.join(WRITTEN)}. Parameters: treatment, "
    "policy and at, as a Parameters resource or in the query.",
    "decision": "The same as it was when a person decided on it, with the status that the decision gave it. Parameter: number.",
}
OPERATION = "urn:posology:operation:"


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
        "rest": [{"mode": "server", **_security(smart), "resource": [_bundles(), *(_shown(kind) for kind in KINDS)]}],
    }


def _bundles() -> dict[str, Any]:
    imported = (
        f"Imports the records of one or several new patients, of {', '.join(RESOURCES)}; all else is counted in the answer, "
        "an OperationOutcome. All patients are entered or none. POST [base] takes the same bundles, of any type."
    )
    return {
        "type": "Bundle",
        "interaction": [{"code": "create", "documentation": imported}],
        "versioning": "no-version",
        "conditionalCreate": False,
    }


def _shown(kind: str) -> dict[str, Any]:
    """How a kind of resource is read and searched."""
    params = [("identifier", "token")] if kind == "Patient" else [("patient", "reference")]
    made: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "versioning": "no-version",
        "searchParam": [{"name": name, "type": type} for name, type in params],
    }
    told = [{"name": n, "definition": OPERATION + n, "documentation": words} for n, words in OPERATIONS.items()]
    return made | ({"operation": told} if kind == "Patient" else {})


def _security(smart: tuple[str, str] | None) -> dict[str, Any]:
    if smart is None:
        return {}
    uris = [{"url": name, "valueUri": uri} for name, uri in zip(("authorize", "token"), smart, strict=True)]
    service = {"system": "http://terminology.hl7.org/CodeSystem/restful-security-service", "code": "SMART-on-FHIR"}
    extension = {"url": "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris", "extension": uris}
    return {"security": {"extension": [extension], "service": [{"coding": [service]}]}}
