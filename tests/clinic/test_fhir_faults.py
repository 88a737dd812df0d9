"""A bundle is imported whole, or refused with a path that finds the fault."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from typing import Any

import pytest
from fhirpathpy import compile as fhirpath
from fhirpathpy.models import models

from posology.clinic.fhir.faults import imported, outcome

from .fhirgate import faults

R4 = models["r4"]
NUMBER = {"value": 3.0, "unit": "10*9/L"}


@cache
def compiled(path: str) -> Any:
    return fhirpath(path, model=R4)


def bundle(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in resources]}


def count(**more: Any) -> dict[str, Any]:
    code = {"coding": [{"system": "http://loinc.org", "code": "751-8"}]}
    seen = {"resourceType": "Observation", "status": "final", "code": code, "effectiveDateTime": "2026-03-01T08:00:00Z"}
    return {**seen, "subject": {"reference": "Patient/p"}, "valueQuantity": NUMBER, **more}


def told(outcome: dict[str, Any]) -> tuple[str, str, str]:
    (issue,) = outcome["issue"]
    return issue["code"], issue["details"]["text"], issue["expression"][0]


def asked(**dose: Any) -> dict[str, Any]:
    instruction = {"timing": {"event": ["2026-03-01T08:00:00Z"]}, "doseAndRate": [{"doseQuantity": dose}]}
    return {"resourceType": "MedicationRequest", "status": "active", "dosageInstruction": [instruction]}


PATIENT = {"resourceType": "Patient", "id": "p"}


@pytest.mark.parametrize(
    ("resource", "path", "code"),
    [
        (count(valueQuantity={"value": "3", "unit": "10*9/L"}), ".valueQuantity.value", "value"),
        (count(valueQuantity={"value": 3.0, "unit": "bushel"}), ".valueQuantity.unit", "value"),
        (count(valueQuantity={"value": 3.0}), ".valueQuantity.unit", "required"),
        (count(valueQuantity={"value": 1e9, "unit": "10*9/L"}), ".valueQuantity", "value"),
        (count(code={"coding": [{"code": 7}]}), ".code.coding[0].code", "value"),
        (count(effectiveDateTime="2026-03-01T08:00:00"), ".effectiveDateTime", "value"),
        (asked(value=3.0, unit="mlgm"), ".dosageInstruction[0].doseAndRate.doseQuantity.unit", "value"),
        (asked(value=-3.0, unit="mg"), ".dosageInstruction", "value"),
        ({**PATIENT, "birthDate": "1966-99-01"}, ".birthDate", "value"),
    ],
)
def test_a_refusal_names_the_path_of_the_fault(resource, path, code):
    raw = bundle(*([] if resource["resourceType"] == "Patient" else [PATIENT]), resource, count())
    records, said = imported(raw)
    assert not records and faults(said) == []
    at = next(i for i, e in enumerate(raw["entry"]) if e["resource"] is resource)
    assert told(said)[0] == code
    assert told(said)[2] == f"Bundle.entry[{at}].resource{path}"


def test_a_single_resource_is_named_by_its_kind():
    assert told(imported(count(valueQuantity={"value": 3.0}))[1])[2] == "Observation.valueQuantity.unit"


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ([], "$this"),
        ({}, "resourceType"),
        ({"resourceType": "Bundle", "entry": {}}, "Bundle.entry"),
        ({"resourceType": "Bundle", "entry": [{"resource": PATIENT}, {}]}, "Bundle.entry[1]"),
        (bundle(PATIENT, {**PATIENT, "id": "q"}, {**count(), "subject": {}}), "Bundle.entry[2].resource.subject"),
    ],
)
def test_what_is_no_bundle_is_refused_with_a_path(raw, path):
    records, said = imported(raw)
    assert not records and told(said)[2] == path


def test_a_refusal_from_elsewhere_has_no_path():
    said = outcome(ValueError("the disk is full"))
    assert faults(said) == [] and "expression" not in said["issue"][0]


def test_what_was_left_out_is_said():
    _, said = imported(bundle(PATIENT, count(), {"resourceType": "Claim", "patient": {"reference": "Patient/p"}}))
    assert [i["details"]["text"] for i in said["issue"]] == [
        "patient 'p': 0 covariates, 1 observations, 0 doses read",
        "patient 'p': Claim not read",
    ]
    assert faults(said) == []


def test_every_example_is_imported_and_a_damaged_one_refused_at_the_damage(shared):
    files = sorted((shared / "data" / "fhir_examples").rglob("*.json"))
    assert len(files) > 100
    damaged = 0
    for file in files:
        raw = json.loads(file.read_text(encoding="utf-8"))
        records, said = imported(raw, file.name)
        assert records and {i["severity"] for i in said["issue"]} == {"information"}, file.name
        for wrong in _damage(raw):
            _, said = imported(wrong, file.name)
            code, _, path = told(said)
            assert compiled(path)(wrong) == ["three"], (file.name, path)
            damaged += code == "value"
    assert damaged > 20


def _damage(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """The bundle with the first number of one kind of resource made a word."""
    wrong = deepcopy(raw)
    resources = [e["resource"] for e in wrong["entry"]] if wrong["resourceType"] == "Bundle" else [wrong]
    for resource in resources:
        if resource["resourceType"] == "Observation" and "value" in resource.get("valueQuantity", {}):
            resource["valueQuantity"]["value"] = "three"
            return [wrong]
    return []
