"""Patients: a record goes in and comes out equal, every version of it is kept."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, Row, func, insert, select, update

from posology.clinic import audit
from posology.clinic.database import reading
from posology.clinic.errors import Conflict, NotFound
from posology.clinic.store import rows
from posology.clinic.tables import patients, versions
from posology.data.readers import json
from posology.data.record import Dose, Observation, Record

PAGE = 50


@dataclass(frozen=True)
class Patient:
    """A patient's record as it was at a version."""

    key: str
    version: int
    record: Record


def subject(patient: str) -> str:
    """How the audit trail names a patient: by the random key, which says nothing of the person."""
    return f"patient/{patient}"


def create(engine: Engine, record: Record, actor: str, reason: str = "") -> str:
    """Enter a new patient and return the key.

    Raises:
        Conflict: when there is a patient with that id.
    """
    return create_all(engine, [record], actor, reason)[0]


def create_all(engine: Engine, records: Iterable[Record], actor: str, reason: str = "") -> list[str]:
    """Enter new patients, all or none; their keys in the order of the records.

    Raises:
        Conflict: when there is a patient with one of the ids.
    """
    with audit.writing(engine, actor) as writer:
        return [_created(writer, record, reason) for record in records]


def _created(writer: audit.Writer, record: Record, reason: str) -> str:
    key, salt = secrets.token_hex(16), secrets.token_hex(32)
    _free(writer.connection, record.id)
    new = {"id": key, "record_id": record.id, "version": 1, "words": _words(record), "salt": salt}
    writer.connection.execute(insert(patients).values(**rows.fitting(patients, new), made=datetime.now(UTC)))
    _version(writer, key, salt, 1, {}, record, reason)
    return key


def read(engine: Engine, patient: str, version: int | None = None) -> Patient:
    """The patient of that key, now or at an older version.

    Raises:
        NotFound: for an unknown key or version.
    """
    with reading(engine) as connection:
        return at(connection, patient, version)


def at(connection: Connection, patient: str, version: int | None = None) -> Patient:
    """As `read`, inside a transaction."""
    found = _kept(connection, current(connection, patient), version)
    return Patient(patient, found.version, found.record)


def edit(engine: Engine, patient: str, version: int, record: Record, actor: str, reason: str = "") -> int:
    """Replace a record that was read at `version`; the new version.

    Raises:
        Conflict: when the record was edited since, or its new id is another patient's.
        NotFound: for an unknown key.
    """
    before = _before(engine, patient, version)
    with audit.writing(engine, actor) as writer:
        return _edited(writer, before, record, reason)


def add_dose(engine: Engine, patient: str, version: int, dose: Dose, actor: str) -> int:
    """Add a dose to the record; the new version. Raises as `edit`."""
    before = _before(engine, patient, version)
    record = _with(before.record, doses=(*before.record.doses, dose))
    with audit.writing(engine, actor) as writer:
        return _edited(writer, before, record, "dose added")


def add_observation(engine: Engine, patient: str, version: int, observation: Observation, actor: str) -> int:
    """Add a measured value to the record; the new version. Raises as `edit`."""
    before = _before(engine, patient, version)
    record = _with(before.record, observations=(*before.record.observations, observation))
    with audit.writing(engine, actor) as writer:
        return _edited(writer, before, record, "observation added")


def history(engine: Engine, patient: str) -> list[dict[str, Any]]:
    """Every version: number, when, by whom, why.

    Raises:
        NotFound: for an unknown key.
    """
    with reading(engine) as connection:
        current(connection, patient)
        shown = (versions.c.version, versions.c.at, versions.c.actor, versions.c.reason)
        asked = select(*shown).where(versions.c.patient == patient).order_by(versions.c.version)
        return [dict(row) for row in connection.execute(asked).mappings()]


def listing(engine: Engine, search: str = "", after: str = "", limit: int = PAGE) -> list[dict[str, Any]]:
    """Patients by id: key, record_id, version, changed; those after the id `after`, at most `limit`.

    `search` is looked for in ids, conditions, medications and allergies, whatever the case of its letters.
    """
    last = (versions.c.patient == patients.c.id) & (versions.c.version == patients.c.version)
    shown = (patients.c.id.label("key"), patients.c.record_id, patients.c.version, versions.c.at.label("changed"))
    asked = select(*shown).join(versions, last).order_by(patients.c.record_id).limit(limit)
    if after:
        asked = asked.where(patients.c.record_id > after)
    for word in search.casefold().split():
        asked = asked.where(patients.c.words.contains(word, autoescape=True))
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(asked).mappings()]


