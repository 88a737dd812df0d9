"""The FHIR facade over HTTP: bundles in, resources and recommendations out, every fault an OperationOutcome."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

import pytest

from posology.clinic import store
from posology.clinic.demo import paclitaxel
from posology.clinic.fhir.parts import of_kind
from posology.clinic.fhir.served import KINDS
from posology.data.readers import fhir as reader
from posology.data.readers.fhir_write import to_fhir
from posology.data.record import from_dict

from .fhirgate import faults

LABEL = "paclitaxel-label-v1"
JSON = "application/fhir+json"


def raw(name: str, **more: Any) -> dict[str, Any]:
    return paclitaxel(name, 58, 68, 164, 0, ((305, 0.9, 3.6), (305, 0.6, 2.8)), 5.8, bilirubin=9, **more)


def faults_apart(searchset: dict[str, Any]) -> list[str]:
    """What is wrong with the answer to a search, whose resources refer to their Patient on the server."""
    return [f for f in faults(searchset) if "is not in the bundle" not in f and "does not resolve in local" not in f]


def outcome(answer: Any, status: int) -> dict[str, Any]:
    """The OperationOutcome of an answer, which the gate accepts."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == JSON
    assert faults(answer.json()) == [] and answer.json()["resourceType"] == "OperationOutcome"
    return answer.json()["issue"][0]


@pytest.fixture(scope="module")
def gina(site) -> str:
    """The key of a patient with one of each kind of resource."""
    more = {"allergies": ["penicillin"], "medications": ["aspirin"]}
    record = from_dict(raw("FHIR-GINA", **more))
    planned = record.doses[-1].model_copy(update={"status": "planned", "time": 1100.0})
    return store.create(site.state.clinic.engine, record.model_copy(update={"doses": (*record.doses, planned)}), "test")


@cache
def bundle(name: str) -> dict[str, Any]:
    return json.loads(to_fhir(from_dict(raw(name))))


def test_the_facade_says_without_login_what_it_serves(visitor, as_role, gina):
    told = visitor.get("/fhir/metadata")
    assert told.headers["content-type"] == JSON and faults(told.json()) == []
    shown = {r["type"]: r for r in told.json()["rest"][0]["resource"]}
    assert set(shown) == {"Bundle", *KINDS}
    for kind in KINDS:
        param = shown[kind]["searchParam"][0]["name"]
        found = as_role("viewer").get(f"/fhir/{kind}?{param}={gina if param == 'patient' else 'FHIR-GINA'}").json()
        assert found["total"] >= 1, kind
        assert faults_apart(found) == []
        for entry in found["entry"]:
            one = as_role("viewer").get(entry["fullUrl"].removeprefix("http://127.0.0.1"))
            assert one.status_code == 200 and one.json()["id"] == entry["resource"]["id"]
            assert one.headers["etag"] == 'W/"1"'


def test_the_description_of_the_interface_says_that_answers_are_fhir(visitor):
    paths = visitor.get("/openapi.json").json()["paths"]
    for path in ("/fhir", "/fhir/metadata", "/fhir/{kind}/{id}", "/fhir/Patient/{id}/$recommend"):
        (told,) = paths[path].values()
        good = "201" if path == "/fhir" else "200"
        assert list(told["responses"][good]["content"]) == [JSON]
        assert told["responses"]["422"]["content"][JSON]["schema"]["$ref"].endswith("/Outcome")
        assert {"401", "403", "404", "406", "429", "503"} <= set(told["responses"])


def test_what_is_shown_is_the_record(as_role, gina, site):
    kinds = [k for k in KINDS if k != "Patient"]
    found = [as_role("viewer").get(f"/fhir/{k}?patient=Patient/{gina}").json()["entry"] for k in kinds]
    whole = {"resourceType": "Bundle", "type": "collection", "entry": [e for part in found for e in part]}
    (back,) = reader.records(whole, "search")
    kept = store.read(site.state.clinic.engine, gina).record
    assert [o.value for o in back.observations] == [o.value for o in kept.observations]
    assert [(d.amount, d.status) for d in back.doses] == [(d.amount, d.status) for d in kept.doses]


def test_patients_are_listed_page_by_page_without_what_a_chart_holds(as_role):
    names, url = [], "/fhir/Patient?_count=3"
    while url:
        page = as_role("viewer").get(url).json()
        assert faults(page) == [] and all("gender" not in e["resource"] for e in page["entry"])
        names += [e["resource"]["identifier"][0]["value"] for e in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "").removeprefix("http://127.0.0.1")
    assert names == sorted(set(names)) and "DEMO-ANNA" in names


def test_a_bundle_is_entered_whole_or_refused_with_its_path(as_role):
    program = as_role("clinician")
    answer = program.post("/fhir", json=bundle("FHIR-HANS") | {"type": "transaction"})
    assert answer.status_code == 201 and faults(answer.json()) == []
    where = answer.headers["location"].removeprefix("http://127.0.0.1")
    assert program.get(where).json()["identifier"][0]["value"] == "FHIR-HANS"
    assert outcome(program.post("/fhir/Bundle", json=bundle("FHIR-HANS")), 409)["code"] == "conflict"

    two = json.loads(json.dumps(bundle("FHIR-IDA")))
    two["entry"] += bundle("FHIR-HANS")["entry"]
    outcome(program.post("/fhir", json=two), 409)
    assert program.get("/fhir/Patient?identifier=FHIR-IDA").json()["total"] == 0

    two["entry"][3]["resource"]["valueQuantity"] |= {"unit": "bushel", "code": "bushel"}
    assert outcome(program.post("/fhir", json=two), 422)["expression"] == ["Bundle.entry[3].resource.valueQuantity.unit"]
    two["entry"][0]["request"] = {"method": "DELETE", "url": "Patient/1"}
    assert outcome(program.post("/fhir", json=two), 422)["expression"] == ["Bundle.entry[0].request.method"]


