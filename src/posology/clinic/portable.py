"""A database's content as a stream of rows that is equal on every database: for copies, backups and their checks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Table, delete, func, insert, select, tuple_

from posology.clinic import database, migrations
from posology.clinic.columns import Utc, canonical
from posology.clinic.tables import audit_head, metadata

BATCH = 500
TABLES: tuple[Table, ...] = tuple(metadata.sorted_tables)  # those that others refer to first
Row = dict[str, Any]


def stream(connection: Connection, table: Table) -> Iterator[Row]:
    """All rows of a table in order of its key, read in batches; times as ISO 8601 in UTC."""
    key = list(table.primary_key.columns)
    asked = select(table).order_by(*key).limit(BATCH)
    last: tuple[Any, ...] | None = None
    while True:
        after = asked if last is None else asked.where(tuple_(*key) > tuple_(*last))
        found = connection.execute(after).mappings().all()
        yield from ({name: _plain(value) for name, value in row.items()} for row in found)
        if len(found) < BATCH:
            return
        last = tuple(found[-1][column.name] for column in key)


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def fill(connection: Connection, table: Table, rows: Iterable[Row]) -> None:
    """Insert rows that `stream` gave."""
    stamps = [c.name for c in table.columns if isinstance(c.type, Utc)]
    batch: list[Row] = []
    for row in rows:
        batch.append(row | {name: datetime.fromisoformat(row[name]) for name in stamps if row[name] is not None})
        if len(batch) == BATCH:
            connection.execute(insert(table), batch)
            batch = []
    if batch:
        connection.execute(insert(table), batch)


class Digest:
    """Number and SHA-256 of the rows that went through."""

    def __init__(self) -> None:
        self.rows, self._hash = 0, hashlib.sha256()

    def add(self, row: Row) -> Row:
        """Count a row and return it."""
        self.rows += 1
        self._hash.update(canonical(row).encode() + b"\n")
        return row

    def told(self) -> dict[str, Any]:
        """`rows` and `sha256`."""
        return {"rows": self.rows, "sha256": self._hash.hexdigest()}


def digests(connection: Connection) -> dict[str, dict[str, Any]]:
    """Rows and content hash of every table."""
    found = {}
    for table in TABLES:
        digest = Digest()
        for row in stream(connection, table):
            digest.add(row)
        found[table.name] = digest.told()
    return found


def emptied_head(connection: Connection, engine: Engine) -> None:
    """Make sure that a database holds nothing, and take away the head of its empty chain, to be filled.

    Raises:
        ValueError: naming the first table with rows.
    """
    for table in TABLES:
        rows = connection.execute(select(func.count()).select_from(table)).scalar_one()
        if rows and (table is not audit_head or connection.execute(select(audit_head.c.rows)).scalars().first()):
            raise ValueError(
                f"database {database.shown(engine.url)}: is not empty ({table.name} has {rows} rows);"
                " only an empty one is filled"
            )
    connection.execute(delete(audit_head))


def copy(source: Engine, target: Engine) -> list[dict[str, Any]]:
    """Fill an empty database with what another holds; per table its rows, and the hash, equal on both.

    The target is brought to the newest step first. Nothing stays in it when anything goes wrong.

    Raises:
        ValueError: when both are the same, the source is older than this version, or the target is not empty.
    """
    if source.url == target.url:
        raise ValueError(f"database {database.shown(source.url)}: cannot be copied onto itself")
    migrations.needed(source)
    migrations.upgrade(target)
    before = {table.name: Digest() for table in TABLES}
    with database.reading(source) as old, database.writing(target) as new:
        emptied_head(new, target)
        for table in TABLES:
            fill(new, table, map(before[table.name].add, stream(old, table)))
        after = digests(new)
        for name, digest in before.items():
            if digest.told() != after[name]:
                raise ValueError(f"table {name}: came out with another content hash; the copy was undone")
    return [{"table": name, **digest.told()} for name, digest in before.items()]