def count(engine: Engine) -> int:
    """How many patients there are."""
    with reading(engine) as connection:
        return connection.execute(select(func.count()).select_from(patients)).scalar_one()


def key_of(engine: Engine, record_id: str) -> str:
    """The key of the patient with an id.

    Raises:
        NotFound: when there is none.
    """
    with reading(engine) as connection:
        key = connection.execute(select(patients.c.id).where(patients.c.record_id == record_id)).scalar_one_or_none()
    if key is None:
        raise NotFound(f"patient '{record_id}': is not here")
    return key


def current(connection: Connection, patient: str) -> Row[Any]:
    """The row of a patient.

    Raises:
        NotFound: for an unknown key, one that was erased among them.
    """
    row = connection.execute(select(patients).where(patients.c.id == patient)).one_or_none()
    if row is None:
        raise NotFound("patient: there is none with this key; it may have been erased")
    return row


class Kept(NamedTuple):
    """A version as it is kept: the row of the patient now, and the rows of the record at that version."""

    row: Row[Any]
    version: int
    about: Row[Any]
    parts: dict[str, list[rows.Row]]

    @property
    def record(self) -> Record:
        """The record of the rows."""
        return rows.record_of(self.about.record_id, self.about.start, self.about.facts, self.parts)


def _kept(connection: Connection, row: Row[Any], version: int | None) -> Kept:
    version = row.version if version is None else version
    asked = select(versions).where(versions.c.patient == row.id, versions.c.version == version)
    about = connection.execute(asked).one_or_none()
    if about is None:
        raise NotFound(f"patient '{row.record_id}': has no version {version}; the versions are 1 to {row.version}")
    return Kept(row, version, about, rows.at_version(connection, row.id, version))


def _before(engine: Engine, patient: str, version: int) -> Kept:
    """What is edited, read before anything is locked: a version never changes, so the write need only see that it is the last."""
    with reading(engine) as connection:
        row = current(connection, patient)
        _the_last(row, version)
        return _kept(connection, row, version)


def _the_last(row: Row[Any], version: int) -> None:
    if row.version != version:
        raise Conflict(
            f"patient '{row.record_id}': you edited version {version}, but version {row.version} is there now;"
            " look at it and make the change again"
        )


def _edited(writer: audit.Writer, before: Kept, record: Record, reason: str) -> int:
    patient, version = before.row.id, before.version
    if record.id != before.row.record_id:
        _free(writer.connection, record.id)
    new = {"record_id": record.id, "version": version + 1, "words": _words(record)}
    of_version = update(patients).where(patients.c.id == patient, patients.c.version == version)
    if not writer.connection.execute(of_version.values(**rows.fitting(patients, new))).rowcount:
        _the_last(current(writer.connection, patient), version)
    _version(writer, patient, before.row.salt, version + 1, before.parts, record, reason)
    return version + 1


def _version(
    writer: audit.Writer, patient: str, salt: str, version: int, before: dict[str, Any], record: Record, reason: str
) -> None:
    digest = audit.keyed(salt, json.to_dict(record))
    action = "patient created" if version == 1 else "patient edited"
    number = writer.note(action, subject(patient), {"version": version, "digest": digest})
    made = {
        "patient": patient, "version": version, "record_id": record.id, "start": record.start,
        "facts": rows.facts_of(record), "digest": digest, "at": datetime.now(UTC), "actor": writer.actor,
        "reason": reason.strip(), "number": number,
    }  # fmt: skip
    writer.connection.execute(insert(versions).values(**rows.fitting(versions, made)))
    rows.write(writer.connection, patient, version, before, record)


def _with(record: Record, **changed: Any) -> Record:
    """The record with fields replaced, in order of time again."""
    return Record.model_validate({name: getattr(record, name) for name in Record.model_fields} | changed)


def _words(record: Record) -> str:
    return "\n".join((record.id, *record.conditions, *record.medications, *record.allergies)).casefold()


def _free(connection: Connection, record_id: str) -> None:
    if connection.execute(select(patients.c.id).where(patients.c.record_id == record_id)).first() is not None:
        raise Conflict(f"patient '{record_id}': is here already; open it and edit it")
