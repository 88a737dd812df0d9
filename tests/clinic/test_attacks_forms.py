"""Attacks through a browser that is logged in, and through what is written into fields."""

from __future__ import annotations

import re

import pytest
from people import SECRET, a_patient, entered_as, somebody
from web_clients import client, logged_in

from posology.clinic import app as application
from posology.clinic import audit, store
from posology.clinic.roles import ROLES, allowed
from posology.clinic.web.answers import PROGRAMS
from posology.clinic.web.who import ANYONE, OPEN

NOBODY = "0" * 32
SCRIPT = '"><script>window.ran=1</script><img src=x onerror="window.ran=1">'
TEMPLATE = "{{7*7}}${7*7}<%=7*7%>"


def who_may(permission):
    return next(role for role in ROLES if permission == ANYONE or allowed(role, str(permission)))


def test_every_route_that_changes_something_refuses_a_form_without_the_sessions_token(site):
    browsers = {}
    before = audit.verify(site.state.clinic.engine).count
    for role in ROLES:
        browsers[role] = logged_in(site, role)
        del browsers[role].headers["X-CSRF-Token"]
    before += len(ROLES)
    seen = 0
    for method, path, permission in application.guarded(site):
        if method in ("GET", "HEAD", "OPTIONS") or permission == OPEN and path != "/login":
            continue
        browser = browsers["viewer" if permission == OPEN else who_may(permission)]
        where = re.sub(r"\{[^}]*\}", NOBODY, path)
        bodies = ({"json": {}}, {"data": {"csrf": "0" * 64}}, {"files": {"file": b"x"}}, {"content": b"csrf=1"})
        for body in bodies:
            answer = browser.request(method, where, headers={"accept": "application/json"}, **body)
            assert answer.status_code == 403 and "not one of this session" in answer.text, f"{method} {path} {body}"
        seen += 1
    assert seen >= 10 and audit.verify(site.state.clinic.engine).count == before


def test_the_token_of_another_session_is_refused(site, as_role):
    browser = logged_in(site, "viewer")
    browser.headers["X-CSRF-Token"] = as_role("viewer").headers["X-CSRF-Token"]
    assert browser.post("/logout").status_code == 403


@pytest.mark.parametrize(
    "elsewhere",
    [
        "/patients\r\nSet-Cookie: posology=planted", "/\n//evil.example",
        "//evil.example/%2f..", "/\\evil.example", "/\t/evil.example",
        "https:evil.example", "///evil.example", "/\u2028evil", "\\/evil.example", "/" + "\x00",
    ],
)  # fmt: skip
def test_where_a_login_leads_cannot_carry_headers_or_another_host(site, elsewhere):
    name = somebody(site, "viewer")
    answer = client(site).post("/login", data={"name": name, "password": SECRET, "next": elsewhere})
    assert answer.headers["location"] == "/" and len(answer.headers.get_list("set-cookie")) == 1
    assert "planted" not in str(answer.headers)


@pytest.mark.parametrize(
    "path",
    [
        "/static/../settings.py", "/static/%2e%2e/settings.py", "/static/..%2fsettings.py", "/static/%2e%2e%2fsettings.py",
        "/static/..%5csettings.py", "/static/%252e%252e/settings.py", "/static//etc/passwd", "/static/%00",
        "/static/clinic.css%00.py",
        "/static/....//settings.py", "/static/", "/static",
    ],
)  # fmt: skip
def test_nothing_but_the_pages_own_files_is_under_static(site, path):
    import asyncio

    sent = []

    async def send(message):
        sent.append(message)

    async def receive():
        return {"type": "http.request", "body": b""}

    from urllib.parse import unquote

    scope = {  # as a server gives it: a client would tidy the path up
        "type": "http", "method": "GET", "path": unquote(path), "raw_path": path.encode(), "query_string": b"", "root_path": "",
        "scheme": "http", "http_version": "1.1", "headers": [(b"host", b"127.0.0.1")], "client": ("127.0.0.1", 1), "server": None,
    }  # fmt: skip
    asyncio.run(site(scope, receive, send))
    body = b"".join(message.get("body", b"") for message in sent[1:])
    assert sent[0]["status"] in (307, 404) and b"import" not in body and b"root:" not in body


def test_what_is_written_into_any_text_field_is_shown_as_text_and_nothing_of_it_runs(site, watched, entered):
    engine = site.state.clinic.engine
    watched.expected = ("Failed to load resource",)  # the picture of a patient about whom nothing is known
    texts = dict.fromkeys(("conditions", "medications", "allergies", "notes"), (SCRIPT + TEMPLATE,))
    key = a_patient(site, SCRIPT + TEMPLATE, **texts)
    patient = store.read(engine, key)
    store.edit(engine, key, 1, patient.record.noted(SCRIPT), "test", SCRIPT)
    user = store.add_user(engine, "<img src=x onerror=window.ran=1>", SECRET, "viewer", "test")
    store.add_token(engine, "demo-viewer", SCRIPT, "demo-viewer", site.state.clinic.settings)
    walked: set[str] = set()
    for role in ("viewer", "clinician", "data manager", "auditor", "admin", "researcher"):
        page = entered(role)
        for method, path, permission in application.guarded(site):
            if method != "GET" or permission == OPEN or path.startswith((*PROGRAMS, "/login", "/audit/export")):
                continue
            if not (permission == ANYONE or allowed(role, str(permission))) or path in walked:
                continue
            where = path.replace("{key}", user if path.startswith("/users") else key)
            if "{" in where:
                continue
            answer = page.request.get(where)
            if answer.status >= 400 or "text/html" not in answer.headers["content-type"]:
                continue
            sought = f"{where}?q={SCRIPT}"
            page.goto(sought if page.request.get(sought).status < 400 else where)
            assert page.evaluate("window.ran") is None and page.locator("[onerror]").count() == 0, path
            assert "49" not in page.locator("h1").inner_text()
            walked.add(path)
    page = entered("viewer")
    page.goto("/account")
    page.get_by_role("rowheader", name=SCRIPT).wait_for()
    page.goto(f"/patients/{key}")
    page.get_by_role("heading", name=SCRIPT + TEMPLATE).first.wait_for()
    assert len(walked) >= 10
    store.erase(engine, key, "test", "the test is over")


def test_a_name_that_is_shown_again_after_a_refusal_is_text(visitor):
    page = visitor.post("/login", data={"name": SCRIPT, "password": "x", "next": SCRIPT}).text
    assert "<script>window" not in page and "&lt;script&gt;" in page
    assert "<script>window" not in visitor.get("/login", params={"next": "/" + SCRIPT, "said": SCRIPT}).text


def test_the_file_name_of_a_download_is_made_of_the_key_alone(site, as_role):
    key = a_patient(site, '../../x"; Set-Cookie: a=b; é💊')
    answer = as_role("data manager").post(f"/patients/{key}/data/export")
    assert answer.headers["content-disposition"] == f'attachment; filename="{key}.json"' and "set-cookie" not in answer.headers


def test_an_unknown_key_and_one_that_is_there_look_alike_to_who_may_not_see_them(site):
    key, auditor = a_patient(site, "GUESSED"), entered_as(site, somebody(site, "auditor"))
    for path in ("/api/patients/{}", "/patients/{}", "/api/patients/{}/history"):
        there, not_there = (auditor.get(path.format(k), headers={"accept": "application/json"}) for k in (key, NOBODY))
        assert (there.status_code, there.text) == (not_there.status_code, not_there.text) == (403, there.text)
    assert len({a_patient(site, f"RANDOM-{i}")[:4] for i in range(5)}) > 1
