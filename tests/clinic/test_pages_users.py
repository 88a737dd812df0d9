"""Users: an admin adds them, changes roles, closes accounts; the last admin stays."""

from __future__ import annotations

import re

import pytest
from people import SECRET, entered_as, somebody, with_token
from playwright.sync_api import expect
from web_clients import client, violations

from posology.clinic import store
from posology.clinic.errors import Conflict


def key_of(site, name):
    return next(u["key"] for u in store.list_users(site.state.clinic.engine) if u["name"] == name)


def test_an_admin_adds_a_user_who_logs_in(site, as_role):
    admin = as_role("admin")
    answer = admin.post("/users", data={"name": "Nora", "password": SECRET, "role": "auditor"})
    assert answer.headers["location"].endswith("?said=added")
    assert entered_as(site, "nora").get("/api/account").json()["role"] == "auditor"
    again = admin.post("/users", data={"name": "nora", "password": SECRET, "role": "auditor"})
    assert again.status_code == 409 and "user &#39;nora&#39;: is here already" in again.text and 'value="nora"' in again.text
    for data, said in (({"password": "short"}, "must have 12 to 256"), ({"role": "king"}, "is not known")):
        answer = admin.post("/users", data={"name": "otto", "password": SECRET, "role": "viewer"} | data)
        assert answer.status_code == 422 and said in answer.text and SECRET not in answer.text


@pytest.mark.parametrize("what", ["role", "close", "end", "password"])
def test_each_change_of_a_user_ends_sessions_and_tokens(site, as_role, what):
    name = somebody(site, "viewer")
    browser, script = entered_as(site, name), with_token(site, name)
    data = {"role": "clinician", "password": "another horse 42"}
    answer = as_role("admin").post(f"/users/{key_of(site, name)}/{what}", data=data)
    assert answer.status_code == 303 and answer.headers["location"].startswith("/users/")
    assert browser.get("/account").status_code == 303 and script.get("/api/account").status_code == 401


def test_a_closed_account_lets_nobody_in_until_it_is_opened(site, as_role):
    name, admin = somebody(site, "viewer"), as_role("admin")
    key = key_of(site, name)
    assert admin.patch(f"/api/users/{key}", json={"active": False}).json()["active"] is False
    assert client(site).post("/login", data={"name": name, "password": SECRET}).status_code == 401
    assert admin.post(f"/users/{key}/open").status_code == 303
    assert client(site).post("/login", data={"name": name, "password": SECRET}).status_code == 303


def test_programs_list_add_and_change_users(as_role):
    admin = as_role("admin")
    new = {"name": "petra", "password": SECRET, "role": "viewer"}
    key = admin.post("/api/users", json=new).json()["key"]
    assert admin.post("/api/users", json=new).status_code == 409
    assert admin.patch(f"/api/users/{key}", json={"role": "researcher"}).json()["role"] == "researcher"
    assert admin.patch(f"/api/users/{key}", json={"role": "king"}).status_code == 422
    assert admin.patch(f"/api/users/{key}", json={"password": "x" * 12}).status_code == 422
    assert admin.post(f"/api/users/{key}/end").status_code == 204
    listed = next(u for u in admin.get("/api/users").json() if u["key"] == key)
    assert listed == admin.get(f"/api/users/{key}").json() and "password" not in listed


def test_the_last_who_may_change_users_keeps_that(engine):
    for name in ("ann", "bob"):
        store.add_user(engine, name, SECRET, "admin", "test")
    store.change(engine, "ann", "bob", role="viewer")
    for change in ({"role": "viewer"}, {"active": False}, {"role": "viewer", "active": True}):
        with pytest.raises(Conflict, match="user 'bob': is the last who may change users"):
            store.change(engine, "bob", "bob", **change)
    store.change(engine, "ann", "bob", role="admin", active=False)
    with pytest.raises(Conflict):
        store.change(engine, "bob", "bob", active=False)
    store.change(engine, "ann", "bob", active=True)
    store.change(engine, "bob", "ann", active=False)


def test_an_admin_changes_a_role_in_the_browser(entered):
    page = entered("admin")
    page.get_by_role("link", name="Users").click()
    page.get_by_label("Name").fill("ruth")
    page.get_by_label("First password").fill(SECRET)
    page.get_by_role("combobox", name="Role").select_option("viewer")
    page.get_by_role("button", name="Add user").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ruth")
    page.get_by_role("combobox", name="Role").select_option("data manager")
    page.get_by_role("button", name="Change role").click()
    expect(page.locator("dl.facts")).to_contain_text(re.compile("Role\\s*data manager"))
    assert violations(page) == []
    page.get_by_role("link", name="Users").first.click()
    assert violations(page) == []
