"""Users: names, roles, passwords hashed by Argon2id, and a lock after wrong passwords.

Five wrong passwords lock an account for 15 minutes. An unknown name costs as long as a wrong password, and gets
the same sentence, so that nobody learns which names there are.
"""

from __future__ import annotations

import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Engine, Row, Select, delete, insert, select, update

from posology.clinic import audit
from posology.clinic.database import reading
from posology.clinic.errors import Conflict, NotFound, Refused
from posology.clinic.roles import ROLES, allowed, known_role
from posology.clinic.tables import sessions, tokens, users

HASHER = PasswordHasher()  # Argon2id, 64 MiB, three passes, four lanes: RFC 9106, section 4, second choice
FAILURES, LOCKED = 5, timedelta(minutes=15)
"""Wrong passwords until an account is locked, and for how long (assumed; OWASP ASVS 5.0, V6.3, asks for a limit)."""
SHORTEST, LONGEST = 12, 256
"""Characters of a password (assumed: above the 8 that ASVS 5.0, V6.2.1, asks for, below what would cost time to hash)."""
LONGEST_NAME = 64
UNUSABLE = "!"
"""In the place of the hash for who logs in through an identity provider: no password has it."""
USERS = "user:write"


@dataclass(frozen=True)
class User:
    """Who is asking."""

    key: str
    name: str
    role: str


def username(name: str) -> str:
    """A user's name as it is compared: NFKC, small letters, no spaces around it.

    Raises:
        ValueError: when it is empty, long, or holds what cannot be printed.
    """
    told = unicodedata.normalize("NFKC", name).strip().casefold()
    if not told or len(told) > LONGEST_NAME or not told.isprintable():
        raise ValueError(f"name: must be 1 to {LONGEST_NAME} printable characters, got {len(told)}")
    return told


def _hashed(password: str, name: str, hasher: PasswordHasher) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise ValueError(f"password: must have {SHORTEST} to {LONGEST} characters, got {len(password)}")
    if name in password.casefold() and len(name) > 3 or len(set(password)) < 5:
        raise ValueError("password: must not hold the user's name, and must have at least five different characters")
    if any("\ud800" <= c <= "\udfff" for c in password):
        raise ValueError("password: holds a character that is none (half of a surrogate pair)")
    return hasher.hash(password)


def add_user(engine: Engine, name: str, password: str, role: str, actor: str, hasher: PasswordHasher = HASHER) -> str:
    """Add a user and return the key.

    Raises:
        ValueError: for a name, password or role that is not allowed.
        Conflict: when the name is taken.
    """
    name, key = username(name), secrets.token_hex(16)
    hashed = _hashed(password, name, hasher)
    row = {"id": key, "name": name, "role": known_role(role), "password": hashed, "active": True, "failures": 0}
    with audit.writing(engine, actor) as writer:
        if writer.connection.execute(select(users.c.id).where(users.c.name == name)).first() is not None:
            raise Conflict(f"user '{name}': is here already")
        writer.connection.execute(insert(users).values(**row, made=datetime.now(UTC)))
        writer.note("user added", f"user/{name}", {"role": role})
    return key


def list_users(engine: Engine) -> list[dict[str, Any]]:
    """All users by name: key, name, role, active, local (has a password here), locked_until, made. No passwords."""
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(_shown().order_by(users.c.name)).mappings()]


def the_user(engine: Engine, key: str) -> dict[str, Any]:
    """One user, as in `list_users`.

    Raises:
        NotFound: for an unknown key.
    """
    with reading(engine) as connection:
        row = connection.execute(_shown().where(users.c.id == key)).mappings().one_or_none()
    if row is None:
        raise NotFound("user: there is none with this key")
    return dict(row)


def _shown() -> Select[Any]:
    local = (users.c.password != UNUSABLE).label("local")
    return select(
        users.c.id.label("key"), users.c.name, users.c.role, users.c.active, local, users.c.locked_until, users.c.made
    )  # fmt: skip


