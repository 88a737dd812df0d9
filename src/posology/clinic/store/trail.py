"""The audit trail as it is read: by subject, actor and action, newest first, and whole as lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any, NamedTuple

from sqlalchemy import Engine, Select, select

from posology.clinic.database import reading
from posology.clinic.tables import audit, audit_head

BATCH = 1000


class Sought(NamedTuple):
    """Which rows; what is empty does not count. A subject is sought by its beginning: `user/` finds all users."""

    subject: str = ""
    actor: str = ""
    action: str = ""

    def among(self, asked: Select[Any]) -> Select[Any]:
        """The query with what is sought."""
        if self.subject:
            asked = asked.where(audit.c.subject.startswith(self.subject, autoescape=True))
        if self.actor:
            asked = asked.where(audit.c.actor == self.actor)
        return asked.where(audit.c.action == self.action) if self.action else asked


ALL = Sought()


def trail(engine: Engine, sought: Sought = ALL, before: int | None = None, limit: int = 50) -> list[dict[str, Any]]:
    """Audit rows, newest first: number, at, actor, action, subject, detail, previous, hash; those before a number."""
    asked = sought.among(select(audit)).order_by(audit.c.number.desc()).limit(limit)
    with reading(engine) as connection:
        rows = connection.execute(asked if before is None else asked.where(audit.c.number < before)).mappings()
        return [dict(row) for row in rows]


def lines(engine: Engine, sought: Sought = ALL) -> Iterator[str]:
    """Audit rows in their order, each a line of JSON, up to the row that is the newest when it begins.

    No transaction stays open while they are sent: rows that stand do not change.
    """
    with reading(engine) as connection:
        newest = connection.execute(select(audit_head.c.rows)).scalar_one()
    last = 0
    while True:
        asked = sought.among(select(audit)).where(audit.c.number > last, audit.c.number <= newest)
        with reading(engine) as connection:
            found = connection.execute(asked.order_by(audit.c.number).limit(BATCH)).mappings().all()
        for row in found:
            yield json.dumps(dict(row) | {"at": row["at"].astimezone(UTC).isoformat(timespec="microseconds")}) + "\n"
        if len(found) < BATCH:
            return
        last = found[-1]["number"]
