"""What entered a recommendation, as resources that its Provenance can name.

Values stand as they were used, in the unit of the model: a covariate that was derived is an Observation whose note says
how. Doses that only follow from a steady state are assumed, not given: they are words, no MedicationAdministration.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from posology.clinic.fhir.parts import said
from posology.data.readers.fhir_write import genotyped, given, measured
from posology.data.record import Dose, Measured, Record

RECORDED = "record"  # how `used` names the source of a dose that a record holds


def inputs(used: list[Mapping[str, Any]], record: Record, at: float, drug: str, patient: Mapping[str, Any]) -> dict[str, Any]:
    """Resources by name, of the rows of `used` in a recommendation at hour `at` of the record; sex is the Patient's."""
    made: dict[str, Any] = {}
    for number, row in enumerate(used):
        if row["name"] == "male" and row["kind"] == "covariate":
            continue
        resource = _resource(row, record, at, drug)
        if resource:
            made[f"input {number}"] = {**resource, "subject": dict(patient)}
    return made


def assumed(used: list[Mapping[str, Any]]) -> int:
    """How many doses are assumed from a steady state."""
    return sum(row["kind"] == "dose" and row["source"] != RECORDED for row in used)


def _resource(row: Mapping[str, Any], record: Record, at: float, drug: str) -> dict[str, Any] | None:
    if row["kind"] == "dose":
        return _dose(row, record, at, drug)
    if row["kind"] == "genotype":
        return {**genotyped(row["name"], said(str(row["value"]))), "note": [{"text": said(row["source"])}]}
    return _value(row, record, at)


def _value(row: Mapping[str, Any], record: Record, at: float) -> dict[str, Any]:
    section = "covariate" if row["kind"] == "covariate" else "observation"
    time = None if row["age_hours"] is None else at - row["age_hours"]
    value = Measured(value=float(row["value"]), unit=row["unit"], time=time)
    return {**measured(record, section, row["name"], value, bool(row.get("below"))), "note": [{"text": said(row["source"])}]}


def _dose(row: Mapping[str, Any], record: Record, at: float, drug: str) -> dict[str, Any] | None:
    if row["source"] != RECORDED:
        return None
    return given(record, Dose(time=at - (row["age_hours"] or 0.0), amount=float(row["value"]), unit=row["unit"], drug=drug))
