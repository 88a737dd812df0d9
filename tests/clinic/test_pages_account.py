"""One's own account: password and API tokens, by page and by program."""

from __future__ import annotations

from people import SECRET, entered_as, program, somebody, with_token
from playwright.sync_api import expect
from web_clients import client, violations

OTHER = "another horse, another staple"


def test_another_password_ends_other_sessions_and_tokens_but_not_the_browser_at_hand(site):
    name = somebody(site, "viewer")
    here, elsewhere, script = entered_as(site, name), entered_as(site, name), with_token(site, name)
    answer = here.post("/account/password", data={"old": SECRET, "new": OTHER, "again": OTHER})
    assert answer.headers["location"] == "/account?said=password"
    assert here.get("/account").status_code == 200
    assert elsewhere.get("/account").status_code == 303 and script.get("/api/account").status_code == 401
    assert client(site).post("/login", data={"name": name, "password": SECRET}).status_code == 401
    assert client(site).post("/login", data={"name": name, "password": OTHER}).status_code == 303


def test_another_password_asks_for_the_old_one_and_for_the_new_one_twice(site):
    name = somebody(site, "viewer")
    browser = entered_as(site, name)
    for data, said in (
        ({"old": "made of guesses 99", "new": OTHER, "again": OTHER}, "old password: is wrong"),
        ({"old": SECRET, "new": OTHER, "again": OTHER + "!"}, "new password: was typed twice and differs"),
        ({"old": SECRET, "new": "short", "again": "short"}, "password: must have 12 to 256 characters"),
    ):
        answer = browser.post("/account/password", data=data)
        assert answer.status_code == 422 and said in answer.text
    assert browser.get("/account").status_code == 200


def test_a_stolen_session_cannot_guess_the_password(site):
    name = somebody(site, "viewer")
    browser = entered_as(site, name)
    for _ in range(5):
        browser.post("/account/password", data={"old": "made of guesses 99", "new": OTHER, "again": OTHER})
    answer = browser.post("/account/password", data={"old": SECRET, "new": OTHER, "again": OTHER})
    assert answer.status_code == 422 and "locked" in answer.text


def test_a_token_is_made_by_a_session_alone_and_shown_once(site):
    name = somebody(site, "clinician")
    browser = entered_as(site, name)
    answer = browser.post("/api/account/tokens", json={"name": " night run ", "days": 3})
    assert answer.status_code == 201 and answer.json()["name"] == "night run"
    script = program(site, answer.json()["token"])
    assert script.get("/api/account").json()["role"] == "clinician"
    assert [t["name"] for t in script.get("/api/account/tokens").json()] == ["night run"]
    assert answer.json()["token"] not in script.get("/api/account/tokens").text + browser.get("/account").text
    assert "a token cannot make another" in script.post("/api/account/tokens", json={"name": "heir"}).json()["detail"]
    assert browser.post("/api/account/tokens", json={"name": "night run"}).status_code == 409
    assert browser.post("/api/account/tokens", json={"name": "x", "days": 91}).status_code == 422
    assert script.delete("/api/account/tokens", params={"name": "night run"}).status_code == 204
    assert script.get("/api/account").status_code == 401


def test_a_user_makes_and_revokes_a_token_by_keyboard(site, entered):
    page = entered("researcher")
    page.get_by_role("link", name="demo-researcher").click()
    page.get_by_label("What it is for").fill("<b>batch</b>")
    page.get_by_label("Days until it ends").fill("7")
    page.keyboard.press("Enter")
    secret = page.get_by_label("Token", exact=True).input_value()
    assert program(site, secret).get("/api/account").status_code == 200
    expect(page.get_by_role("rowheader", name="<b>batch</b>")).to_be_visible()
    assert violations(page) == []
    page.get_by_role("button", name="Revoke <b>batch</b>").click()
    expect(page.get_by_role("status")).to_have_text("It was removed.")
    expect(page.get_by_text("You have no tokens.")).to_be_visible()
    assert program(site, secret).get("/api/account").status_code == 401
