from __future__ import annotations

import json

import pytest

from posology.data.readers import fhir, read_cohort, to_fhir
from posology.data.record import covariate_at, from_dict


def coded(code: str, value: float, unit: str, when: str = "2026-03-01T08:00:00Z", **more: object) -> dict:
    quantity = {"value": value, "unit": unit, **{k: more.pop(k) for k in ("comparator",) if k in more}}
    code_of = {"coding": [{"system": "http://loinc.org", "code": code}]}
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": code_of,
        "effectiveDateTime": when,
        "valueQuantity": quantity,
        **more,
    }


def given(**more: object) -> dict:
    dosage = {"dose": {"value": 300, "unit": "mg"}, "route": {"text": "Intravenous route"}}
    drug = {"text": "paclitaxel"}
    start = {"effectiveDateTime": "2026-03-01T09:00:00Z"}
    return {
        "resourceType": "MedicationAdministration",
        "status": "completed",
        "medicationCodeableConcept": drug,
        "dosage": dosage,
        **start,
        **more,
    }


PER_DAY = {"numerator": {"value": 0.3, "unit": "g"}, "denominator": {"value": 1, "unit": "d"}}
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1966-03-01"}


def read_one(*resources: dict):
    (record,) = fhir.records({"resourceType": "Bundle", "entry": [{"resource": r} for r in resources]}, "b.json")
    return record


def test_laboratory_codes_become_covariates_and_neutrophils_an_observation():
    record = read_one(
        PATIENT,
        coded("751-8", 1200, "/uL"),
        coded("1975-2", 0.5, "mg/dL"),
        coded("29463-7", 61, "kg"),
        coded("8302-2", 165, "cm"),
        coded("3140-1", 1.67, "m2"),
        coded("1751-7", 4.1, "g/dL"),
        {**coded("718-7", 9.1, "g/dL"), "code": {"text": "Hemoglobin"}},
    )
    assert {n: v[0].value for n, v in record.covariates.items()} == pytest.approx(
        {"albumin": 4.1, "bilirubin": 0.5, "bsa": 1.67, "height": 165, "male": 0, "weight": 61, "age": 60.0}, abs=0.01
    )
    assert [(o.name, o.value, o.unit) for o in record.observations] == [
        ("anc", 1200, "/uL"),
        ("hemoglobin", 9.1, "g/dL"),
    ]


@pytest.mark.parametrize(
    ("change", "hours"),
    [
        ({"effectiveDateTime": None, "effectivePeriod": {"start": "2026-03-01T09:00:00Z", "end": "2026-03-01T12:00:00Z"}}, 3),
        ({"dosage": {"dose": {"value": 300, "unit": "mg"}, "rateQuantity": {"value": 2.5, "unit": "mg/min"}}}, 2),
        ({"dosage": {"dose": {"value": 300, "unit": "mg"}, "rateRatio": PER_DAY}}, 24),
        ({"dosage": {"dose": {"value": 300, "unit": "mg"}, "rateQuantity": {"value": 100, "unit": "mL/h"}}}, 0),
        ({}, 0),
    ],
)  # fmt: skip
def test_an_infusion_lasts_as_its_rate_or_its_period_says(change, hours):
    (dose,) = read_one(given(**change)).doses
    assert dose.duration == pytest.approx(hours)
    assert dose.amount == 300
    assert dose.drug == "paclitaxel"


def test_what_was_not_given_is_missed_and_what_is_asked_for_is_planned():
    told = {
        "timing": {"event": ["2026-03-22T09:00:00Z"]},
        "doseAndRate": [{"doseQuantity": {"value": 175, "unit": "mg/m2"}}],
    }
    asked = {"resourceType": "MedicationRequest", "status": "active", "dosageInstruction": [told]}
    missed, planned = read_one(given(status="not-done"), asked).doses
    assert missed.status == "missed"
    assert planned.status == "planned"
    assert planned.time == pytest.approx(504)


def test_a_repeated_request_with_a_count_keeps_its_interval():
    repeat = {
        "frequency": 2,
        "period": 1,
        "periodUnit": "d",
        "count": 6,
        "boundsPeriod": {"start": "2026-03-01T08:00:00Z"},
    }
    told = {"timing": {"repeat": repeat}, "doseAndRate": [{"doseQuantity": {"value": 5, "unit": "mg"}}]}
    (dose,) = read_one({"resourceType": "MedicationRequest", "status": "active", "dosageInstruction": [told]}).doses
    assert (dose.ii, dose.addl) == (12, 5)


def test_a_volume_is_no_dose_but_stays_among_the_medications():
    record = read_one(given(dosage={"dose": {"value": 10, "unit": "mL"}}))
    assert not record.doses
    assert record.medications == ("paclitaxel",)
    assert record.notes == ("MedicationAdministration of paclitaxel is not among the doses: a volume says no amount",)


def test_unknown_resources_are_counted_in_the_notes():
    record = read_one(PATIENT, {"resourceType": "Claim"}, {"resourceType": "Claim"}, {"resourceType": "Goal"})
    assert "2 × Claim not read" in record.notes
    assert "Goal not read" in record.notes


def test_a_value_below_its_limit_is_kept_as_such_and_one_above_is_noted():
    record = read_one(coded("751-8", 0.1, "10*9/L", comparator="<"), coded("751-8", 50, "10*9/L", comparator=">"))
    assert [o.below for o in record.observations] == [True]
    assert "only an upper bound fits" in record.notes[0]