def test_examples_of_the_standard_are_entered_or_refused_and_never_break_the_clinic(as_role, shared):
    files = sorted((shared / "data" / "fhir_examples").rglob("*.json"))
    entered = 0
    for file in files[:: len(files) // 40]:
        one = json.loads(file.read_text(encoding="utf-8"))
        whole = one if one["resourceType"] == "Bundle" else {"resourceType": "Bundle", "entry": [{"resource": one}]}
        answer = as_role("clinician").post("/fhir", json=whole)
        assert answer.status_code in (201, 409, 422), (file.name, answer.text)
        assert answer.json()["resourceType"] == "OperationOutcome"
        if answer.status_code == 201:
            entered += 1
            first = next(i["details"]["text"] for i in answer.json()["issue"] if "entered as" in i["details"]["text"])
            for kind in KINDS[1:]:
                found = as_role("clinician").get(f"/fhir/{kind}?patient={first.rpartition('/')[2]}").json()
                assert faults_apart(found) == [], (file.name, kind)
    assert entered >= 5  # most of the others are of a patient who was entered with an earlier one


def test_a_recommendation_and_a_decision_are_bundles_that_the_gate_accepts(as_role, gina):
    program = as_role("clinician")
    said = {"treatment": LABEL, "policy": "standard"}
    body = {"resourceType": "Parameters", "parameter": [{"name": k, "valueString": v} for k, v in said.items()]}
    answer = program.post(f"/fhir/Patient/{gina}/$recommend", json=body, headers={"content-type": JSON})
    assert answer.status_code == 200 and faults(answer.json()) == []
    (guidance,), (proposal,) = of_kind(answer.json(), "GuidanceResponse"), of_kind(answer.json(), "MedicationRequest")
    assert guidance["status"] == "success" and guidance["moduleUri"].endswith(LABEL)
    assert (proposal["intent"], proposal["status"]) == ("proposal", "draft")
    (group,) = of_kind(answer.json(), "RequestGroup")
    names = {e["resource"]["resourceType"]: e["fullUrl"] for e in answer.json()["entry"]}
    assert guidance["result"]["reference"] == names["RequestGroup"]
    assert group["action"][0]["resource"]["reference"] == names["MedicationRequest"]
    again = program.post(f"/fhir/Patient/{gina}/$recommend?treatment={LABEL}&policy=standard")
    assert of_kind(again.json(), "MedicationRequest")[0]["dosageInstruction"] == proposal["dosageInstruction"]

    decided = said | {"patient": gina, "version": 1, "answer": "changed", "mg": 200.0, "reason": "fever"}
    number = program.post("/api/decisions", json=decided).json()["number"]
    made = program.get(f"/fhir/Patient/{gina}/$decision?number={number}")
    assert made.status_code == 200 and faults(made.json()) == []
    assert [r["status"] for r in of_kind(made.json(), "MedicationRequest")] == ["cancelled", "active"]
    outcome(program.get(f"/fhir/Patient/{gina}/$decision?number={number + 999}"), 404)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/fhir/Claim?patient=1", 404, "not-found"),
        ("GET", "/fhir/Patient/1", 404, "not-found"),
        ("GET", "/fhir/Observation", 400, "value"),
        ("GET", "/fhir/Observation?patient=" + "0" * 32, 404, "not-found"),
        ("GET", "/fhir/Observation?patient=1&code=x", 400, "value"),
        ("GET", "/fhir/Patient?_count=0", 422, "value"),
        ("GET", "/fhir/a/b/c", 404, "not-found"),
        ("DELETE", "/fhir/metadata", 405, "not-supported"),
        ("POST", "/fhir", 422, "structure"),
        ("POST", "/fhir/Patient/" + "0" * 32 + "/$recommend?treatment=x", 404, "not-found"),
    ],
)
def test_every_fault_is_an_operation_outcome(as_role, method, path, status, code):
    assert outcome(as_role("clinician").request(method, path), status)["code"] == code


def test_who_may_not_and_who_asks_for_another_form_is_told_in_fhir(as_role, visitor, gina):
    assert outcome(visitor.get(f"/fhir/Patient/{gina}"), 401)["code"] == "login"
    assert outcome(as_role("researcher").get(f"/fhir/Patient/{gina}"), 403)["code"] == "forbidden"
    assert outcome(as_role("viewer").post("/fhir", json=bundle("FHIR-JOHN")), 403)["code"] == "forbidden"
    clinician = as_role("clinician")
    for headers in ({"accept": "application/fhir+xml"}, {"accept": "text/xml, application/xml;q=0.9"}):
        assert outcome(clinician.get("/fhir/metadata", headers=headers), 406)["code"] == "not-supported"
    assert outcome(clinician.get("/fhir/metadata?_format=xml"), 406)["code"] == "not-supported"
    assert clinician.get("/fhir/metadata", headers={"accept": "text/html,*/*;q=0.8"}).status_code == 200
    sent = {"content-type": "application/fhir+xml"}
    assert outcome(clinician.post("/fhir", content=b"<Bundle/>", headers=sent), 415)["code"] == "not-supported"
    for body in (b"{", b'{"a": NaN}', b"[" * 100_000):
        outcome(clinician.post("/fhir", content=body), 400)
    assert visitor.get("/fhir/metadata", headers={"host": "evil.example"}).json()["resourceType"] == "OperationOutcome"