def log_in(engine: Engine, name: str, password: str, now: datetime | None = None, hasher: PasswordHasher = HASHER) -> User:
    """The user of a name and password. `sessions.begin` comes next.

    Raises:
        Refused: with one sentence for an unknown name, a wrong password, a closed and a locked account.
    """
    now = now or datetime.now(UTC)
    refused = Refused("name or password is wrong, or the account is closed or locked for 15 minutes after five wrong passwords")
    try:
        asked = select(users).where(users.c.name == username(name))
    except ValueError:
        raise refused from None
    with reading(engine) as connection:
        row = connection.execute(asked).one_or_none()
    # The same work for a name that is not here, and for one without a password, as for a wrong password.
    kept = row.password if row is not None and row.password != UNUSABLE else _nobody(hasher)
    good = _verified(kept, password, hasher)
    if row is None:
        raise refused
    shut = not row.active or (row.locked_until is not None and row.locked_until > now)
    if good and not shut:
        if row.failures:
            _failures(engine, row, 0, None, "login after wrong passwords")
        return User(row.id, row.name, row.role)
    if not shut:
        _failed(engine, row.id, now)
    raise refused


def change(engine: Engine, name: str, actor: str, role: str | None = None, active: bool | None = None) -> None:
    """Give a user another role, or close or open the account; all sessions and tokens end.

    Raises:
        NotFound: for an unknown user.
        Conflict: when nobody would be left who may change users.
    """
    values = {k: v for k, v in {"role": role and known_role(role), "active": active}.items() if v is not None}
    with audit.writing(engine, actor) as writer:
        row = user_row(writer.connection, name)
        if row.active and allowed(row.role, USERS) and not (active is not False and allowed(role or row.role, USERS)):
            _another(writer.connection, row)
        if values:
            writer.connection.execute(update(users).where(users.c.id == row.id).values(**values))
        close(writer.connection, row.id)
        writer.note("user changed", f"user/{row.name}", values)


def set_password(engine: Engine, name: str, password: str, actor: str, hasher: PasswordHasher = HASHER) -> None:
    """Give a user another password and open a locked account; all sessions and tokens end.

    Raises:
        ValueError: for a password that is not allowed, or a user who logs in through an identity provider.
        NotFound: for an unknown user.
    """
    hashed = _hashed(password, username(name), hasher)
    with audit.writing(engine, actor) as writer:
        row = user_row(writer.connection, name)
        if row.password == UNUSABLE:
            raise ValueError(f"user '{row.name}': logs in through the identity provider, and has no password here")
        new = {"password": hashed, "failures": 0, "locked_until": None}
        writer.connection.execute(update(users).where(users.c.id == row.id).values(**new))
        close(writer.connection, row.id)
        writer.note("password set", f"user/{row.name}")


def user_row(connection: Connection, name: str) -> Row[Any]:
    """The row of a user.

    Raises:
        NotFound: for an unknown user.
    """
    row = connection.execute(select(users).where(users.c.name == username(name))).one_or_none()
    if row is None:
        raise NotFound(f"user '{username(name)}': is not here")
    return row


def _another(connection: Connection, row: Row[Any]) -> None:
    mighty = users.c.role.in_([role for role in ROLES if allowed(role, USERS)])
    others = select(users.c.id).where(mighty, users.c.active.is_(True), users.c.id != row.id)
    if connection.execute(others).first() is None:
        raise Conflict(f"user '{row.name}': is the last who may change users; give somebody else that role first")


def close(connection: Connection, key: str) -> None:
    """End every session and token of a user, inside a transaction."""
    for table in (sessions, tokens):
        connection.execute(delete(table).where(table.c.user_id == key))


def _verified(hashed: str, password: str, hasher: PasswordHasher) -> bool:
    try:
        return len(password) <= LONGEST and hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):  # half of a surrogate pair is no text
        return False


@cache
def _nobody(hasher: PasswordHasher) -> str:
    """A hash that no password has, for names that are not here."""
    return hasher.hash(secrets.token_urlsafe(32))


def _failed(engine: Engine, key: str, now: datetime) -> None:
    with audit.writing(engine, "system") as writer:
        # Counted again under the lock: eight guesses at once are eight failures.
        row = writer.connection.execute(select(users).where(users.c.id == key)).one()
        failures = row.failures + 1
        locked = now + LOCKED if failures >= FAILURES else None
        new = {"failures": 0 if locked else failures, "locked_until": locked}
        writer.connection.execute(update(users).where(users.c.id == key).values(**new))
        writer.note("account locked" if locked else "login refused", f"user/{row.name}", {"failures": failures})


def _failures(engine: Engine, row: Row[Any], failures: int, locked: datetime | None, action: str) -> None:
    with audit.writing(engine, row.name) as writer:
        new = {"failures": failures, "locked_until": locked}
        writer.connection.execute(update(users).where(users.c.id == row.id).values(**new))
        writer.note(action, f"user/{row.name}")
