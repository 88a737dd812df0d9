"""Decisions on recommendations: what was laid before whom, and what he will give."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, Field

from posology.bedside.decide import decision
from posology.clinic import store
from posology.clinic.api.patients import Reads
from posology.clinic.api.recommendations import Asked, read
from posology.clinic.api.what_if import Days
from posology.clinic.errors import Conflict
from posology.clinic.web.advice import offer_of, recommended
from posology.clinic.web.shared import clinic_of, looked_at
from posology.clinic.web.who import Who, needs

router = APIRouter(prefix="/api/decisions", tags=["decisions"])

Decides = Annotated[Who, needs("decision:write")]
Due = Annotated[AwareDatetime, Field(ge=datetime(2000, 1, 1, tzinfo=UTC), le=datetime(2200, 1, 1, tzinfo=UTC))]


class Decided(Asked):
    """What is decided on the recommendation that is asked for by the same words."""

    version: int = Field(ge=1, le=2**31 - 1, description="The version of the record that the recommendation was made on.")
    answer: Literal["accepted", "changed", "deferred", "rejected"]
    mg: float = Field(default=0.0, ge=0, le=1e6, allow_inf_nan=False, description="What will be given per dose; 0 for nothing.")
    every_days: Days | None = Field(default=None, description="Days until the next visit, where that is changed.")
    start_in_days: Days | None = Field(default=None, description="Days until the dose, where it is given later.")
    until: Due | None = Field(default=None, description="When a deferred decision is due, with a zone.")
    reason: str = Field(default="", max_length=2000, description="Why, asked for unless the recommendation is accepted.")


class Made(BaseModel):
    """A decision as it is kept."""

    number: int = Field(description="That of its entry in the audit trail.")
    version: int
    answer: str
    mg: float
    reason: str
    at: datetime
    actor: str
    entry: dict[str, Any] = Field(description="What was laid before the person, and on which record and program.")


@router.post("", status_code=201)
def decide(request: Request, who: Decides, made: Decided) -> Made:
    """Keep a decision; 409 when the record is another one by now."""
    found, offer = read(request, who.name, made.patient), offer_of(request, made.treatment, made.policy)
    if found.version != made.version:
        raise Conflict(f"version: the decision is on {made.version}, but {found.version} is there now; ask again")
    shown = recommended(request, offer, found.record, made.at)
    entry = decision(
        shown, found.record, made.mg, who.name, made.reason, answer=made.answer, every_days=made.every_days,
        start_in_days=made.start_in_days, until=made.until,
    )  # fmt: skip
    number = store.decide(clinic_of(request).engine, made.patient, made.version, made.answer, entry, who.name)
    return next(Made(**row) for row in store.decisions_of(clinic_of(request).engine, made.patient) if row["number"] == number)


@router.get("")
def listing(
    request: Request, who: Reads, patient: Annotated[str, Query(pattern="^[0-9a-f]{32}$", description="The patient's key.")]
) -> list[Made]:
    """The decisions on a patient, in the order they were made."""
    found = store.decisions_of(clinic_of(request).engine, patient)
    looked_at(request, who.name, patient)
    return [Made(**row) for row in found]
