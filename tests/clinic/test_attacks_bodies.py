"""Attacks through what programs send: unknown fields, other methods, numbers and depths that no record has; many at once."""

from __future__ import annotations

import csv
import io
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from clinic_records import RECORD
from people import a_patient, entered_as, program, somebody, with_token

from posology.clinic import app as application
from posology.clinic import audit, store
from posology.clinic.app import create_app
from posology.clinic.settings import Settings

NOBODY = "0" * 32
STANDARDS = ("/fhir", "/cds-services")
"""Whose bodies may hold more than we know, by their standards."""


@pytest.fixture(scope="module")
def script(site):
    """A program that enters patients."""
    return with_token(site, somebody(site, "clinician"))


def schemas(site):
    """Name, method, path of every body of JSON."""
    told = site.openapi()
    for path, methods in told["paths"].items():
        for method, about in methods.items():
            content = about.get("requestBody", {}).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            name = schema.get("$ref", "").rpartition("/")[2]
            if name and not path.startswith(STANDARDS):
                yield method, path, told["components"]["schemas"][name]


def test_every_body_refuses_fields_that_it_does_not_know(site):
    found = [(f"{method} {path}", schema.get("additionalProperties")) for method, path, schema in schemas(site)]
    assert len(found) >= 4 and [where for where, more in found if more is not False] == []


def test_a_body_cannot_set_what_is_not_its_own(site, script, as_role):
    as_role("admin")  # whose login is a row of the trail, too
    before = audit.verify(site.state.clinic.engine).count
    for more in ({"key": NOBODY}, {"version": 7}, {"salt": "0"}, {"actor": "dr.b"}, {"words": "x"}):
        assert script.post("/api/patients", json=RECORD | {"id": "ASSIGNED"} | more).status_code == 422
    new = {"name": "assigned", "password": "correct horse battery", "role": "viewer"}
    for more in ({"active": True}, {"failures": -9}, {"key": NOBODY}, {"made": "2026-01-01T00:00:00Z"}):
        assert as_role("admin").post("/api/users", json=new | more).status_code == 422
    assert audit.verify(site.state.clinic.engine).count == before


def test_another_method_is_no_way_around_a_permission(site):
    browser = entered_as(site, somebody(site, "auditor"))
    routes = {}
    for method, path, _ in application.guarded(site):
        routes.setdefault(path, set()).add(method)
    before = audit.verify(site.state.clinic.engine).count
    for path, methods in routes.items():
        where = path.replace("{key}", NOBODY)
        for method in {"PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND"} - methods:
            if "{" not in where:
                answer = browser.request(method, where)
                assert answer.status_code in (403, 404, 405), f"{method} {path}: {answer.status_code}"
    for name in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
        assert browser.get("/logout", headers={name: "POST"}).status_code == 405
    assert browser.get("/logout").headers["allow"] == "POST"
    assert browser.get("/account", params={"_method": "DELETE"}).status_code == 200
    assert audit.verify(site.state.clinic.engine).count == before


def nested(depth, kind):
    return "[" * depth + "]" * depth if kind == "lists" else '{"a":' * depth + "1" + "}" * depth


@pytest.mark.parametrize("depth", [100, 800, 10_000, 100_000])
@pytest.mark.parametrize("kind", ["lists", "objects"])
def test_deep_json_is_refused_and_not_followed(script, depth, kind):
    text = nested(depth, kind)
    for body in (text, f'{{"id": "DEEP", "notes": {text}}}', f'{{"version": 1, "record": {text}}}'):
        for method, path in (("POST", "/api/patients"), ("PUT", f"/api/patients/{NOBODY}")):
            answer = script.request(method, path, content=body, headers={"content-type": "application/json"})
            assert 400 <= answer.status_code < 500, f"{answer.status_code}: {answer.text[:200]}"
            assert len(answer.content) < 2000


NUMBERS = (
    "NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, "9" * 5000, "-1e308", "18446744073709551616", "true", '"7"', "{}",
)  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS)
def test_a_number_that_no_record_has_is_refused_or_kept_whole(site, script, number):
    bodies = (
        '{"id": "N", "covariates": {"weight": {"value": %s, "unit": "kg"}}}',
        '{"id": "N", "doses": [{"time": %s, "amount": 1, "unit": "mg"}]}',
        '{"id": "N", "doses": [{"time": 0, "amount": 1, "unit": "mg", "addl": %s, "ii": 1}]}',
    )
    for body in bodies:
        answer = script.post("/api/patients", content=body % number, headers={"content-type": "application/json"})
        assert answer.status_code in (201, 400, 422), f"{answer.status_code}: {answer.text[:300]}"
        if answer.status_code == 201:
            key = answer.json()["key"]
            kept = script.get(f"/api/patients/{key}")
            assert kept.status_code == 200 and json.loads(kept.text, parse_constant=pytest.fail)
            store.erase(site.state.clinic.engine, key, "test", "the test is over")
    for query in (f"limit={number}", f"version={number}"):
        assert script.get(f"/api/patients?{query}").status_code in (200, 422)


