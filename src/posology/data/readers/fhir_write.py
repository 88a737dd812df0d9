"""A record as a FHIR R4 bundle that the reader gives back unchanged, times to the microsecond."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from posology.data.record import Dose, Measured, Record, calendar

# What FHIR has no element for, kept as extensions and categories under our own names.
SECTION = "urn:posology:section"  # category of an Observation: covariate, observation or genotype
START = "urn:posology:start"  # on the bundle: the calendar time of hour 0
RELATIVE = "urn:posology:relative"  # on the bundle: the dates only stand for hours
DOSE = "urn:posology:dose"  # on a dose: ii, addl, ss

LOINC: Mapping[str, str] = {
    "751-8": "anc",
    "26499-4": "anc",
    "1975-2": "bilirubin",
    "14631-6": "bilirubin",
    "29463-7": "weight",
    "3141-9": "weight",
    "8302-2": "height",
    "3140-1": "bsa",
    "8277-6": "bsa",
    "1751-7": "albumin",
    "2862-1": "albumin",
    "2160-0": "creatinine",
    "14682-9": "creatinine",
    "30525-0": "age",
}
CODES: Mapping[str, str] = {name: code for code, name in reversed(tuple(LOINC.items()))}
UCUM = "http://unitsofmeasure.org"


def to_fhir(record: Record) -> str:
    """The record as the text of a FHIR R4 bundle (type collection); notes are not written."""
    entries = [{"resource": resource} for resource in resources_of(record)]
    bundle = {"resourceType": "Bundle", "meta": {"extension": origin(record)}, "type": "collection", "entry": entries}
    return json.dumps(bundle, indent=2, ensure_ascii=False) + "\n"


def resources_of(record: Record) -> list[dict[str, Any]]:
    """Everything a record holds: its Patient, then what refers to it."""
    resources = [patient(record)]
    for name, values in record.covariates.items():
        if name != "male" or "gender" not in resources[0]:
            resources += [measured(record, "covariate", name, m) for m in values]
    for o in record.observations:
        seen = Measured(value=o.value, unit=o.unit, time=o.time)
        resources.append(measured(record, "observation", o.name, seen, o.below))
    resources += [_planned(record, d) if d.status == "planned" else given(record, d) for d in record.doses]
    resources += [genotyped(gene, genotype) for gene, genotype in record.genotypes.items()]
    resources += [_stated("Condition", "condition-clinical", text) for text in record.conditions]
    resources += [_stated("AllergyIntolerance", "allergyintolerance-clinical", text) for text in record.allergies]
    resources += [
        {"resourceType": "MedicationStatement", "status": "active", "medicationCodeableConcept": {"text": text}}
        for text in record.medications
    ]
    return [resources[0], *(_of_patient(resource, record.id) for resource in resources[1:])]


def _of_patient(resource: dict[str, Any], patient: str) -> dict[str, Any]:
    who = "patient" if resource["resourceType"] == "AllergyIntolerance" else "subject"
    return {**resource, who: {"reference": f"Patient/{patient}"}}


def origin(record: Record) -> list[dict[str, Any]]:
    """What a bundle says of its calendar: the time of hour 0, and whether dates only stand for hours."""
    said: list[dict[str, Any]] = [{"url": START, "valueDateTime": calendar(record, 0.0).isoformat()}]
    return said if record.start else [*said, {"url": RELATIVE, "valueBoolean": True}]


def patient(record: Record) -> dict[str, Any]:
    """The record's Patient; sex is his gender where it is the one constant of that name."""
    who: dict[str, Any] = {"resourceType": "Patient", "id": record.id}
    male = record.covariates.get("male", ())
    if len(male) == 1 and male[0].time is None and male[0].unit == "1" and male[0].value in (0.0, 1.0):
        who["gender"] = "male" if male[0].value else "female"
    return who


def quantity(value: float, unit: str) -> dict[str, Any]:
    """A Quantity whose unit is a UCUM code."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def measured(record: Record, section: str, name: str, m: Measured, below: bool = False) -> dict[str, Any]:
    """An Observation of a covariate or a reading, without its patient."""
    code: dict[str, Any] = {"text": name}
    if name in CODES:
        code["coding"] = [{"system": "http://loinc.org", "code": CODES[name]}]
    seen: dict[str, Any] = {"resourceType": "Observation", "status": "final", "code": code}
    seen["category"] = [{"coding": [{"system": SECTION, "code": section}]}]
    if m.time is not None:
        seen["effectiveDateTime"] = calendar(record, m.time).isoformat()
    seen["valueQuantity"] = {**quantity(m.value, m.unit), **({"comparator": "<"} if below else {})}
    return seen


def genotyped(gene: str, genotype: str) -> dict[str, Any]:
    """An Observation of a gene, without its patient."""
    category = [{"coding": [{"system": SECTION, "code": "genotype"}]}]
    seen = {"resourceType": "Observation", "status": "final", "category": category}
    return {**seen, "code": {"text": gene}, "valueString": genotype}


def _stated(kind: str, system: str, text: str) -> dict[str, Any]:
    status = {"coding": [{"system": f"http://terminology.hl7.org/CodeSystem/{system}", "code": "active"}]}
    return {"resourceType": kind, "clinicalStatus": status, "code": {"text": text}}


def _medicated(kind: str, status: str, d: Dose) -> dict[str, Any]:
    unnamed = [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]
    made: dict[str, Any] = {"resourceType": kind, "status": status}
    made["medicationCodeableConcept"] = {"text": d.drug} if d.drug else {"extension": unnamed}
    schedule: list[dict[str, Any]] = [{"url": "ii", "valueDecimal": d.ii}] if d.ii else []
    schedule += [{"url": "addl", "valueInteger": d.addl}] if d.addl else []
    schedule += [{"url": "ss", "valueBoolean": True}] if d.ss else []
    if schedule:
        made["extension"] = [{"url": DOSE, "extension": schedule}]
    return made


def given(record: Record, d: Dose) -> dict[str, Any]:
    """A MedicationAdministration, without its patient."""
    made = _medicated("MedicationAdministration", "completed" if d.status == "given" else "not-done", d)
    start = calendar(record, d.time).isoformat()
    if d.duration:
        made["effectivePeriod"] = {"start": start, "end": calendar(record, d.time + d.duration).isoformat()}
    else:
        made["effectiveDateTime"] = start
    made["dosage"] = {"dose": quantity(d.amount, d.unit), **({"route": {"text": d.route}} if d.route else {})}
    return made


def _planned(record: Record, d: Dose) -> dict[str, Any]:
    made = {**_medicated("MedicationRequest", "active", d), "intent": "plan"}
    timing: dict[str, Any] = {"event": [calendar(record, d.time).isoformat()]}
    if d.duration:
        timing["repeat"] = {"duration": d.duration, "durationUnit": "h"}
    told: dict[str, Any] = {"timing": timing, "doseAndRate": [{"doseQuantity": quantity(d.amount, d.unit)}]}
    if d.route:
        told["route"] = {"text": d.route}
    return {**made, "dosageInstruction": [told]}
