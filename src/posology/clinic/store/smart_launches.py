"""Launches from a hospital's system that have begun, each bound to the browser that began it and good once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, delete, insert, select

from posology.clinic.columns import sha256
from posology.clinic.database import writing
from posology.clinic.smart import Pending
from posology.clinic.tables import smart_launches

LASTS = timedelta(minutes=10)
"""Until the browser must be back (assumed: time to log in at the hospital)."""


def keep_launch(engine: Engine, secret: str, pending: Pending, now: datetime | None = None) -> None:
    """Keep what a launch needs until the browser that holds `secret` comes back."""
    now = now or datetime.now(UTC)
    with writing(engine) as connection:
        connection.execute(delete(smart_launches).where(smart_launches.c.expires < now))
        row = {"digest": sha256(secret), "pending": pending._asdict(), "expires": now + LASTS}
        connection.execute(insert(smart_launches).values(**row))


def take_launch(engine: Engine, secret: str, now: datetime | None = None) -> Pending:
    """The launch of a browser, which is over by this.

    Raises:
        ValueError: when this browser began none, or too long ago.
    """
    mine = smart_launches.c.digest == sha256(secret)
    with writing(engine) as connection:
        row = connection.execute(select(smart_launches).where(mine)).one_or_none()
        taken = connection.execute(delete(smart_launches).where(mine)).rowcount
    if row is None or not taken or row.expires <= (now or datetime.now(UTC)):
        raise ValueError("launch: this browser has begun none, or too long ago; begin again in the hospital's system")
    return Pending(**row.pending)
