"""A SMART launch from a hospital's system that answers on loopback, from its chart to the patient's page here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, Form, Request
from fastapi.responses import JSONResponse, RedirectResponse
from web_clients import client, serving

from posology.clinic import store
from posology.clinic.app import create_app
from posology.clinic.demo import paclitaxel
from posology.clinic.settings import Settings
from posology.data.readers.fhir_write import resources_of
from posology.data.record import from_dict

WORDS = "a hospital on loopback"


class Hospital:
    """A hospital's system: it authorises, checks the proof of PKCE, gives one token for each code and a chart page by page."""

    def __init__(self) -> None:
        self.app, self.base, self.codes, self.refuses = FastAPI(), "", dict[str, dict[str, str]](), set[str]()
        self.record = from_dict(paclitaxel("p-1", 58, 68, 164, 0, ((305, 0.9, 3.6),), 5.8, bilirubin=9, allergies=["latex"]))
        self.elsewhere = ""
        self.app.get("/fhir/.well-known/smart-configuration")(self.configuration)
        self.app.get("/authorize")(self.authorize)
        self.app.post("/token")(self.token)
        self.app.get("/fhir/{kind}/{id}")(self.read)
        self.app.get("/fhir/{kind}")(self.search)

    def configuration(self) -> Any:
        ends = {"authorization_endpoint": f"{self.base}/authorize", "token_endpoint": f"{self.base}/token"}
        return ends | {"code_challenge_methods_supported": ["S256"]}

    def authorize(self, request: Request) -> Any:
        asked = dict(request.query_params)
        assert asked["aud"] == f"{self.base}/fhir" and asked["launch"] == "chart-7"
        code = f"code-{len(self.codes)}"
        self.codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 302)

    def token(self, code: str = Form(), code_verifier: str = Form(), client_id: str = Form(), redirect_uri: str = Form()) -> Any:
        asked = self.codes.pop(code, None)
        proof = create_s256_code_challenge(code_verifier)
        if asked is None or (proof, client_id, redirect_uri) != (asked["code_challenge"], "posology", asked["redirect_uri"]):
            return JSONResponse({"error": "invalid_grant"}, 400)
        return {"access_token": "secret", "token_type": "Bearer", "expires_in": 300, "scope": asked["scope"], "patient": "p-1"}

    def read(self, request: Request, kind: str, id: str) -> Any:
        return self.of(request, kind)[0]

    def search(self, request: Request, kind: str, patient: str, page: int = 0) -> Any:
        if kind in self.refuses:
            return JSONResponse({"resourceType": "OperationOutcome"}, 403)
        found, size = self.of(request, kind), 2
        made: dict[str, Any] = {"resourceType": "Bundle", "type": "searchset"}
        made["entry"] = [{"resource": r} for r in found[page * size : page * size + size]]
        if found[page * size + size :]:
            after = f"{self.elsewhere or self.base}/fhir/{kind}?{urlencode({'patient': patient, 'page': page + 1})}"
            made["link"] = [{"relation": "next", "url": after}]
        return made

    def of(self, request: Request, kind: str) -> list[dict[str, Any]]:
        assert request.headers["authorization"] == "Bearer secret"
        return [r for r in resources_of(self.record) if r["resourceType"] == kind]


@pytest.fixture(scope="module")
def hospital() -> Iterator[Hospital]:
    made = Hospital()
    with serving(made.app) as base:
        made.base = base
        yield made


@pytest.fixture(scope="module")
def clinic(hospital, tmp_path_factory) -> Iterator[Any]:
    issuers = (f"{hospital.base}/fhir",)
    app = create_app(Settings(data=tmp_path_factory.mktemp("smart"), smart_client_id="posology", smart_issuers=issuers))
    store.add_user(app.state.clinic.engine, "dr.a", WORDS, "clinician", "test")
    yield app
    app.state.clinic.engine.dispose()


@pytest.fixture
def browser(clinic) -> Any:
    found = client(clinic)
    assert found.post("/login", data={"name": "dr.a", "password": WORDS}).status_code == 303
    return found


def authorised(hospital: Hospital, browser: Any) -> str:
    """The address here to which a launch brings the browser back."""
    begun = browser.get("/launch", params={"iss": f"{hospital.base}/fhir", "launch": "chart-7"})
    assert begun.status_code == 303, begun.text
    assert "HttpOnly" in begun.headers["set-cookie"] and "code_verifier" not in begun.headers["location"]
    return httpx.get(begun.headers["location"]).headers["location"].removeprefix("http://127.0.0.1")


