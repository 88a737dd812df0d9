"""The auditor's page: sought, verified, taken out; and one patient's data taken out and erased."""

from __future__ import annotations

import json

import sqlalchemy as sa
from people import a_patient
from playwright.sync_api import expect
from web_clients import logged_in, violations

from posology.clinic import audit, store
from posology.clinic.app import create_app
from posology.clinic.database import writing
from posology.clinic.demo import seed
from posology.clinic.settings import Settings
from posology.clinic.tables import audit as rows
from posology.clinic.tables import patients


def test_rows_are_found_by_subject_actor_and_action_newest_first(site, as_role):
    key = a_patient(site, "AUDIT-1")
    as_role("viewer").get(f"/api/patients/{key}")
    auditor = as_role("auditor")
    found = auditor.get("/api/audit", params={"subject": f"patient/{key}"}).json()
    assert [(row["actor"], row["action"]) for row in found] == [("demo-viewer", "patient seen"), ("test", "patient created")]
    assert found == auditor.get("/api/audit", params={"subject": f"patient/{key}", "before": found[0]["number"] + 1}).json()
    sought = {"subject": "patient/", "actor": "test", "action": "patient created", "limit": 1}
    one = auditor.get("/api/audit", params=sought).json()
    assert len(one) == 1 and one[0]["actor"] == "test"
    assert "patient seen" in auditor.get("/audit", params={"subject": f"patient/{key}"}).text
    assert "No row has this." in auditor.get("/audit", params={"actor": "%"}).text


def test_the_exported_lines_are_the_chain(site, as_role):
    auditor = as_role("auditor")
    text = auditor.get("/audit/export")
    assert text.headers["content-disposition"] == 'attachment; filename="audit.jsonl"'
    told = [json.loads(line) for line in text.text.splitlines()]
    assert [row["number"] for row in told] == list(range(1, len(told) + 1))
    assert told[-1]["action"] == "audit exported" and told[-1]["actor"] == "demo-auditor"
    assert all(row["previous"] == before["hash"] for before, row in zip(told, told[1:], strict=False))
    mine = auditor.get("/api/audit/export", params={"actor": "demo-auditor"}).text.splitlines()
    assert {json.loads(line)["actor"] for line in mine} == {"demo-auditor"}


def test_a_fault_is_shown_with_its_row_and_a_noted_head_is_looked_for(tmp_path):
    app = create_app(Settings(data=tmp_path, demo=True))
    engine = app.state.clinic.engine
    seed(engine)
    auditor = logged_in(app, "auditor")
    good = auditor.get("/api/audit/verify", params={"records": True}).json()
    assert good["good"] and good["altered"] == [] and good["head"] == f"{good['rows']}:{audit.verify(engine).hash}"
    assert "still contains the head" in auditor.get("/audit/verify", params={"head": good["head"]}).text
    forged = f"{good['rows']}:{'0' * 64}"
    assert f"row {good['rows']} is not the one whose hash was noted" in auditor.get("/audit/verify", params={"head": forged}).text
    assert auditor.get("/audit/verify", params={"head": "1:x"}).status_code == 422
    with writing(engine) as connection:
        connection.execute(sa.update(patients).values(salt="00" * 32))
        connection.execute(sa.update(rows).where(rows.c.number == 5).values(actor="nobody"))
    bad = auditor.get("/audit/verify", params={"records": "true"}).text
    assert "row 5 was edited" in bad and "Changed behind the trail" in bad and "version 1 was altered" in bad
    told = auditor.get("/api/audit/verify").json()
    assert (told["good"], told["row"], told["altered"]) == (False, 5, None)
    engine.dispose()


def test_an_auditor_seeks_and_verifies_in_the_browser(entered):
    page = entered("auditor")
    page.get_by_role("link", name="Audit", exact=True).click()
    page.get_by_label("Actor").fill("demo-auditor")
    page.get_by_label("Action").fill("login")
    page.keyboard.press("Enter")
    expect(page.get_by_role("cell", name="user/demo-auditor").first).to_be_visible()
    assert violations(page) == []
    page.get_by_label("Also compare every record").check()
    page.get_by_role("button", name="Verify the chain").click()
    expect(page.get_by_text("Every record and every decision is the one")).to_be_visible()
    assert violations(page) == []


def test_all_data_of_a_patient_are_taken_out_by_who_may(site, as_role):
    key = a_patient(site, "GONE-1", notes=("seen at night",))
    told = as_role("data manager").post(f"/patients/{key}/data/export")
    assert told.headers["content-disposition"] == f'attachment; filename="{key}.json"'
    assert told.json()["versions"][0]["record"]["notes"] == ["seen at night"]
    assert as_role("clinician").post(f"/api/patients/{key}/export").json()["patient"] == "GONE-1"
    assert as_role("viewer").post(f"/api/patients/{key}/export").status_code == 403
    assert "Erase everything" not in as_role("clinician").get(f"/patients/{key}/data").text


def test_a_patient_is_erased_by_typing_the_id_and_a_reason_that_does_not_name_him(site, as_role):
    key, manager = a_patient(site, "GONE-2"), as_role("data manager")
    for data, said in (
        ({"id": "GONE-1", "reason": "asked for it"}, "id: is not that of this patient"),
        ({"id": "GONE-2", "reason": "GONE-2 asked"}, "reason: names the patient"),
        ({"id": "GONE-2", "reason": " "}, "reason: is empty"),
    ):
        answer = manager.post(f"/patients/{key}/data/erase", data=data)
        assert answer.status_code == 422 and said in answer.text and f'value="{data["id"]}"' in answer.text
    assert manager.post(f"/api/patients/{key}/erase", json={"record_id": "GONE-2", "reason": "asked"}).json()["patients"] == 1
    assert manager.get(f"/patients/{key}/data").status_code == 404
    assert audit.verify(site.state.clinic.engine).fault is None


def test_a_data_manager_erases_in_the_browser(site, entered):
    key = a_patient(site, "GONE-3")
    page = entered("data manager")
    page.goto(f"/patients/{key}/data")
    assert violations(page) == []
    page.get_by_label("Why, without naming").fill("asked for it")
    page.get_by_label("The patient's id, typed").fill("GONE-3")
    page.get_by_role("button", name="Erase everything").click()
    expect(page.get_by_role("status")).to_contain_text("is gone")
    assert store.listing(site.state.clinic.engine, "gone-3") == []