def test_a_date_without_a_time_is_midnight_and_noted():
    record = read_one(coded("751-8", 3, "10*9/L", "2026-03-02"), given())
    assert record.observations[0].time - record.doses[0].time == 15
    assert "dates without a time read as 00:00 UTC" in record.notes


def test_resolved_conditions_and_refuted_allergies_are_left_out():
    def stated(kind: str, text: str, **status: str) -> dict:
        return {
            "resourceType": kind,
            "code": {"text": text},
            **{k: {"coding": [{"code": v}]} for k, v in status.items()},
        }

    record = read_one(
        stated("Condition", "ulcer", clinicalStatus="resolved"),
        stated("Condition", "cancer", clinicalStatus="active"),
        stated("AllergyIntolerance", "latex", verificationStatus="refuted"),
        stated("AllergyIntolerance", "peanut"),
    )
    assert record.conditions == ("cancer",)
    assert record.allergies == ("peanut",)


@pytest.mark.parametrize(
    ("resource", "said"),
    [
        (coded("751-8", 3, "bushel"), "entry 1 (Observation), field valueQuantity.unit: unit 'bushel' is not known"),
        (coded("751-8", 3, ""), "entry 1 (Observation), field valueQuantity.unit: is missing"),
        (coded("29463-7", -61, "kg"), "entry 1 (Observation): weight -61 kg is not possible"),
        (coded("751-8", "3", "10*9/L"), "entry 1 (Observation), field valueQuantity.value: must be a number, got '3'"),
        (coded("751-8", 3, "10*9/L", "2026-03-01T08:00:00"), "field effectiveDateTime: '2026-03-01T08:00:00' has no time zone"),
        (coded("751-8", 3, "10*9/L", "2026-02-30"), "is not a date and time that exists"),
        (coded("751-8", 3, "10*9/L", "March"), "field effectiveDateTime: must be hours or a date"),
        (given(dosage={"dose": {"value": 3}}), "field dosage.dose.unit: is missing"),
        (given(dosage={"dose": {"value": 3, "unit": "h"}}), "field dosage.dose.unit: 'h' is not a unit of dose"),
        (given(dosage={"dose": {"value": -3, "unit": "mg"}}),
         "entry 1 (MedicationAdministration), field amount: must not be below 0"),
        (given(effectiveDateTime=None), "field effectiveDateTime: is missing"),
        (given(dosage={"dose": {"value": 3, "unit": "mg"}, "rateQuantity": {"value": 0, "unit": "mg/h"}}),
         "field dosage.rateQuantity: must be above 0"),
        ({**PATIENT, "birthDate": "1966-99-01"}, "field birthDate: '1966-99-01'"),
    ],
)  # fmt: skip
def test_a_resource_we_need_is_refused_not_skipped(resource, said):
    others = [given()] if resource["resourceType"] == "Patient" else []
    with pytest.raises(ValueError) as caught:
        read_one(resource, *others)
    assert str(caught.value).startswith("b.json")
    assert said in str(caught.value)


def test_a_bundle_of_two_patients_keeps_them_apart():
    entries = [
        {"resource": {**coded("751-8", v, "10*9/L"), "subject": {"reference": f"Patient/{p}"}}}
        for p, v in (("a", 1), ("b", 2))
    ]
    first, second = fhir.records({"resourceType": "Bundle", "entry": entries}, "b.json")
    assert (first.id, first.observations[0].value, second.id) == ("a", 1, "b")
    with pytest.raises(ValueError, match=r"entry 3 \(Observation\), field subject: is missing"):
        fhir.records(
            {"resourceType": "Bundle", "entry": [*entries, {"resource": coded("751-8", 3, "10*9/L")}]}, "b.json"
        )


def test_a_versioned_or_full_reference_is_the_same_patient_and_unread_resources_are_none():
    references = ["Patient/p", "Patient/p/_history/3", "https://example.org/fhir/Patient/p", "urn:uuid:p"]
    seen = [{**coded("751-8", 1.0 + i, "10*9/L"), "subject": {"reference": r}} for i, r in enumerate(references)]
    record = read_one(PATIENT, *seen, {"resourceType": "List", "subject": {"reference": "Group/g"}})
    assert len(record.observations) == 4
    assert "List not read" in record.notes


def test_a_written_bundle_carries_codes_and_references():
    bundle = json.loads(to_fhir(from_dict({"id": "p", "covariates": {"weight": {"value": 60, "unit": "kg"}}})))
    seen = bundle["entry"][1]["resource"]
    assert seen["code"]["coding"] == [{"system": "http://loinc.org", "code": "29463-7"}]
    assert seen["subject"] == {"reference": "Patient/p"}
    assert seen["valueQuantity"]["system"] == "http://unitsofmeasure.org"


def test_every_example_file_is_read(shared):
    files = sorted((shared / "data" / "fhir_examples").rglob("*.json"))
    assert len(files) > 100
    found = {file.name: read_cohort(file) for file in files}
    (creatinine,) = found["observation-serum-creatinine.json"]
    assert covariate_at(creatinine, "creatinine", 0) == (1.0, "mg/dL", 0.0)
    assert found["allergyintolerance-example.json"][0].allergies == ("sulfonamide antibacterial",)
    for records in found.values():
        for record in records:
            (back,) = fhir.records(json.loads(to_fhir(record)), "b.json")
            assert back.model_copy(update={"notes": ()}) == record.model_copy(update={"notes": ()})