def test_a_launch_enters_the_patient_and_a_later_one_adds_a_version(hospital, clinic, browser):
    engine = clinic.state.clinic.engine
    there = browser.get(authorised(hospital, browser))
    assert there.status_code == 303, there.text
    page, _, said = there.headers["location"].partition("?")
    assert said == "said=entered" and browser.get(page).status_code == 200
    kept = store.read(engine, page.rpartition("/")[2])
    assert kept.record.id == "p-1@127.0.0.1" and kept.version == 1 and kept.record.allergies == ("latex",)
    assert [d.amount for d in kept.record.doses] == [305.0] and len(kept.record.observations) == 3

    assert browser.get(authorised(hospital, browser)).headers["location"] == f"{page}?said=saved"
    assert store.read(engine, kept.key).version == 1  # nothing is new
    later = hospital.record.observations[-1].model_copy(update={"time": 700.0, "value": 4.4})
    hospital.record = hospital.record.model_copy(update={"observations": (*hospital.record.observations, later)})
    browser.get(authorised(hospital, browser))
    assert store.read(engine, kept.key).version == 2 and len(store.read(engine, kept.key).record.observations) == 4


def test_the_browser_that_began_a_launch_ends_it_and_only_once(hospital, clinic, browser):
    back = authorised(hospital, browser)
    other = client(clinic)
    other.post("/login", data={"name": "dr.a", "password": WORDS})
    assert other.get(back).status_code == 422  # it has begun none
    code = parse_qs(urlsplit(back).query)["code"][0]
    forged = browser.get("/smart/callback", params={"code": code, "state": "another"})
    assert forged.status_code == 422 and "state: is not the one that was sent" in forged.text
    assert "has begun none" in browser.get(back).text  # the forged return ended the launch
    again = authorised(hospital, browser)
    cookies = dict(browser.cookies)
    assert browser.get(again).status_code == 303
    replayed = client(clinic, cookies=cookies).get(again)
    assert replayed.status_code == 422 and "has begun none" in replayed.text


def test_a_code_that_another_proof_asked_for_is_worth_nothing(hospital, browser):
    stolen = parse_qs(urlsplit(authorised(hospital, browser)).query)["code"][0]
    mine = parse_qs(urlsplit(authorised(hospital, browser)).query)
    answer = browser.get("/smart/callback", params={"code": stolen, "state": mine["state"][0]})
    assert answer.status_code == 422 and "refused with &#39;invalid_grant&#39;" in answer.text


def test_only_listed_hospitals_launch_and_only_for_those_who_may_enter_patients(hospital, clinic, browser, site, as_role):
    answer = browser.get("/launch", params={"iss": "http://localhost:1/fhir", "launch": "x"})
    assert answer.status_code == 422 and "may not launch us" in answer.text
    assert browser.get("/launch", params={"iss": f"{hospital.base}/fhir"}).status_code == 422
    visitor = client(clinic).get("/launch", params={"iss": f"{hospital.base}/fhir", "launch": "x"})
    assert visitor.headers["location"].startswith("/login?next=%2Flaunch%3Fiss%3D")
    assert as_role("clinician").get("/launch").status_code == 404  # of a clinic where no hospital is set up
    assert as_role("viewer").get("/launch").status_code == 403


def test_what_the_hospital_does_not_give_is_noted_or_refused(hospital, clinic, browser):
    try:
        hospital.refuses = {"AllergyIntolerance"}
        key = browser.get(authorised(hospital, browser)).headers["location"].partition("?")[0].rpartition("/")[2]
        record = store.read(clinic.state.clinic.engine, key).record
        assert "AllergyIntolerance: the hospital's system does not give it (status 403)" in record.notes
        hospital.refuses = {"Observation"}
        answer = browser.get(authorised(hospital, browser))
        assert answer.status_code == 422 and "Observation: the hospital" in answer.text
        hospital.refuses, hospital.elsewhere = set(), "http://localhost:1"
        answer = browser.get(authorised(hospital, browser))
        assert answer.status_code == 422 and "next page is not on the hospital" in answer.text
    finally:
        hospital.refuses, hospital.elsewhere = set(), ""


def test_a_hospital_that_does_not_answer_is_not_available_now(tmp_path):
    app = create_app(Settings(data=tmp_path, smart_client_id="posology", smart_issuers=("http://127.0.0.1:9/fhir",)))
    store.add_user(app.state.clinic.engine, "dr.a", WORDS, "clinician", "test")
    browser = client(app)
    browser.post("/login", data={"name": "dr.a", "password": WORDS})
    answer = browser.get("/launch", params={"iss": "http://127.0.0.1:9/fhir", "launch": "x"})
    assert answer.status_code == 503 and "127.0.0.1:9 does not answer" in answer.text
    app.state.clinic.engine.dispose()


