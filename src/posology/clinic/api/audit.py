"""The audit trail: read, verified, taken out as lines of JSON."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field
from sqlalchemy import Engine

from posology.clinic import audit, store
from posology.clinic.columns import NAME
from posology.clinic.store import Sought
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs

router = APIRouter(prefix="/api/audit", tags=["audit"])
MOST_ALTERED = 50
"""Records named by one verification; the rest is likely of one cause."""
NEWEST = 2**53
Reader = Annotated[Who, needs("audit:read")]
Subject = Annotated[str, Query(max_length=NAME, description="Beginning of the subject: `patient/…`, `user/…`.")]
Actor = Annotated[str, Query(max_length=NAME, description="Who did it.")]
Action = Annotated[str, Query(max_length=NAME, description="What was done, as it is written in the trail.")]
Before = Annotated[int | None, Query(ge=1, le=NEWEST, description="Only rows before this number.")]
Head = Annotated[
    str, Query(pattern=r"^([1-9][0-9]{0,14}:[0-9a-f]{64})?$", description="A head noted earlier, which must still be there.")
]
Records = Annotated[bool, Query(description="Also compare every record with its row, which takes longer.")]


class Row(BaseModel):
    """A row of the audit trail."""

    number: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: dict[str, Any]
    previous: str
    hash: str


class Verified(BaseModel):
    """Whether the trail stands."""

    good: bool
    rows: int = Field(description="Rows that stand, from the first.")
    head: str = Field(description="Count and hash of the head; note it elsewhere, to be given as `head` later.")
    row: int | None = Field(description="Number of the first row at fault.")
    fault: str | None = Field(description="What is wrong with it.")
    altered: list[str] | None = Field(description=f"Records that are not those of their rows, at most {MOST_ALTERED}.")


def verified(engine: Engine, head: str, records: bool) -> Verified:
    """Go through the chain, and through the records where asked for."""
    count, _, hash_ = head.partition(":")
    found = audit.verify(engine, (int(count), hash_) if head else None)
    altered = list(islice(store.altered(engine), MOST_ALTERED)) if records else None
    return Verified(
        good=found.fault is None and not altered, rows=found.rows, head=f"{found.count}:{found.hash}", row=found.row,
        fault=found.fault, altered=altered,
    )  # fmt: skip


@router.get("")
def rows(
    request: Request, who: Reader, subject: Subject = "", actor: Actor = "", action: Action = "", before: Before = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Row]:  # fmt: skip
    """Audit rows, newest first, a page at a time."""
    found = store.trail(clinic_of(request).engine, Sought(subject, actor, action), before, limit)
    return [Row(**row) for row in found]


@router.get("/verify")
def verify(request: Request, who: Reader, head: Head = "", records: Records = False) -> Verified:
    """Was a row edited, deleted, swapped, inserted or cut off?"""
    return verified(clinic_of(request).engine, head, records)


@router.get("/export", response_class=StreamingResponse, responses={200: {"content": {"application/x-ndjson": {}}}})
def export(request: Request, who: Reader, subject: Subject = "", actor: Actor = "", action: Action = "") -> StreamingResponse:
    """Audit rows in their order, a line of JSON each."""
    return exported(clinic_of(request).engine, who.name, Sought(subject, actor, action))


def exported(engine: Engine, name: str, sought: Sought) -> StreamingResponse:
    """The lines as a file; that they were taken out stands in the trail."""
    with audit.writing(engine, name) as writer:
        writer.note("audit exported", "audit", {k: v for k, v in sought._asdict().items() if v})
    headers = {"Content-Disposition": 'attachment; filename="audit.jsonl"'}
    return StreamingResponse(store.lines(engine, sought), media_type="application/x-ndjson", headers=headers)
