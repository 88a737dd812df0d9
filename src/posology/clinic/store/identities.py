"""Users whom an identity provider knows. The provider's issuer and subject are the person; names may change there."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, insert, select, update

from posology.clinic import audit
from posology.clinic.columns import canonical, sha256
from posology.clinic.errors import Conflict, Refused
from posology.clinic.roles import known_role
from posology.clinic.store.users import UNUSABLE, User, close, username
from posology.clinic.tables import identities, users

ACTOR = "identity provider"


def enter_from(engine: Engine, issuer: str, subject: str, name: str, role: str | None) -> User:
    """The user of a person whom the provider has just vouched for; made at the first time, without a password.

    Args:
        issuer, subject: who the person is, as the provider says it.
        name: the name here, when the user is new.
        role: the role by what the provider says today; None where no role follows from it.

    Raises:
        Refused: without a role (sessions and tokens of an earlier one end), or for an account that is closed.
        Conflict: when the name is another user's.
        ValueError: for a name that is not allowed.
    """
    digest = sha256(canonical([issuer, subject]))
    refusal: Refused | None = None
    with audit.writing(engine, ACTOR) as writer:
        found = writer.connection.execute(
            select(users).join(identities, identities.c.user_id == users.c.id).where(identities.c.digest == digest)
        ).one_or_none()
        if found is None:
            if role is None:
                raise Refused(NO_ROLE)
            return _new(writer, issuer, subject, digest, username(name), known_role(role))
        if role is None or not found.active:
            refusal = Refused(NO_ROLE if role is None else "the account is closed; an admin of the clinic can open it")
            close(writer.connection, found.id)
            writer.note("login refused", f"user/{found.name}", {"why": "no role" if role is None else "closed"})
        elif role != found.role:
            writer.connection.execute(update(users).where(users.c.id == found.id).values(role=known_role(role)))
            close(writer.connection, found.id)
            writer.note("user changed", f"user/{found.name}", {"role": role})
        else:
            writer.note("identity confirmed", f"user/{found.name}")
    if refusal is not None or role is None:
        raise refusal or Refused(NO_ROLE)
    return User(found.id, found.name, role)


NO_ROLE = "the identity provider knows you, but nothing it says gives you a role here; ask an admin of the clinic"


def _new(writer: audit.Writer, issuer: str, subject: str, digest: str, name: str, role: str) -> User:
    key, now = secrets.token_hex(16), datetime.now(UTC)
    _free(writer.connection, name)
    row = {"id": key, "name": name, "role": role, "password": UNUSABLE, "active": True, "failures": 0, "made": now}
    writer.connection.execute(insert(users).values(**row))
    known = {"digest": digest, "user_id": key, "issuer": issuer, "subject": subject, "made": now}
    writer.connection.execute(insert(identities).values(**known))
    writer.note("user added", f"user/{name}", {"role": role})
    return User(key, name, role)


def _free(connection: Connection, name: str) -> None:
    if connection.execute(select(users.c.id).where(users.c.name == name)).first() is not None:
        raise Conflict(f"user '{name}': is somebody else here; ask an admin of the clinic")
