"""When a patient asks: everything that is kept, or its removal."""

from __future__ import annotations

import hmac
import re
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Engine

from posology.clinic import store
from posology.clinic.api.patients import Key
from posology.clinic.columns import NAME
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs

router = APIRouter(prefix="/api/patients", tags=["patients"])
Exports = Annotated[Who, needs("patient:export")]
Erases = Annotated[Who, needs("patient:erase")]


class Erasure(BaseModel):
    """That a patient's data shall go."""

    model_config = ConfigDict(extra="forbid")
    record_id: str = Field(min_length=1, max_length=NAME, description="The patient's id, so that no other is erased by mistake.")
    reason: str = Field(min_length=1, max_length=2000, description="Why, without naming the patient: it stays in the trail.")


def erased(engine: Engine, key: str, record_id: str, reason: str, actor: str) -> dict[str, int]:
    """Remove everything of a patient whose id was typed; rows removed per table.

    Raises:
        ValueError: for another id than the patient's, or without a reason.
        NotFound: for an unknown key.
    """
    there = store.read(engine, key).record.id
    if not hmac.compare_digest(there.encode("utf-8", "replace"), record_id.strip().encode("utf-8", "replace")):
        raise ValueError("id: is not that of this patient; type the id that stands at the top of the page")
    if re.search(rf"(?<!\w){re.escape(there)}(?!\w)", reason, re.IGNORECASE):
        raise ValueError("reason: names the patient, and would stay when the rest is gone; say it without the id")
    return store.erase(engine, key, actor, reason)


@router.post("/{key}/export")
def export(request: Request, who: Exports, key: Key) -> dict[str, Any]:
    """Everything that is kept of a patient; that it was taken out stands in the audit trail."""
    return store.export(clinic_of(request).engine, key, who.name)


@router.post("/{key}/erase")
def erase(request: Request, who: Erases, key: Key, asked: Erasure) -> dict[str, int]:
    """Remove everything that is kept of a patient, apart from the audit rows of the random key; rows per table."""
    return erased(clinic_of(request).engine, key, asked.record_id, asked.reason, who.name)
