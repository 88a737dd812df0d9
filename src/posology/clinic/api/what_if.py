"""What if: the course under up to four regimens, side by side."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic.api.patients import Reads
from posology.clinic.api.recommendations import PLAIN, Hours, PatientKey, When, read
from posology.clinic.web.advice import followed

router = APIRouter(prefix="/api", tags=["recommendations"])
Days = Annotated[float, Field(ge=0, le=366, allow_inf_nan=False)]

Amount = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Label = Annotated[str, Field(max_length=100, pattern=PLAIN)]


class Regimen(BaseModel):
    """A dose, when it is first given, and how long until the next visit."""

    model_config = ConfigDict(extra="forbid")
    dose: Amount | Label = Field(
        description="An amount in the unit of the treatment's table, or the label of one of its rows."
    )
    every_days: Days | None = Field(default=None, description="Days from the dose to the next visit; the treatment's usual ones.")
    start_in_days: Days | None = Field(default=None, description="Days until the dose; now.")


class AskedCourses(BaseModel):
    """A patient, a treatment and regimens."""

    model_config = ConfigDict(extra="forbid")
    patient: PatientKey
    treatment: str = Field(max_length=200, pattern=PLAIN, description="One of `GET /api/offers`.")
    at: Hours | When | None = Field(default=None, description="As for a recommendation.")
    regimens: list[Regimen] = Field(min_length=1, max_length=4)


class Courses(BaseModel):
    """The past as it is believed, and the future under each regimen."""

    patient: str
    version: int
    courses: dict[str, Any] = Field(description="As docs/recommend.md describes it.")


@router.post("/what-if")
def what_if(request: Request, who: Reads, asked: AskedCourses) -> Courses:
    """Follow this patient under up to four regimens."""
    found = read(request, who.name, asked.patient)
    regimens = [r.model_dump(exclude_none=True) for r in asked.regimens]
    courses = followed(request, asked.treatment, found.record, regimens, asked.at)
    return Courses(patient=found.key, version=found.version, courses=courses)
