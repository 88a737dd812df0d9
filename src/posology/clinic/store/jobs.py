"""Work that goes on after the page is closed: a queue in the database, taken by workers under a lease.

    queued → running → done | failed | cancelled

A worker holds a job until its lease ends, and renews it while it works. A worker that was killed or paused loses its
lease; the next that asks takes the job with a higher fence, and whatever the first still says is refused. So each job has
one result. Who submits, cancels and ends a job stands in the audit trail; leases and progress do not.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, RowMapping, insert, or_, select, update

from posology.clinic import audit
from posology.clinic.columns import NAME, canonical
from posology.clinic.database import reading, writing
from posology.clinic.errors import Conflict, NotFound
from posology.clinic.tables import jobs

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
ENDED = (DONE, FAILED, CANCELLED)
LEASE = timedelta(seconds=30)
"""How long a worker may say nothing before its job is given to another (assumed: many times a step's length)."""
ATTEMPTS = 3
"""How often a job is begun before it counts as failed (assumed: a job that kills its worker must not kill them all)."""


class Claim(NamedTuple):
    """A job in a worker's hands: its key, what is asked, how far an earlier attempt came, and the fence of this attempt."""

    key: str
    kind: str
    arguments: Any
    progress: Any
    fence: int


def submit(engine: Engine, kind: str, arguments: Mapping[str, Any], actor: str) -> str:
    """Put a job into the queue and return its key.

    Raises:
        ValueError: for an empty or overlong kind, or arguments that are no plain data.
    """
    if not kind.strip() or len(kind) > NAME:
        raise ValueError(f"kind: must be a name of 1 to {NAME} characters")
    try:
        canonical(dict(arguments))
    except (TypeError, ValueError) as error:
        raise ValueError(f"arguments: must be plain data with finite numbers: {error}") from None
    key = secrets.token_hex(16)
    row = {"id": key, "kind": kind, "state": QUEUED, "arguments": dict(arguments), "attempts": 0, "fence": 0}
    with audit.writing(engine, actor) as writer:
        writer.connection.execute(insert(jobs).values(**row, cancelled=False, made=datetime.now(UTC), actor=actor))
        writer.note("job submitted", f"job/{key}", {"kind": kind})
    return key


def claim(
    engine: Engine, worker: str, kinds: Sequence[str], lease: timedelta = LEASE, now: datetime | None = None
) -> Claim | None:
    """Take the oldest job of these kinds that waits or whose worker has lost it; None where there is none."""
    now = now or datetime.now(UTC)
    lost = (jobs.c.state == RUNNING) & (jobs.c.leased_until < now)
    open_ = or_(jobs.c.state == QUEUED, lost) & jobs.c.kind.in_(list(kinds))
    asked = select(jobs).where(open_).order_by(jobs.c.made, jobs.c.id).limit(1).with_for_update(skip_locked=True)
    while True:
        with writing(engine) as connection:
            row = connection.execute(asked).mappings().one_or_none()
            if row is None:
                return None
            if reason := _over(row):
                _end(connection, row["id"], reason, now)
                continue
            new = {"state": RUNNING, "worker": worker, "leased_until": now + lease, "fence": row["fence"] + 1}
            new |= {"attempts": row["attempts"] + 1, "began": row["began"] or now}
            connection.execute(update(jobs).where(jobs.c.id == row["id"]).values(**new))
            return Claim(row["id"], row["kind"], row["arguments"], row["progress"], row["fence"] + 1)


def _over(row: RowMapping) -> dict[str, Any] | None:
    """The end of a job that nobody shall begin again."""
    if row["cancelled"]:
        return {"state": CANCELLED}
    if row["attempts"] >= ATTEMPTS:
        return {"state": FAILED, "error": f"was begun {ATTEMPTS} times, and each time its worker was lost"}
    return None


def _end(connection: Connection, key: str, values: Mapping[str, Any], now: datetime) -> None:
    connection.execute(update(jobs).where(jobs.c.id == key).values(**values, ended=now, leased_until=None))


def renew(engine: Engine, held: Claim, progress: Any = None, lease: timedelta = LEASE, now: datetime | None = None) -> bool:
    """Keep a job for another lease and say how far it is; whether it shall go on (False: it was cancelled).

    Raises:
        Conflict: when the job was given to another worker or has ended.
    """
    now = now or datetime.now(UTC)
    values: dict[str, Any] = {"leased_until": now + lease} | ({} if progress is None else {"progress": progress})
    with writing(engine) as connection:
        row = _held(connection, held)
        connection.execute(update(jobs).where(jobs.c.id == held.key).values(**values))
        return not row["cancelled"]


def finish(engine: Engine, held: Claim, worker: str, result: Any = None, error: str | None = None) -> str:
    """End a job with its result, or with the sentence why there is none; the state it ended in.

    Raises:
        Conflict: when the job was given to another worker or has ended: this result is not kept.
    """
    with audit.writing(engine, worker) as writer:
        row = _held(writer.connection, held)
        state = CANCELLED if row["cancelled"] else DONE if error is None else FAILED
        values = {"state": state, "error": error, "result": result if state == DONE else None}
        _end(writer.connection, held.key, values, datetime.now(UTC))
        writer.note(f"job {state}", f"job/{held.key}", {"attempt": row["attempts"]})
    return state


def release(engine: Engine, held: Claim, progress: Any = None) -> None:
    """Give a job back into the queue, for another worker to go on with: this attempt does not count.

    Raises:
        Conflict: when the job was given to another worker or has ended.
    """
    values: dict[str, Any] = {"state": QUEUED, "worker": None, "leased_until": None}
    with writing(engine) as connection:
        row = _held(connection, held)
        values |= {"attempts": row["attempts"] - 1} | ({} if progress is None else {"progress": progress})
        if row["cancelled"]:
            values = {"state": CANCELLED, "ended": datetime.now(UTC), "leased_until": None}
        connection.execute(update(jobs).where(jobs.c.id == held.key).values(**values))


def _held(connection: Connection, held: Claim) -> RowMapping:
    row = connection.execute(select(jobs).where(jobs.c.id == held.key).with_for_update()).mappings().one_or_none()
    if row is None or row["fence"] != held.fence or row["state"] != RUNNING:
        raise Conflict(f"job '{held.key}': is no longer in the hands of this worker")
    return row


def cancel(engine: Engine, key: str, actor: str) -> str:
    """End a job that waits, and ask the worker of one that runs to stop; the state after it.

    Raises:
        NotFound: for an unknown job.
        Conflict: when it has ended.
    """
    with audit.writing(engine, actor) as writer:
        row = _row(writer.connection, key, for_update=True)
        if row["state"] in ENDED:
            raise Conflict(f"job '{key}': has ended already, {row['state']}")
        writer.connection.execute(update(jobs).where(jobs.c.id == key).values(cancelled=True))
        if row["state"] == QUEUED:
            _end(writer.connection, key, {"state": CANCELLED}, datetime.now(UTC))
        writer.note("job cancelled", f"job/{key}", {"was": row["state"]})
    return CANCELLED if row["state"] == QUEUED else RUNNING


def job(engine: Engine, key: str) -> dict[str, Any]:
    """Everything of one job.

    Raises:
        NotFound: for an unknown job.
    """
    with reading(engine) as connection:
        return dict(_row(connection, key))


def list_jobs(engine: Engine, limit: int = 100) -> list[dict[str, Any]]:
    """The newest jobs first."""
    with reading(engine) as connection:
        asked = select(jobs).order_by(jobs.c.made.desc(), jobs.c.id).limit(limit)
        return [dict(row) for row in connection.execute(asked).mappings()]


def _row(connection: Connection, key: str, for_update: bool = False) -> RowMapping:
    asked = select(jobs).where(jobs.c.id == key)
    row = connection.execute(asked.with_for_update() if for_update else asked).mappings().one_or_none()
    if row is None:
        raise NotFound(f"job '{key}': is not here")
    return row
