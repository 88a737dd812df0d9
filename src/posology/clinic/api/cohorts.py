"""Cohorts: files of patients with the report on their quality; their patients leave without identities only."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Path, Query, Request, UploadFile
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel, Field

from posology.clinic.store import cohorts
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs

router = APIRouter(prefix="/api/cohorts", tags=["cohorts"])

Key = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The cohort's key.")]
Reads = Annotated[Who, needs("cohort:read")]
Writes = Annotated[Who, needs("cohort:write")]
LeastAlike = Annotated[int, Query(ge=1, le=1000, description="Patients that fewer look like are left out.")]
Dates = Literal["intervals", "year", "shifted"]


class Listed(BaseModel):
    """A cohort in a list."""

    id: str
    name: str
    file: str = Field(description="What the uploader called the file.")
    rows: int
    patients: int
    sha256: str
    at: datetime
    actor: str


class Cohort(Listed):
    """A cohort with its report, in which unknown names and quoted values are left out."""

    quality: dict[str, Any]


class Added(BaseModel):
    """A cohort that was kept, with the full report, for its uploader alone."""

    id: str
    quality: dict[str, Any]


class Released(BaseModel):
    """Patients without identities, and what was done."""

    records: list[dict[str, Any]]
    report: dict[str, Any]


@router.get("")
def listing(request: Request, who: Reads) -> list[Listed]:
    """The newest first."""
    return [Listed(**row) for row in cohorts.list_cohorts(clinic_of(request).engine)]


@router.post("", status_code=201)
def add(
    request: Request, who: Writes, file: Annotated[UploadFile, File(description="JSON records, long CSV, NONMEM or FHIR.")],
    name: Annotated[str, Form(max_length=200)],
    units: Annotated[UploadFile | None, File(description="Units of a NONMEM file, as JSON.")] = None,
) -> Added:  # fmt: skip
    """Keep a file of patients."""
    return Added(**kept(request, who, name, file, units))


def kept(request: Request, who: Who, name: str, file: UploadFile, units: UploadFile | None) -> dict[str, Any]:
    """Key and full report of an uploaded file."""
    clinic = clinic_of(request)
    told = units.file.read() if units is not None and units.filename else None
    content, called = file.file.read(), file.filename or "file"
    key, full = cohorts.add(clinic.engine, clinic.settings.data, name, called, content, who.name, told)
    return {"id": key, "quality": full}


@router.get("/{key}")
def read(request: Request, who: Reads, key: Key) -> Cohort:
    """One cohort with its report."""
    return Cohort(**cohorts.cohort(clinic_of(request).engine, key))


@router.delete("/{key}", status_code=204)
def remove(request: Request, who: Writes, key: Key) -> None:
    """Delete the file of a cohort; that it was there stays on record."""
    clinic = clinic_of(request)
    cohorts.remove(clinic.engine, clinic.settings.data, key, who.name)


@router.get("/{key}/deidentified")
def deidentified(request: Request, who: Writes, key: Key, k: LeastAlike = 5, dates: Dates = "intervals") -> Released:
    """The patients without identities (Safe Harbor unless dates are shifted), and the report."""
    from posology.data.readers.json import to_dict

    clinic = clinic_of(request)
    found, report = cohorts.export(clinic.engine, clinic.settings.data, key, who.name, k, dates)
    return Released(records=[to_dict(record) for record in found], report=report)


@router.get("/{key}/deidentified.csv", response_class=PlainTextResponse)
def as_table(
    request: Request, who: Writes, key: Key, k: LeastAlike = 5, dates: Dates = "intervals"
) -> PlainTextResponse:
    """The same as a long CSV, whose cells are no formulas."""
    from posology.data.readers import to_long_csv

    clinic = clinic_of(request)
    found, _ = cohorts.export(clinic.engine, clinic.settings.data, key, who.name, k, dates)
    headers = {"Content-Disposition": f'attachment; filename="cohort-{key[:8]}.csv"'}
    return PlainTextResponse(to_long_csv(found), media_type="text/csv", headers=headers)
