"""Two validators that are not ours: pyrofile, and the pydantic classes of R4B, which cover what pyrofile leaves out.

R4B changed none of the resources written here. Both accept what R4 forbids here and there, so references and UCUM units
are looked at as well.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from fhir.resources.R4B import get_fhir_model_class
from pyrofile_validator import Validator

from posology.clinic.fhir.parts import references_in
from posology.data.units import ucum


@cache
def validator() -> Any:
    return Validator()


def faults(resource: dict[str, Any]) -> list[str]:
    """What is wrong with a resource or bundle; nothing for a good one."""
    report = validator().validate_resource(resource)
    found = [f"{i.severity.value} {i.code}: {i.message} at {i.path}" for i in report.issues if i.severity.value != "info"]
    for part in _resources(resource):
        try:
            get_fhir_model_class(part["resourceType"]).model_validate(part)
        except ValueError as error:
            found.append(f"{part['resourceType']}: {error}")
    own = {e["fullUrl"] for e in resource.get("entry", []) if "fullUrl" in e}
    found += [f"{target} is not in the bundle" for target in references_in(resource) if target not in own]
    return found + [f"{q} has no UCUM unit" for q in _quantities(resource) if not _measured(q)]


def _resources(resource: dict[str, Any]) -> list[dict[str, Any]]:
    return [resource, *(e["resource"] for e in resource.get("entry", []))]


def _quantities(part: Any) -> list[dict[str, Any]]:
    if isinstance(part, list):
        return [q for p in part for q in _quantities(p)]
    if not isinstance(part, dict):
        return []
    own = [v for k, v in part.items() if k.endswith("Quantity")]
    return own + [q for p in part.values() for q in _quantities(p)]


def _measured(quantity: dict[str, Any]) -> bool:
    return quantity.get("system") == "http://unitsofmeasure.org" and ucum(quantity["code"]) == quantity["code"]
