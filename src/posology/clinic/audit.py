"""The audit trail: one row per write, each holding the hash of the row before; the head keeps count and hash.

    hash = SHA-256(canonical JSON of number, at, actor, action, subject, detail, previous)

A write locks the head row first, so that writers follow each other and the chain never forks. Rows name what
was written by key and by keyed hash, never by content (docs/decisions: the audit chain): a person's data can be
erased while the chain stays valid. A row that was edited, deleted, swapped, inserted or cut off is found.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select, update

from posology.clinic import database
from posology.clinic.columns import NAME, canonical, sha256
from posology.clinic.errors import Unavailable
from posology.clinic.tables import audit, audit_head

GENESIS = "0" * 64
BATCH = 1000


def row_hash(number: int, at: datetime, actor: str, action: str, subject: str, detail: Any, previous: str) -> str:
    """The hash of an audit row."""
    when = at.astimezone(UTC).isoformat(timespec="microseconds")
    return sha256(canonical([number, when, actor, action, subject, detail, previous]))


def keyed(salt: str, content: Any) -> str:
    """HMAC-SHA256 of plain data. With the salt gone it says nothing, not even to who guesses the content."""
    return hmac.new(bytes.fromhex(salt), canonical(content).encode(), "sha256").hexdigest()


@dataclass
class Writer:
    """A transaction that has the head of the chain locked; `note` adds a row to it."""

    connection: Connection
    actor: str
    count: int
    hash: str

    def note(self, action: str, subject: str, detail: dict[str, Any] | None = None) -> int:
        """Add an audit row and return its number."""
        number, at, said = self.count + 1, datetime.now(UTC), detail or {}
        made = row_hash(number, at, self.actor, action, subject, said, self.hash)
        self.connection.execute(
            insert(audit).values(
                number=number, at=at, actor=self.actor, action=action, subject=subject, detail=said,
                previous=self.hash, hash=made,
            )
        )  # fmt: skip
        self.count, self.hash = number, made
        return number


@contextmanager
def writing(engine: Engine, actor: str) -> Iterator[Writer]:
    """A transaction whose writes and audit rows are kept together or not at all.

    Raises:
        ValueError: for an empty or overlong actor.
        Unavailable: when the database does not answer or was not made by `posology db upgrade`.
    """
    if not actor.strip() or len(actor) > NAME:
        raise ValueError(f"actor: must be a name of 1 to {NAME} characters")
    with database.writing(engine) as connection:
        head = connection.execute(select(audit_head).with_for_update()).one_or_none()
        if head is None:
            raise Unavailable("database: the head of the audit chain is gone; nothing is written until it is restored")
        writer = Writer(connection, actor, head.rows, head.hash)
        yield writer
        if writer.count == head.rows:
            raise RuntimeError("a write left no audit row")
        connection.execute(update(audit_head).values(rows=writer.count, hash=writer.hash))


@dataclass(frozen=True)
class Verdict:
    """What `verify` found: rows that stand, the head, and the first fault with its row's number."""

    rows: int
    count: int
    hash: str
    fault: str | None = None
    row: int | None = None


def verify(engine: Engine, noted: tuple[int, str] | None = None) -> Verdict:
    """Go through the chain from its first row to its head.

    Args:
        noted: count and hash of a head that was written down earlier, which the chain must still contain:
            this finds a chain that somebody made anew from its beginning.
    """
    with database.reading(engine) as connection:
        head = connection.execute(select(audit_head)).one_or_none()
        if head is None:
            return Verdict(0, 0, "", "the head of the chain is gone", None)
        count, hash_ = int(head.rows), str(head.hash)
        good, previous = 0, GENESIS
        for row in rows(connection):
            fault = _fault(row, good + 1, previous, count)
            if fault is None and noted is not None and row.number == noted[0] and row.hash != noted[1]:
                fault = (row.number, f"row {row.number} is not the one whose hash was noted")
            if fault is not None:
                return Verdict(good, count, hash_, fault[1], fault[0])
            good, previous = row.number, row.hash
    if good < count:
        return Verdict(good, count, hash_, f"rows {good + 1} to {count} are cut off at the end", good + 1)
    if previous != hash_:
        return Verdict(good, count, hash_, f"row {good} is not the one that the head was made of", good)
    if noted is not None and noted[0] > count:
        return Verdict(good, count, hash_, f"rows {count + 1} to {noted[0]}, noted earlier, are cut off", count + 1)
    return Verdict(good, count, hash_)


def _fault(row: Row[Any], number: int, previous: str, count: int) -> tuple[int, str] | None:
    """The number of the row at fault, and what is wrong with it, where `number` should follow `previous`."""
    if row.number < number:
        return row.number, f"row {row.number} was inserted before the first"
    if row.number > number:
        return number, f"row {number} was deleted; the next is {row.number}"
    if number > count:
        return number, f"row {number} was inserted after the end: the head counts {count}"
    told = (row.at, row.actor, row.action, row.subject, row.detail, row.previous)
    if row.hash != row_hash(number, *told):
        if row.hash == row_hash(number - 1, *told):
            return number - 1, f"row {number - 1} was inserted: row {number} had its number"
        return number, f"row {number} was edited, or is not in its place: its content does not give its hash"
    if row.previous != previous:
        if number == 1:
            return 1, "row 1 was replaced or rows before it were deleted: it does not begin the chain"
        return number - 1, f"row {number - 1} was replaced or inserted: row {number} follows another"
    return None


def rows(connection: Connection, subject: str | None = None) -> Iterator[Row[Any]]:
    """All audit rows in order, or those of one subject, read in batches."""
    asked = select(audit).order_by(audit.c.number).limit(BATCH)
    if subject is not None:
        asked = asked.where(audit.c.subject == subject)
    last: int | None = None
    while True:
        found = connection.execute(asked if last is None else asked.where(audit.c.number > last)).all()
        yield from found
        if len(found) < BATCH:
            return
        last = found[-1].number
