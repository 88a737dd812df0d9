"""A policy in the clinic doses patients of the virtual hospital, and nothing but HTTP goes between the two."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from web_clients import serving

from posology.clinic import store
from posology.clinic.ehr_app import create_ehr
from posology.clinic.settings import Settings
from posology.data.readers import fhir
from posology.data.readers.json import to_dict

from .fhirgate import faults
from .test_virtual_ehr import LABEL, SEED, VISITS, policy_run

KINDS = ("Patient", "Observation", "MedicationAdministration")
POLICY = "clinical-rule"


def chart(hospital: httpx.Client, patient: str) -> dict[str, Any]:
    """What the hospital says of a patient, as a bundle."""
    found = hospital.get(f"/fhir/Patient/{patient}").json()
    entries = [{"resource": found}]
    for kind in KINDS[1:]:
        entries += hospital.get(f"/fhir/{kind}", params={"patient": patient}).json().get("entry", [])
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": e["resource"]} for e in entries]}


def visit(hospital: httpx.Client, clinic: httpx.Client, patient: str, known: dict[str, Any]) -> tuple[float, float]:
    """Day and mg of what the clinic proposes for a patient, who then gets it at the hospital."""
    now, seen = hospital.get("/time").json(), chart(hospital, patient)
    if not known:
        entered = clinic.post("/fhir", json=seen)
        assert entered.status_code == 201, entered.text
        known |= {"key": entered.headers["location"].rpartition("/")[2], "version": 1}
    else:
        (record,) = fhir.records(seen, "chart")
        edited = clinic.put(f"/api/patients/{known['key']}", json={"version": known["version"], "record": to_dict(record)})
        assert edited.status_code == 200, edited.text
        known["version"] = edited.json()["version"]
    asked = {"patient": known["key"], "treatment": LABEL.id, "policy": POLICY, "at": now["now"]}
    answer = clinic.post("/api/recommendations", json=asked)
    assert answer.status_code == 200, answer.text
    chosen = answer.json()["recommendation"]["chosen"]
    said = {"treatment": LABEL.id, "policy": POLICY, "at": now["now"]}
    bundle = clinic.post(f"/fhir/Patient/{known['key']}/$recommend", params=said).json()
    proposed = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "MedicationRequest"]
    if proposed:
        order = proposed[0] | {"subject": {"reference": f"Patient/{patient}"}}
        assert hospital.post("/fhir/MedicationRequest", json=order).status_code == 201
    else:
        hospital.post("/time/wait", json={"patient": patient, "days": chosen and chosen["wait_days"]})
    return now["day"], chosen["mg"] if chosen else 0.0


def test_doses_through_http_are_those_of_the_run_in_one_process(site, served):
    secret = store.add_token(site.state.clinic.engine, "demo-clinician", "virtual hospital", "demo-clinician", Settings())
    told = {"Authorization": f"Bearer {secret}"}
    patient, made, known = f"virtual-{SEED}-0", [], {}
    with (
        serving(create_ehr(LABEL, 1, SEED)) as base,
        httpx.Client(base_url=base) as hospital,
        httpx.Client(base_url=served, headers=told, timeout=120) as clinic,
    ):
        for number in range(VISITS):
            if number:
                days = hospital.get("/time").json()["next_visit_days"]
                assert patient in hospital.post("/time", json={"days": days}).json()["due"]
            made.append(visit(hospital, clinic, patient, known))
    assert [mg for _, mg in made] == [v.mg for v in policy_run()[0]]
    assert [day for day, _ in made] == pytest.approx([v.day for v in policy_run()[0]], abs=1e-4)
    assert known["version"] == VISITS


def test_the_hospital_answers_in_fhir_and_refuses_with_a_path():
    with serving(create_ehr(LABEL, 2, SEED)) as base, httpx.Client(base_url=base) as hospital:
        listed = hospital.get("/fhir/Patient")
        assert listed.headers["content-type"] == "application/fhir+json" and faults(listed.json()) == []
        assert listed.json()["total"] == 2
        one = f"virtual-{SEED}-1"
        for method, path, body, status, said in (
            ("GET", "/fhir/Patient/nobody", None, 404, "Patient/nobody: is not here"),
            ("GET", "/fhir/Observation", None, 422, "query.patient: Field required"),
            ("POST", "/fhir/MedicationRequest", {}, 422, "MedicationRequest.subject.reference: must be Patient/"),
            ("POST", "/fhir/MedicationRequest", {"subject": {"reference": f"Patient/{one}"}}, 422, "must be MedicationRequest"),
            ("POST", "/time", {"days": 1}, 422, "would pass the visit of virtual-5-0"),
            ("POST", "/time", {"days": 0}, 422, "body.days"),
            ("POST", "/time/wait", {"patient": one, "days": 5}, 422, "is no wait of paclitaxel-label-v1"),
        ):
            answer = hospital.request(method, path, json=body)
            assert answer.status_code == status, (path, answer.text)
            assert faults(answer.json()) == [] and said in answer.json()["issue"][0]["details"]["text"]
        assert one not in hospital.post("/time/wait", json={"patient": one}).json()["due"]
