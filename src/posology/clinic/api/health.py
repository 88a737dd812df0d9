"""Whether the clinic runs and its database answers."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from sqlalchemy import select

from posology.clinic.database import reading
from posology.clinic.tables import audit_head
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import open_to_programs

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The state of a running clinic."""

    status: str = Field(description="'ok'; where the database does not answer, the answer is 503 instead")
    audit_rows: int = Field(description="entries of the audit trail")
    use: str = "research use only, not a medical device"


@router.get("/health", dependencies=[open_to_programs()])
def health(request: Request) -> Health:
    """Say that the clinic runs; 503 when its database does not answer."""
    with reading(clinic_of(request).engine) as connection:
        return Health(status="ok", audit_rows=connection.execute(select(audit_head.c.rows)).scalar_one())
