"""Attacks on sessions, tokens and passwords: fixation, replay, made-up tokens, guessing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from people import SECRET, entered_as, program, somebody, with_token
from web_clients import client

from posology.clinic import store
from posology.clinic.app import create_app
from posology.clinic.database import writing
from posology.clinic.settings import Settings
from posology.clinic.tables import tokens, users


def test_a_session_that_was_planted_before_the_login_is_worth_nothing_after_it(site):
    name = somebody(site, "viewer")
    planted = "planted-by-somebody-else-0123456789abcdefgh"
    victim = client(site, cookies={"posology": planted})
    answer = victim.post("/login", data={"name": name, "password": SECRET})
    assert answer.status_code == 303 and planted not in answer.headers["set-cookie"]
    assert client(site, cookies={"posology": planted}).get("/account").status_code == 303
    own = entered_as(site, somebody(site, "viewer"))  # the attacker's own session, planted
    kept = {"posology": own.cookies["posology"]}
    victim = client(site, cookies=kept)
    victim.headers["X-CSRF-Token"] = own.headers["X-CSRF-Token"]
    assert victim.post("/login", data={"name": name, "password": SECRET}).status_code == 303
    assert client(site, cookies=kept).get("/account").status_code == 303


def test_a_token_is_worth_nothing_after_revocation_expiry_and_a_change_of_role(site):
    engine, name = site.state.clinic.engine, somebody(site, "clinician")
    revoked = with_token(site, name)
    assert revoked.get("/api/patients").status_code == 200
    store.revoke_token(engine, name, store.list_tokens(engine, name)[0]["name"], name)
    assert revoked.get("/api/patients").status_code == 401
    expired = with_token(site, name)
    with writing(engine) as connection:
        mine = tokens.c.user_id == sa.select(users.c.id).where(users.c.name == name).scalar_subquery()
        connection.execute(sa.update(tokens).where(mine).values(expires=datetime.now(UTC) - timedelta(seconds=1)))
    assert expired.get("/api/patients").status_code == 401
    store.revoke_token(engine, name, store.list_tokens(engine, name)[0]["name"], name)
    demoted = with_token(site, name)
    store.change(engine, name, "test", role="auditor")
    assert demoted.get("/api/patients").status_code == 401


@pytest.mark.parametrize(
    "token",
    [
        "eyJhbGciOiJub25lIn0.eyJzdWIiOiJkZW1vLWFkbWluIiwicm9sZSI6ImFkbWluIn0.", "posology_", "posology_" + "A" * 43, "", "null",
        "\u00e9".encode(), "' OR 1=1 --", "A" * 60_000, "%00", "demo-admin",
    ],
)  # fmt: skip
def test_a_made_up_token_is_refused(site, token):
    value = b"Bearer " + (token if isinstance(token, bytes) else token.encode())
    assert client(site).get("/api/account", headers={"Authorization": value}).status_code == 401


def test_only_bearer_is_a_way_to_say_who_one_is(site, as_role):
    for value in ("Basic ZGVtby1hZG1pbjphbGwgcGF0aWVudHMgaGVyZSBhcmUgbWFkZSB1cA==", "Digest x", "Bearer", "x"):
        assert client(site).get("/api/account", headers={"Authorization": value}).status_code == 401
    kept = {"posology": as_role("admin").cookies["posology"]}
    # A wrong token beside a good session is not forgiven.
    answer = client(site, cookies=kept).get("/api/account", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401
    assert program(site, kept["posology"]).get("/api/account").status_code == 401  # a session is no token
    assert client(site, cookies={"posology": "posology_" + "A" * 43}).get("/api/account").status_code == 401


def test_five_wrong_passwords_lock_an_account_for_every_process(tmp_path):
    apps = [create_app(Settings(data=tmp_path)) for _ in range(2)]
    store.add_user(apps[0].state.clinic.engine, "ann", SECRET, "viewer", "test")
    wrong = [client(apps[i % 2]).post("/login", data={"name": "ann", "password": f"made of guesses {i}"}) for i in range(5)]
    right = [client(app).post("/login", data={"name": "ann", "password": SECRET}) for app in apps]
    assert {answer.status_code for answer in (*wrong, *right)} == {401}
    for app in apps:
        app.state.clinic.engine.dispose()


def test_one_address_may_try_only_so_many_passwords_whatever_the_names(tmp_path):
    app = create_app(Settings(data=tmp_path, logins_per_minute=6))
    said = [client(app, cookies={"posology": str(i)}).post("/login", data={"name": f"user{i}"}) for i in range(5)]
    assert [answer.status_code for answer in said] == [401, 401, 401, 429, 429]
    assert 1 <= int(said[-1].headers["retry-after"]) <= 10
    app.state.clinic.engine.dispose()


def test_a_new_made_up_token_for_each_request_is_limited_by_address(tmp_path):
    app = create_app(Settings(data=tmp_path, requests_per_second=0.001, burst=1))
    said = [client(app).get("/api/account", headers={"Authorization": f"Bearer {i}"}).status_code for i in range(12)]
    assert said == [401] * 10 + [429] * 2
    app.state.clinic.engine.dispose()


def test_an_unknown_a_closed_a_locked_and_a_providers_name_cost_the_same_work_and_get_the_same_answer(site, monkeypatch):
    import argon2._password_hasher as hashing

    engine, names = site.state.clinic.engine, [somebody(site, "viewer") for _ in range(4)]
    store.change(engine, names[1], "test", active=False)
    with writing(engine) as connection:
        later = datetime.now(UTC) + timedelta(minutes=5)
        connection.execute(sa.update(users).where(users.c.name == names[2]).values(locked_until=later))
        connection.execute(sa.update(users).where(users.c.name == names[3]).values(password=store.users.UNUSABLE))
    client(site).post("/login", data={"name": "warm up", "password": SECRET})
    verify, checked, said = hashing.verify_secret, [], set()
    monkeypatch.setattr(hashing, "verify_secret", lambda *a: checked.append(a) or verify(*a))
    for name in (*names, "no such user"):
        answer = client(site).post("/login", data={"name": name, "password": "made of guesses 99"})
        said.add((answer.status_code, answer.text.replace(f'value="{name}"', "")))
    assert len(checked) == 5 and len(said) == 1
