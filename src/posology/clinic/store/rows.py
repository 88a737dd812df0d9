"""A record as rows, and rows as a record: pure functions, nothing lost, nothing converted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, String, Table, and_, bindparam, insert, or_, select, update

from posology.clinic.tables import covariates, doses, observations
from posology.data.record import Record

PARTS: tuple[Table, ...] = (covariates, doses, observations)
FACTS = ("genotypes", "conditions", "medications", "allergies", "notes")
_KEYS = ("patient", "since", "position", "until")
Row = dict[str, Any]


def fields(table: Table) -> tuple[str, ...]:
    """The columns of a part that come from the record."""
    return tuple(c.name for c in table.columns if c.name not in _KEYS)


def facts_of(record: Record) -> dict[str, Any]:
    """What has no table of its own."""
    return {name: record.model_dump(include={name}, mode="json")[name] for name in FACTS}


def rows_of(record: Record) -> dict[str, list[Row]]:
    """The rows of each part, in the record's order."""
    flat = [{"name": name, **m.model_dump()} for name, values in record.covariates.items() for m in values]
    return {
        "covariates": flat,
        "doses": [dose.model_dump() for dose in record.doses],
        "observations": [observation.model_dump() for observation in record.observations],
    }


def record_of(record_id: str, start: Any, facts: Mapping[str, Any], parts: Mapping[str, Iterable[Row]]) -> Record:
    """The record that `facts_of` and `rows_of` took apart."""
    named: dict[str, list[Row]] = {}
    for row in parts["covariates"]:
        named.setdefault(row["name"], []).append({k: v for k, v in row.items() if k != "name"})
    raw = {"id": record_id, "start": start, **facts, "covariates": named}
    return Record.model_validate(raw | {name: tuple(parts[name]) for name in ("doses", "observations")})


def fitting(table: Table, row: Row) -> Row:
    """The row itself, when every database can keep its texts.

    Raises:
        ValueError: naming the column (SQLite would take any text, the others would fail without a sentence).
    """
    for name, value in row.items():
        if isinstance(value, str) and any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value):
            raise ValueError(f"{table.name}, field {name}: holds a character that is none (NUL or half of a surrogate pair)")
        kind = table.c[name].type
        if isinstance(value, str) and isinstance(kind, String) and kind.length and len(value) > kind.length:
            raise ValueError(f"{table.name}, field {name}: has {len(value)} characters; at most {kind.length} are kept")
    return row


def _valid(table: Table) -> Select[Any]:
    """The rows of a part that are valid at `version` of `patient`, in order."""
    version: BindParameter[int] = bindparam("version")
    valid = and_(table.c.since <= version, or_(table.c.until.is_(None), table.c.until > version))
    asked = select(*(table.c[name] for name in fields(table))).where(table.c.patient == bindparam("patient"), valid)
    return asked.order_by(table.c.position)


_VALID = {table.name: _valid(table) for table in PARTS}  # made once: building them takes as long as asking them


def at_version(connection: Connection, patient: str, version: int) -> dict[str, list[Row]]:
    """The rows of each part that are valid at a version, in order."""
    which = {"patient": patient, "version": version}
    return {name: [dict(row) for row in connection.execute(asked, which).mappings()] for name, asked in _VALID.items()}


def write(connection: Connection, patient: str, version: int, before: Mapping[str, list[Row]], record: Record) -> None:
    """Make the rows of a new version: places whose row changed end, and begin anew; the others stay."""
    after = rows_of(record)
    for table in PARTS:
        old, new = before.get(table.name, []), after[table.name]
        ended = [i for i, row in enumerate(old) if i >= len(new) or new[i] != row]
        begun = [i for i, row in enumerate(new) if i >= len(old) or old[i] != row]
        if ended:
            current = and_(table.c.patient == patient, table.c.until.is_(None), table.c.position.in_(ended))
            connection.execute(update(table).where(current).values(until=version))
        if begun:
            made = [{"patient": patient, "since": version, "position": i, **fitting(table, new[i])} for i in begun]
            connection.execute(insert(table), made)
