"""Who may see and do what: every route names a permission, and every role is held to it."""

from __future__ import annotations

import sys

import pytest
from fastapi import APIRouter
from web_clients import client, token_in

from posology.clinic import app as application
from posology.clinic.demo import PASSWORD
from posology.clinic.roles import ROLES, allowed
from posology.clinic.settings import Settings
from posology.clinic.web.who import ANYONE, OPEN

NOBODY = "0" * 32


def path_of(template: str) -> str:
    """A path of the template whose keys belong to nobody."""
    parts = ["1" if p in ("{number}", "{version}") else NOBODY if p.startswith("{") else p for p in template.split("/")]
    return "/".join(parts)


@pytest.mark.parametrize("role", ROLES)
def test_every_route_lets_in_exactly_the_roles_with_its_permission(site, as_role, role):
    browser = as_role(role)
    for method, path, permission in application.guarded(site):
        if path in ("/login", "/logout"):
            continue
        answer = browser.request(method, path_of(path), json={} if method in ("POST", "PUT") else None)
        may = permission in (OPEN, ANYONE) or allowed(role, str(permission))
        assert (answer.status_code != 403) == may, f"{role}, {method} {path}: {answer.status_code}"
        assert answer.status_code < 500, f"{role}, {method} {path}: {answer.status_code}"


def test_without_login_only_open_routes_answer(site, visitor):
    for method, path, permission in application.guarded(site):
        answer = visitor.request(method, path_of(path))
        if permission != OPEN:
            sent_to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login?next=")
            assert answer.status_code == 401 or sent_to_login, f"{method} {path}: {answer.status_code}"


def test_a_route_without_a_permission_keeps_the_clinic_from_starting(tmp_path, monkeypatch):
    forgotten = APIRouter()
    forgotten.add_api_route("/forgotten", lambda: "open")

    class Page:
        NAV: list = []
        router = forgotten

    monkeypatch.setitem(sys.modules, "posology.clinic.pages.forgotten", Page)
    monkeypatch.setattr(application, "PAGES", (*application.PAGES, "forgotten"))
    with pytest.raises(RuntimeError, match="GET /forgotten"):
        application.create_app(Settings(data=tmp_path))


def test_a_session_begins_with_the_password_and_ends_with_logging_out(site):
    browser = client(site)
    assert browser.get("/patients").headers["location"] == "/login?next=%2Fpatients"
    answer = browser.post("/login", data={"name": "Demo-Clinician ", "password": PASSWORD, "next": "/patients"})
    assert answer.headers["location"] == "/patients"
    assert "HttpOnly" in answer.headers["set-cookie"] and "SameSite=lax" in answer.headers["set-cookie"]
    token = token_in(browser.get("/patients").text)
    kept = dict(browser.cookies)
    assert browser.post("/logout", data={"csrf": token}).status_code == 303
    assert client(site, cookies=kept).get("/patients").status_code == 303  # the old cookie is worth nothing


def test_a_wrong_password_is_refused_with_a_sentence_and_no_session(visitor):
    answer = visitor.post("/login", data={"name": "demo-viewer", "password": "made of guesses 99"})
    assert answer.status_code == 401 and "set-cookie" not in answer.headers
    assert "name or password is wrong" in answer.text


def test_the_page_after_login_is_always_ours(site):
    for elsewhere in ("https://evil.example", "//evil.example", "/\\evil.example", "javascript:alert(1)", "\thttps://evil.example"):
        answer = client(site).post("/login", data={"name": "demo-viewer", "password": PASSWORD, "next": elsewhere})
        assert answer.headers["location"] == "/"


def test_every_answer_carries_the_security_headers(visitor):
    for path in ("/login", "/patients", "/health", "/static/clinic.css", "/nowhere", "/openapi.json"):
        headers = visitor.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff" and headers["referrer-policy"] == "no-referrer"
    assert visitor.get("/login").headers["cache-control"] == "no-store"


def test_another_host_name_is_not_answered(visitor):
    assert visitor.get("/health", headers={"host": "evil.example"}).status_code == 421


def test_a_form_from_another_site_is_refused_whatever_it_carries(as_role):
    browser = as_role("clinician")
    for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Sec-Fetch-Site": "same-site"}, {"Origin": "https://evil.example"}):
        assert browser.post("/logout", headers=headers).status_code == 403
    assert browser.post("/logout", headers={"X-CSRF-Token": "0" * 64}).status_code == 403
    assert browser.get("/patients").status_code == 200


def test_who_asks_too_often_waits(tmp_path):
    app = application.create_app(Settings(data=tmp_path, requests_per_second=0.5, burst=3))
    answers = [client(app).get("/health") for _ in range(4)]
    assert [a.status_code for a in answers] == [200, 200, 200, 429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 2
    app.state.clinic.engine.dispose()


def test_a_body_that_is_too_long_is_refused_with_or_without_its_length(as_role):
    browser = as_role("clinician")
    assert browser.post("/api/patients", content=b"{" + b" " * 2_000_001).status_code == 413
    parts = (b" " * 100_000 for _ in range(30))
    assert browser.post("/api/patients", content=parts, headers={"content-type": "application/json"}).status_code == 413
