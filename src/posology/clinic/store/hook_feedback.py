"""What clinicians did with the cards of our hooks: taken, or overridden and why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, select

from posology.clinic import audit
from posology.clinic.columns import canonical, sha256
from posology.clinic.database import reading
from posology.clinic.hooks.feedback import Entry
from posology.clinic.store.rows import fitting
from posology.clinic.tables import hook_feedback

MOST = 1000


def keep_feedback(engine: Engine, service: str, entries: Iterable[Entry], actor: str) -> None:
    """Keep what became of cards, all of it or nothing.

    Raises:
        ValueError: for text that is too long to be kept.
    """
    with audit.writing(engine, actor) as writer:
        for entry in entries:
            why = entry.overrideReason
            row = {
                "service": service, "card": entry.card, "outcome": entry.outcome,
                "reason": why.reason.code if why and why.reason else None, "comment": (why and why.userComment) or "",
            }  # fmt: skip
            told = {k: row[k] for k in ("card", "outcome", "reason")} | {"digest": sha256(canonical(row))}
            number = writer.note("card answered", f"hook/{service}", told)
            kept = fitting(hook_feedback, row | {"actor": actor})
            when = {"number": number, "said": entry.outcomeTimestamp, "at": datetime.now(UTC)}
            writer.connection.execute(insert(hook_feedback).values(**kept, **when))


def list_feedback(engine: Engine, service: str = "", limit: int = MOST) -> list[dict[str, Any]]:
    """What became of cards, the latest first; of one service where it is named."""
    asked = select(hook_feedback).order_by(hook_feedback.c.number.desc()).limit(limit)
    with reading(engine) as connection:
        rows = connection.execute(asked.where(hook_feedback.c.service == service) if service else asked)
        return [dict(row) for row in rows.mappings()]
