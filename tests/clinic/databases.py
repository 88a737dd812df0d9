"""The kinds of database that the contract holds for, and how one becomes empty between tests."""

from __future__ import annotations

import sqlalchemy as sa

from posology.clinic import database
from posology.clinic.tables import audit_head, metadata

KINDS = ("sqlite", "mariadb", "postgresql")


def emptied(engine: sa.Engine) -> sa.Engine:
    """The database without a row, its chain at the beginning."""
    with database.writing(engine) as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
        connection.execute(sa.insert(audit_head).values(id=1, rows=0, hash="0" * 64))
    return engine
