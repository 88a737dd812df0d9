"""Cohorts, trainings and trials, and the immune system lab: in a browser, and as programs ask."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect
from test_cohorts import ODD, table
from web_clients import violations

from posology.clinic import audit
from posology.clinic.store import jobs

REACHED = (0.1, 0.2, 0.3)
POINTS = [
    {"updates": n, "samples": 100 * n, "return_mean": mean, "lower": mean - 0.2, "upper": mean + 0.2, "seconds": n}
    for n, mean in enumerate(REACHED, 1)
]
TRAINING = {"treatment": "phenobarbital-maintenance-v1", "learner": "ppo", "updates": 3}
RESULT = {"return_mean": 0.3, "lower": 0.1, "upper": 0.5, "samples": 300, "seconds": 3.0}


@pytest.fixture
def database(site):
    return site.state.clinic.engine


def test_a_cohort_is_uploaded_looked_at_taken_out_without_identities_and_removed(entered, tmp_path):
    file = tmp_path / "trial.csv"
    file.write_text(table(30))
    page = entered("researcher")
    page.goto("/cohorts")
    page.get_by_label("Name", exact=True).fill("Trial A")
    page.get_by_label("A file of patients").set_input_files(str(file))
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Trial A")
    expect(page.get_by_role("row", name="anc")).to_contain_text("30 in /uL")
    assert violations(page) == []
    with page.expect_download() as started:
        page.get_by_role("button", name="Download CSV").click()
    assert "id,time,kind" in started.value.path().read_text() and "p3," not in started.value.path().read_text()
    page.get_by_role("button", name="Remove this cohort").click()
    expect(page.get_by_role("status")).to_have_text("It was removed.")
    assert violations(page) == []


def test_a_file_that_cannot_be_read_is_refused_in_full_to_its_uploader_and_masked_to_others(as_role):
    browser = as_role("data manager")
    told = browser.post("/cohorts", data={"name": "A"}, files={"file": ("x.csv", b"nonsense")})
    assert told.status_code == 422 and "columns are missing" in told.text
    told = browser.post("/cohorts", data={"name": "A"}, files={"file": ("../x.csv", ODD.encode())})
    assert told.status_code == 200 and "mgg" in told.text and "erika_muster" in told.text
    key = browser.get("/api/cohorts").json()[0]["id"]
    for path in (f"/cohorts/{key}", f"/api/cohorts/{key}"):
        seen = as_role("viewer").get(path).text
        assert "mgg" not in seen and "erika" not in seen and "line 5" in seen
    assert as_role("viewer").get(f"/api/cohorts/{key}/deidentified").status_code == 403
    assert browser.get(f"/api/cohorts/{key}/deidentified?k=0").status_code == 422
    found = browser.get(f"/api/cohorts/{key}/deidentified?k=1").json()
    assert len(found["records"]) == 2 and "erika" not in str(found)
    assert browser.delete(f"/api/cohorts/{key}").status_code == 204
    assert browser.get(f"/api/cohorts/{key}").status_code == 404


def test_a_training_is_started_watched_live_and_cancelled(entered, database):
    page = entered("researcher")
    page.goto("/jobs")
    page.get_by_label("Treatment or problem").select_option(TRAINING["treatment"])
    page.get_by_label("Learner").select_option("ppo")
    page.get_by_label("Updates").fill("3")
    page.get_by_role("button", name="Start training").click()
    expect(page.get_by_role("status")).to_have_text("The job was started.")
    expect(page.locator("#state")).to_have_text("queued")
    held = jobs.claim(database, "w", ["training"])
    jobs.renew(database, held, {"updates": 2, "of": 3, "compiling": False, "curve": POINTS[:2]})
    expect(page.locator("#done")).to_have_text("2 of 3 updates", timeout=5000)
    expect(page.locator("#curve svg")).to_have_attribute("aria-label", "mean return by decisions met: return, last 0.2")
    assert violations(page) == []
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#state")).to_have_text("running, is being cancelled", timeout=5000)
    assert not jobs.renew(database, held)
    jobs.finish(database, held, "w", error="was cancelled")
    expect(page.locator("#state")).to_contain_text("cancelled: was cancelled", timeout=5000)
    assert audit.verify(database).fault is None


def test_runs_are_compared_by_their_results_and_curves(entered, database):
    for seed in (0, 1):
        jobs.submit(database, "training", {**TRAINING, "seed": seed, "settings": {}}, "dr.a")
        held = jobs.claim(database, "w", ["training"])
        jobs.renew(database, held, {"updates": 3, "of": 3, "curve": POINTS})
        jobs.finish(database, held, "w", RESULT)
    page = entered("viewer")
    page.goto("/jobs")
    assert violations(page) == []
    for box in page.get_by_role("checkbox").all()[:2]:
        box.check()
    page.get_by_role("button", name="Compare the chosen").click()
    expect(page.locator("tr.run")).to_have_count(2)
    expect(page.locator("#curve svg polyline")).to_have_count(2)
    assert violations(page) == []


@pytest.mark.parametrize(
    ("kind", "arguments", "says"),
    [
        ("training", {"learner": "sac"}, "needs a continuous dose"),
        ("training", {"updates": 0}, "updates: must be a whole number"),
        ("trial", {"arms": ["/etc/passwd"]}, "is not known; allowed are names"),
        ("lab", {"policy": "../x"}, "policy: '../x' is not known"),
    ],
)
def test_a_job_that_cannot_be_is_refused_on_the_page_and_to_programs_and_starts_nothing(as_role, kind, arguments, says):
    browser = as_role("researcher")
    before = len(browser.get("/api/jobs").json())
    asked = {"training": TRAINING, "trial": {"treatment": TRAINING["treatment"], "arms": ["standard"], "patients": 4}, "lab": {}}
    asked = asked[kind] | arguments
    told = browser.post("/api/jobs", json={"kind": kind, "arguments": asked})
    assert told.status_code == 422 and says in told.json()["detail"]
    form = {name: " ".join(value) if isinstance(value, list) else value for name, value in asked.items()}
    assert browser.post(f"/jobs/{kind}", data=form).status_code == 422
    assert len(browser.get("/api/jobs").json()) == before
    key = "0" * 32
    assert browser.post(f"/api/jobs/{key}/cancel").status_code == 404
    assert browser.get(f"/api/jobs/{key}/report").status_code == 404


def test_the_lab_draws_a_course_and_says_what_is_not_learned_yet(entered, watched):
    page = entered("viewer")
    page.goto("/lab")
    expect(page.locator("#cells svg polyline")).to_have_count(4, timeout=30_000)
    expect(page.locator("#told")).to_contain_text("Return")
    page.get_by_role("slider").fill("0")
    expect(page.locator("#told")).to_contain_text("too few normal cells", timeout=10_000)
    watched.expected = ("422",)  # the browser logs the refusal that the page shows
    page.get_by_role("spinbutton").fill("151")
    expect(page.locator("#told")).to_contain_text("days: is 151")
    assert violations(page) == []


def test_a_course_asked_by_a_program_is_told_with_units_and_status(as_role):
    browser = as_role("auditor")
    told = browser.get("/api/lab/course?type=elderly&dose=0.5&days=30").json()
    assert len(told["tumour"]) == 31 and "not calibrated" in told["status"] and told["units"]["dose"] == "1/d"
    assert browser.get("/api/lab/course?policy=dqn").status_code == 404
    assert browser.get("/api/lab").json()["learned"] == {"q-learning": False, "dqn": False, "actor-critic": False}
