"""When a patient asks: everything that is kept, as plain data, or its removal.

After an erasure the audit trail still says that a patient of a random key was entered, edited and erased. What the
content was cannot be told from its rows any more: they hold hashes keyed by the patient's salt, and the salt is gone.
Backups made before keep what they hold until they are deleted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, Table, delete, select

from posology.clinic import audit
from posology.clinic.store import patients
from posology.clinic.tables import metadata, versions
from posology.clinic.tables import patients as patients_table
from posology.data.readers import json


def own_tables() -> list[Table]:
    """Every table with rows of a patient, those that others refer to last."""
    return [t for t in reversed(metadata.sorted_tables) if "patient" in t.columns] + [patients_table]


def export(engine: Engine, patient: str, actor: str) -> dict[str, Any]:
    """All that is kept of a patient: every version as a record, every other row as it is, and the audit rows.

    Raises:
        NotFound: for an unknown key.
    """
    whose = patients.subject(patient)
    with audit.writing(engine, actor) as writer:
        writer.note("patient exported", whose)
        connection = writer.connection
        row = patients.current(connection, patient)
        kept = connection.execute(select(versions).where(versions.c.patient == patient).order_by(versions.c.version))
        told = [
            {
                "version": v.version, "at": _plain(v.at), "by": v.actor, "reason": v.reason, "digest": v.digest,
                "record": json.to_dict(patients.at(connection, patient, v.version).record),
            }
            for v in kept.all()
        ]  # fmt: skip
        others = {}
        for table in own_tables():
            if "number" in table.columns and table is not versions:
                asked = select(table).where(table.c.patient == patient).order_by(table.c.number)
                rows = connection.execute(asked).mappings()
                others[table.name] = [{k: _plain(v) for k, v in r.items() if k != "patient"} for r in rows]
        trail = [{k: _plain(v) for k, v in r._mapping.items()} for r in audit.rows(connection, whose)]
    head = {"patient": row.record_id, "key": patient, "salt": row.salt, "made": _plain(row.made), "version": row.version}
    return {"format": "posology-patient", **head, "versions": told, **others, "audit": trail}


def erase(engine: Engine, patient: str, actor: str, reason: str) -> dict[str, int]:
    """Remove all that is kept of a patient, apart from the audit rows of his key; rows removed per table.

    Raises:
        ValueError: without a reason.
        NotFound: for an unknown key.
    """
    if not reason.strip():
        raise ValueError("reason: is empty; say why the patient's data are erased (without naming the patient)")
    with audit.writing(engine, actor) as writer:
        patients.current(writer.connection, patient)
        removed = {}
        for table in own_tables():
            mine = table.c.id if table is patients_table else table.c.patient
            removed[table.name] = writer.connection.execute(delete(table).where(mine == patient)).rowcount
        writer.note("patient erased", patients.subject(patient), {"reason": reason.strip(), "rows": removed})
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:  # else the old pages would stay in the write-ahead log
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return removed


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value
