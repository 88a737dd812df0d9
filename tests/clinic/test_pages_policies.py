"""What a training learned is offered at the bedside when somebody says so; responses to drugs are kept."""

from __future__ import annotations

import numpy as np
import pytest
from playwright.sync_api import expect
from web_clients import violations

from posology.clinic import store
from posology.clinic.store import jobs
from posology.clinic.tasks import folder
from posology.data.record import from_dict
from posology.environments.catalogue import treatment
from posology.policies.storage import save_policy

LABEL = "paclitaxel-label-v1"


@pytest.fixture
def learned(site):
    """A function that makes a training of a treatment that is done, with its run; the job's key."""
    clinic = site.state.clinic

    def done(name: str) -> str:
        arguments = {"treatment": name, "learner": "ppo", "updates": 1, "seed": 0, "settings": {}}
        key = jobs.submit(clinic.engine, "training", arguments, "dr.a")
        held = jobs.claim(clinic.engine, "w", ["training"])
        about = {"treatment": name, "fingerprint": treatment(name).fingerprint, "learner": "ppo", "form": {}, "spec": {}}
        save_policy(folder(clinic.settings.data, held.key), {"w": np.zeros(1)}, about, {}, "made up")
        jobs.finish(clinic.engine, held, "w", {"return_mean": 0.3})
        return key

    return done


def test_a_learned_policy_is_offered_beside_the_guidelines_and_taken_out_of_use(entered, learned, as_role):
    learned(LABEL)
    page = entered("admin")
    page.goto("/policies")
    page.get_by_label("Name").fill("ppo-first")
    page.get_by_role("button", name="Offer it").click()
    expect(page.get_by_role("row", name="ppo-first")).to_contain_text("offered")
    assert violations(page) == []
    offered = {o["treatment"]: o["policies"] for o in as_role("clinician").get("/api/offers").json()}
    assert "ppo-first" in offered[LABEL] and offered[LABEL][0] == "map-greedy"
    page.get_by_role("button", name="Take out of use").click()
    expect(page.get_by_role("row", name="ppo-first")).to_contain_text("out of use since")
    assert all("ppo-first" not in o["policies"] for o in as_role("clinician").get("/api/offers").json())


def test_what_cannot_be_offered_is_refused_with_a_sentence(as_role, learned, site):
    browser = as_role("researcher")
    done, research = learned(LABEL), learned("paclitaxel-cycles-v1")
    waiting = jobs.submit(site.state.clinic.engine, "trial", {}, "dr.a")
    for job, name, status, sentence in (
        (waiting, "ppo-one", 409, "job: trial, queued"),
        (research, "ppo-one", 404, "is not offered"),
        (done, "map-greedy", 422, "is a guideline or planner"),
        (done, "../x", 422, "name"),
        ("0" * 32, "ppo-one", 404, "job"),
    ):
        answer = browser.post("/api/policies", json={"job": job, "name": name})
        assert answer.status_code == status and sentence in answer.json()["detail"], answer.text
    assert browser.post("/policies", data={"job": done, "name": "Not so"}).status_code == 422
    assert browser.post("/api/policies/nobody/retire").status_code == 404
    jobs.cancel(site.state.clinic.engine, waiting, "dr.a")


def test_a_response_to_a_drug_and_parameters_are_kept_beside_the_record(as_role, site):
    key = store.create(site.state.clinic.engine, from_dict({"id": "RESPONDER"}), "dr.a")
    browser = as_role("clinician")
    told = {"drug": "paclitaxel", "response": "partial response", "value": "-31,5", "unit": "%", "note": "after three cycles"}
    assert browser.post(f"/patients/{key}/responses", data=told).status_code == 303
    page = browser.get(f"/patients/{key}").text
    assert "partial response" in page and "-31.5" in page
    assert browser.post(f"/patients/{key}/responses", data=told | {"value": "much"}).status_code == 422
    number = {"symbol": "vmel", "value": 35.9, "unit": "umol/h", "source": "MAP estimate"}
    model = number | {"model": "paclitaxel-henrich2017", "method": "map"}
    assert browser.post(f"/api/patients/{key}/parameters", json=model).status_code == 201
    assert browser.post(f"/api/patients/{key}/immune", json=number | {"patient_type": "young"}).status_code == 201
    assert browser.post(f"/api/patients/{key}/parameters", json=model | {"unit": "mgg"}).status_code == 422
    found = [browser.get(f"/api/patients/{key}/{kind}").json() for kind in ("responses", "parameters", "immune")]
    assert [len(rows) for rows in found] == [1, 1, 1] and found[1][0]["finding"]["value"] == 35.9
    assert as_role("viewer").post(f"/api/patients/{key}/parameters", json=model).status_code == 403
