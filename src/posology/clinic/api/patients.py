"""Patients' records: list, enter, read, edit, history."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import store
from posology.clinic.web.shared import clinic_of, looked_at
from posology.clinic.web.who import Who, needs
from posology.data.readers.json import to_dict
from posology.data.record import from_dict

router = APIRouter(prefix="/api/patients", tags=["patients"])

Key = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The patient's key: random, it says nothing of the person.")]
RecordBody = Annotated[dict[str, Any], Body(description="A patient's record, as docs/recommend.md describes it.")]
Reads = Annotated[Who, needs("patient:read")]
Writes = Annotated[Who, needs("patient:write")]


class Listed(BaseModel):
    """A patient in a list."""

    key: str
    record_id: str
    version: int
    changed: datetime


class Entered(BaseModel):
    """A patient that was entered or edited."""

    key: str
    version: int


class Kept(Entered):
    """A record as it stands at a version."""

    record: dict[str, Any]


class Version(BaseModel):
    """One version of a record."""

    version: int
    at: datetime
    actor: str
    reason: str


class Edited(BaseModel):
    """An edit: the whole record, and the version that it was made on."""

    model_config = ConfigDict(extra="forbid")
    version: int = Field(ge=1, le=2**31 - 1, description="The version that was read; another one by now is refused with 409.")
    record: dict[str, Any] = Field(description="The record as it shall be.")
    reason: str = Field(default="", max_length=2000)


@router.get("")
def listing(
    request: Request,
    who: Reads,
    search: Annotated[str, Query(max_length=200, description="Words in ids, conditions, medications, allergies.")] = "",
    after: Annotated[str, Query(max_length=255, description="Go on after this record_id.")] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> list[Listed]:
    """Patients by id, a page at a time."""
    return [Listed(**row) for row in store.listing(clinic_of(request).engine, search, after, limit)]


@router.post("", status_code=201)
def enter(request: Request, who: Writes, record: RecordBody) -> Entered:
    """Enter a new patient."""
    return Entered(key=store.create(clinic_of(request).engine, from_dict(record), who.name), version=1)


@router.get("/{key}")
def read(
    request: Request, who: Reads, key: Key, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> Kept:
    """A patient's record, now or at an older version."""
    found = store.read(clinic_of(request).engine, key, version)
    looked_at(request, who.name, key)
    return Kept(key=key, version=found.version, record=to_dict(found.record))


@router.put("/{key}")
def edit(request: Request, who: Writes, key: Key, edited: Edited) -> Entered:
    """Replace a record that was read at a version; nothing is overwritten silently."""
    record = from_dict(edited.record)
    version = store.edit(clinic_of(request).engine, key, edited.version, record, who.name, edited.reason)
    return Entered(key=key, version=version)


@router.get("/{key}/history")
def history(request: Request, who: Reads, key: Key) -> list[Version]:
    """Every version: when, by whom, why."""
    return [Version(**row) for row in store.history(clinic_of(request).engine, key)]
