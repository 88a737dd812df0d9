"""Users, sessions and tokens: hashed, ended in time, and refused without a hint."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher

from posology.clinic import audit, store
from posology.clinic.errors import Conflict, NotFound, Refused
from posology.clinic.roles import PERMISSIONS, ROLES, allowed
from posology.clinic.settings import Settings
from posology.clinic.store.logins import PREFIX
from posology.clinic.store.users import HASHER
from posology.clinic.tables import audit as rows
from posology.clinic.tables import sessions, tokens, users

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery"
NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
SETTINGS = Settings()


@pytest.fixture
def user(engine):
    store.add_user(engine, " Ann ", PASSWORD, "clinician", "admin", CHEAP)
    return store.log_in(engine, "ann", PASSWORD, NOW, CHEAP)


def test_what_no_line_allows_is_denied():
    assert {p for role in ROLES.values() for p in role} == set(PERMISSIONS)
    assert set(ROLES) == {"viewer", "clinician", "researcher", "data manager", "auditor", "admin"}
    assert allowed("clinician", "decision:write") and not allowed("viewer", "decision:write")
    assert not allowed("nobody", "patient:read") and not allowed("admin", "patient:fly") and not allowed("", "")
    assert [role for role in ROLES if allowed(role, "patient:erase")] == ["data manager"]


def test_a_password_is_kept_as_argon2id_and_nothing_secret_is_in_the_trail(engine, user):
    assert (user.name, user.role) == ("ann", "clinician") and HASHER.type.name == "ID"
    secret = store.begin(engine, user, SETTINGS)
    token = store.add_token(engine, "ann", "script", "ann", SETTINGS)
    with engine.connect() as connection:
        kept = str([connection.execute(sa.select(t)).all() for t in (users, sessions, tokens, rows)])
    assert "$argon2id$" in kept and token.startswith(PREFIX)
    assert not any(hidden in kept for hidden in (PASSWORD, secret, token))
    assert "password" not in store.list_users(engine)[0]
    assert audit.verify(engine).fault is None


def test_five_wrong_passwords_lock_an_account_for_a_quarter_of_an_hour(engine, user):
    said = set()
    for name, password in [("ann", "wrong")] * 5 + [("ann", PASSWORD), ("bob", PASSWORD), ("", ""), ("ann", "x" * 10**6)]:
        with pytest.raises(Refused) as refused:
            store.log_in(engine, name, password, NOW, CHEAP)
        said.add(str(refused.value))
    assert len(said) == 1
    later = NOW + timedelta(minutes=15, seconds=1)
    assert store.log_in(engine, "ann", PASSWORD, later, CHEAP) == user
    with engine.connect() as connection:
        actions = connection.execute(sa.select(rows.c.action).order_by(rows.c.number)).scalars().all()
    assert actions == ["user added", *["login refused"] * 4, "account locked"]


def test_a_session_ends_unused_after_its_hours_at_logout_and_at_the_next_login(engine, user):
    def who(secret, minutes):
        return store.session_user(engine, secret, SETTINGS, NOW + timedelta(minutes=minutes))

    first = store.begin(engine, user, SETTINGS, now=NOW)
    assert who(first, 29) == user and who(first, 58) == user
    with pytest.raises(Refused, match="was not used for 30 minutes"):
        who(first, 58 + 31)
    for minutes in range(58, 12 * 60, 29):
        assert who(first, minutes) == user
    with pytest.raises(Refused, match="has ended"):
        who(first, 12 * 60)
    second = store.begin(engine, user, SETTINGS, now=NOW)
    third = store.begin(engine, user, SETTINGS, before=second, now=NOW)
    with pytest.raises(Refused, match="has ended"):
        who(second, 1)
    store.end(engine, third)
    with pytest.raises(Refused, match="has ended"):
        who(third, 1)
    with pytest.raises(Refused, match="has ended"):
        who("made up", 1)


def test_a_token_expires_and_can_be_revoked(engine, user):
    token = store.add_token(engine, "ann", "script", "ann", SETTINGS, days=2, now=NOW)
    assert store.token_user(engine, token, NOW + timedelta(hours=47)) == user
    with pytest.raises(Refused, match="has expired"):
        store.token_user(engine, token, NOW + timedelta(hours=48))
    with pytest.raises(Conflict, match="token 'script': is here already"):
        store.add_token(engine, "ann", "script", "ann", SETTINGS)
    with pytest.raises(ValueError, match="days: must be 1 to 90, got 91"):
        store.add_token(engine, "ann", "longer", "ann", SETTINGS, days=91)
    store.revoke_token(engine, "ann", "script", "admin")
    with pytest.raises(Refused):
        store.token_user(engine, token, NOW)
    with pytest.raises(NotFound, match="has none of this name"):
        store.revoke_token(engine, "ann", "script", "admin")


def test_another_role_or_password_or_a_closed_account_ends_what_was_open(engine, user):
    for change in (
        lambda: store.change(engine, "ann", "admin", role="viewer"),
        lambda: store.set_password(engine, "ann", PASSWORD + "2", "admin", CHEAP),
        lambda: store.change(engine, "ann", "admin", active=False),
    ):
        secret, token = store.begin(engine, user, SETTINGS), store.add_token(engine, "ann", "a", "ann", SETTINGS)
        change()
        with pytest.raises(Refused):
            store.session_user(engine, secret, SETTINGS)
        with pytest.raises(Refused):
            store.token_user(engine, token)
    with pytest.raises(Refused):
        store.log_in(engine, "ann", PASSWORD + "2", NOW, CHEAP)


@pytest.mark.parametrize(
    ("name", "password", "role", "said"),
    [
        ("bob", "short", "viewer", "password: must have 12 to 256 characters, got 5"),
        ("robert", "robert robert 1", "viewer", "must not hold the user's name"),
        ("bob", "aaaaaaaaaaaaaa", "viewer", "at least five different characters"),
        (" ", PASSWORD, "viewer", "name: must be 1 to 64 printable characters"),
        ("bob", PASSWORD, "king", "role: 'king' is not known; allowed: viewer, clinician"),
        ("ANN", PASSWORD, "viewer", "user 'ann': is here already"),
    ],
)
def test_a_user_that_says_too_little_is_refused(sqlite, name, password, role, said):
    store.add_user(sqlite, "ann", PASSWORD, "viewer", "admin", CHEAP)
    with pytest.raises(ValueError, match=said):
        store.add_user(sqlite, name, password, role, "admin", CHEAP)
