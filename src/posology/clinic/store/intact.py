"""Whether the records are those that the audit trail was written for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from posology.clinic import audit
from posology.clinic.database import reading
from posology.clinic.store import patients
from posology.clinic.tables import audit as audit_table
from posology.clinic.tables import decisions, versions
from posology.clinic.tables import patients as patients_table
from posology.data.readers import json


def altered(engine: Engine) -> Iterator[str]:
    """A sentence for every record or decision whose content is not what its audit row says, patient by patient.

    This finds what was changed in the tables behind the store's back; that the audit rows themselves stand is
    what `audit.verify` says.
    """
    with reading(engine) as connection:
        yield from altered_in(connection)


def altered_in(connection: Connection) -> Iterator[str]:
    """As `altered`, inside a transaction."""
    every = select(patients_table.c.id, patients_table.c.salt, patients_table.c.version).order_by(patients_table.c.id)
    for key, salt, version in connection.execute(every).all():
        yield from _versions(connection, key, salt, version)
        for row in _with_audit(connection, decisions, key):
            if not row.digest == audit.keyed(salt, row.entry) == _noted(row):
                yield f"patient/{key}: decision {row.number} was altered"


def _versions(connection: Connection, key: str, salt: str, newest: int) -> Iterator[str]:
    seen = 0
    for row in _with_audit(connection, versions, key):
        seen += 1
        try:
            record = json.to_dict(patients.at(connection, key, row.version).record)
        except ValueError:
            record = None
        if not row.digest == audit.keyed(salt, record) == _noted(row):
            yield f"patient/{key}: version {row.version} was altered"
    if seen != newest:
        yield f"patient/{key}: has {seen} versions, but the newest is {newest}"


def _with_audit(connection: Connection, table: Any, key: str) -> list[Row[Any]]:
    joined = table.outerjoin(audit_table, audit_table.c.number == table.c.number)
    asked = select(table, audit_table.c.detail.label("noted")).select_from(joined)
    return list(connection.execute(asked.where(table.c.patient == key).order_by(table.c.number)).all())


def _noted(row: Row[Any]) -> str | None:
    return row.noted.get("digest") if row.noted else None