TEXTS = ("\x00", "\ud800", "a\x00b", "\uffff", "\u202e", "x" * 201, " ", "", "\r\n", "%00", "a" * 100_000)


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_text_that_no_database_keeps_is_refused_or_kept_whole(site, script, text):
    for more in ({"id": text}, {"conditions": [text]}, {"notes": [text]}, {"genotypes": {text: text}}):
        record = {"id": "T"} | more
        body = json.dumps(record)
        answer = script.post("/api/patients", content=body, headers={"content-type": "application/json"})
        assert answer.status_code in (201, 422), f"{answer.status_code}: {answer.text[:300]}"
        if answer.status_code == 201:
            key = answer.json()["key"]
            assert script.get(f"/api/patients/{key}").status_code == 200
            store.erase(site.state.clinic.engine, key, "test", "the test is over")
    if text.isascii() and "\x00" not in text:
        assert script.get("/api/patients", params={"search": text[:300]}).status_code in (200, 422)


def test_a_reason_that_could_never_be_shown_does_not_get_into_the_trail(site, as_role):
    key = a_patient(site, "REASON")
    body = json.dumps({"record_id": "REASON", "reason": "\ud800"})
    manager, kind = as_role("data manager"), {"content-type": "application/json"}
    answer = manager.post(f"/api/patients/{key}/erase", content=body, headers=kind)
    assert answer.status_code == 422 and answer.json()["detail"].startswith("reason: ")
    with pytest.raises(ValueError, match="half of a surrogate pair"):
        store.erase(site.state.clinic.engine, key, "test", "\ud800")
    assert as_role("auditor").get("/api/audit", params={"limit": 500}).status_code == 200
    store.erase(site.state.clinic.engine, key, "test", "the test is over 💊")


@pytest.mark.parametrize("formula", ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1"])
def test_no_cell_of_an_exported_table_is_a_formula(as_role, formula):
    people = [{"id": f"{formula}{n}", "conditions": [formula], "medications": [formula]} for n in range(5)]
    for record in people:
        record["observations"] = [{"time": 0, "name": "anc", "value": 2, "unit": "10*9/L"}]
    file = {"file": ("=cmd.json", json.dumps(people).encode())}
    manager = as_role("data manager")
    sent = manager.post("/api/cohorts", files=file, data={"name": formula})
    if sent.status_code == 422:  # an id with a control character is none
        assert "\t" in formula
        return
    key = sent.json()["id"]
    text = manager.get(f"/api/cohorts/{key}/deidentified.csv", params={"k": 1})
    assert text.status_code == 200 and text.headers["content-type"].startswith("text/csv")
    cells = [cell for row in csv.reader(io.StringIO(text.text)) for cell in row]
    assert len(cells) > 10 and [cell for cell in cells if cell.startswith(tuple("=+-@\t\r"))] == []
    assert manager.delete(f"/api/cohorts/{key}").status_code == 204


def test_eight_programs_that_write_at_once_make_one_chain_and_one_edit_wins(engine, tmp_path):
    url = engine.url.render_as_string(hide_password=False)
    app = create_app(Settings(data=tmp_path, database=url, requests_per_second=10_000, burst=10_000))
    inside = app.state.clinic.engine
    name = somebody(app, "clinician")
    token = store.add_token(inside, name, "load", name, app.state.clinic.settings)
    key = program(app, token).post("/api/patients", json=RECORD).json()["key"]

    def work(i):
        script = program(app, token)
        said = [script.post("/api/patients", json=RECORD | {"id": f"{i}-{j}"}).status_code for j in range(3)]
        edit = {"version": 1, "record": RECORD | {"notes": [str(i)]}}
        return said, script.put(f"/api/patients/{key}", json=edit).status_code

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(work, range(8)))
    assert {status for said, _ in told for status in said} == {201}
    assert sorted(status for _, status in told) == [200] + [409] * 7
    found = audit.verify(inside)
    assert (found.fault, found.count) == (None, 2 + 1 + 8 * 3 + 1)
    assert list(store.altered(inside)) == []
    inside.dispose()
