"""Sessions of a browser and tokens of a program: random secrets, of which only the hash is kept.

A session ends when it was not used for a while, and after some hours in any case; a token on its day. Both end
when the user's role or password changes. The last use of a session is the one thing written without an audit
row: it happens with every page and says nothing of a patient.
"""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine, Select, Table, bindparam, delete, insert, select, update

from posology.clinic import audit
from posology.clinic.columns import NAME, sha256
from posology.clinic.database import reading, writing
from posology.clinic.errors import Conflict, NotFound, Refused, Unavailable
from posology.clinic.settings import Settings
from posology.clinic.store.users import User, close, user_row
from posology.clinic.tables import sessions, tokens, users

TOUCH = timedelta(minutes=1)  # a use is written at most so often
PREFIX = "posology_"  # so that a token is known where it leaks
BYTES = 32


def begin(engine: Engine, user: User, settings: Settings, before: str = "", now: datetime | None = None) -> str:
    """Begin a session after `log_in` and return its secret. `before` is the browser's old one, which ends."""
    now, secret = now or datetime.now(UTC), secrets.token_urlsafe(BYTES)
    expires = now + timedelta(hours=settings.session_hours)
    with audit.writing(engine, user.name) as writer:
        if before:
            writer.connection.execute(delete(sessions).where(sessions.c.digest == sha256(before)))
        writer.connection.execute(delete(sessions).where(sessions.c.expires <= now))
        row = {"digest": sha256(secret), "user_id": user.key, "made": now, "seen": now, "expires": expires}
        writer.connection.execute(insert(sessions).values(**row))
        writer.note("login", f"user/{user.name}")
    return secret


def session_user(engine: Engine, secret: str, settings: Settings, now: datetime | None = None) -> User:
    """The user of a session.

    Raises:
        Refused: when there is no such session or it has ended.
    """
    now = now or datetime.now(UTC)
    user, row = _user(engine, sessions, secret, now, "session: has ended; log in again")
    if now - row["seen"] > timedelta(minutes=settings.session_idle_minutes):
        raise Refused(f"session: was not used for {settings.session_idle_minutes} minutes; log in again")
    if now - row["seen"] > TOUCH:
        with suppress(Unavailable), writing(engine) as connection:  # with a full disk one may still read
            connection.execute(update(sessions).where(sessions.c.digest == sha256(secret)).values(seen=now))
    return user


def end(engine: Engine, secret: str) -> None:
    """Log out; a session that has ended already stays so."""
    with reading(engine) as connection:
        asked = select(users.c.name).join(sessions).where(sessions.c.digest == sha256(secret))
        name = connection.execute(asked).scalar_one_or_none()
    if name is not None:
        with audit.writing(engine, name) as writer:
            writer.connection.execute(delete(sessions).where(sessions.c.digest == sha256(secret)))
            writer.note("logout", f"user/{name}")


def add_token(
    engine: Engine, user: str, name: str, actor: str, settings: Settings, days: int | None = None, now: datetime | None = None
) -> str:
    """Make a token for a user's program and return it; it cannot be shown again.

    Raises:
        ValueError: for a name or a number of days that is not allowed.
        Conflict: when the user has a token of that name.
    """
    days, now = settings.token_days if days is None else days, now or datetime.now(UTC)
    if not 1 <= days <= settings.token_days:
        raise ValueError(f"days: must be 1 to {settings.token_days}, got {days}")
    if not name.strip() or len(name) > NAME or not name.isprintable():
        raise ValueError(f"token, field name: must have 1 to {NAME} printable characters, got {len(name)}")
    secret = PREFIX + secrets.token_urlsafe(BYTES)
    with audit.writing(engine, actor) as writer:
        owner = user_row(writer.connection, user)
        mine = (tokens.c.user_id == owner.id) & (tokens.c.name == name.strip())
        if writer.connection.execute(select(tokens.c.digest).where(mine)).first() is not None:
            raise Conflict(f"token '{name.strip()}': is here already; revoke it first")
        row = {"digest": sha256(secret), "user_id": owner.id, "name": name.strip(), "made": now}
        writer.connection.execute(insert(tokens).values(**row, expires=now + timedelta(days=days)))
        writer.note("token added", f"user/{owner.name}", {"token": name.strip(), "days": days})
    return secret


def token_user(engine: Engine, secret: str, now: datetime | None = None) -> User:
    """The user of a token.

    Raises:
        Refused: when there is no such token, it has expired or was revoked.
    """
    return _user(engine, tokens, secret, now or datetime.now(UTC), "token: is unknown, has expired or was revoked")[0]


def revoke_token(engine: Engine, user: str, name: str, actor: str) -> None:
    """End a token.

    Raises:
        NotFound: when the user has none of that name.
    """
    with audit.writing(engine, actor) as writer:
        owner = user_row(writer.connection, user)
        mine = (tokens.c.user_id == owner.id) & (tokens.c.name == name)
        if not writer.connection.execute(delete(tokens).where(mine)).rowcount:
            raise NotFound(f"token '{name}': user '{owner.name}' has none of this name")
        writer.note("token revoked", f"user/{owner.name}", {"token": name})


def list_tokens(engine: Engine, user: str) -> list[dict[str, Any]]:
    """A user's tokens by name: name, made, expires. The tokens themselves are not kept.

    Raises:
        NotFound: for an unknown user.
    """
    shown = (tokens.c.name, tokens.c.made, tokens.c.expires)
    with reading(engine) as connection:
        asked = select(*shown).where(tokens.c.user_id == user_row(connection, user).id).order_by(tokens.c.name)
        return [dict(row) for row in connection.execute(asked).mappings()]


def end_all(engine: Engine, user: str, actor: str) -> None:
    """End every session and token of a user.

    Raises:
        NotFound: for an unknown user.
    """
    with audit.writing(engine, actor) as writer:
        row = user_row(writer.connection, user)
        close(writer.connection, row.id)
        writer.note("sessions ended", f"user/{row.name}")


def _owner(table: Table) -> Select[Any]:
    """A session or token with its user."""
    asked = select(table, users.c.name.label("user_name"), users.c.role, users.c.active).join(users)
    return asked.where(table.c.digest == bindparam("secret"))


_OWNER = {table.name: _owner(table) for table in (sessions, tokens)}  # made once, for every request asks one of them


def _user(engine: Engine, table: Table, secret: str, now: datetime, refusal: str) -> tuple[User, dict[str, Any]]:
    with reading(engine) as connection:
        row = connection.execute(_OWNER[table.name], {"secret": sha256(secret)}).mappings().one_or_none()
    if row is None or not row["active"] or row["expires"] <= now:
        raise Refused(refusal)
    return User(row["user_id"], row["user_name"], row["role"]), dict(row)
