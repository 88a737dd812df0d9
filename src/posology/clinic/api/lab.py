"""The immune system lab: courses of chemo-immune patients under a constant rate or a learned policy."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field

from posology.clinic import lab
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import logged_in

router = APIRouter(prefix="/api/lab", tags=["lab"])


class Choices(BaseModel):
    """What may be asked, and which policies were learned here."""

    types: dict[str, Any]
    policies: dict[str, str]
    learned: dict[str, bool] = Field(description="Others are learned by a job of the kind 'lab'.")
    days: int
    doses: dict[str, Any]
    units: dict[str, str]
    status: str
    scale: str


class Course(BaseModel):
    """A course, a value a day."""

    type: str
    policy: dict[str, Any]
    days: int
    seed: int
    time: list[int]
    tumour: list[float]
    normal: list[float]
    immune: list[float]
    drug: list[float]
    dose: list[float]
    reward: float
    ended_by_harm_on_day: int | None
    least_normal: float = Field(description="Normal cells below this end the course.")
    units: dict[str, str]
    scale: str
    status: str
    source: str
    not_for: str


@router.get("", dependencies=[logged_in()])
def choices(request: Request) -> Choices:
    """Types of patients, policies, limits."""
    data = clinic_of(request).settings.data
    return Choices(**lab.choices(), learned={name: lab.learned(data, name) for name in lab.LEARNED})


@router.get("/course", dependencies=[logged_in()])
def course(
    request: Request,
    type: Annotated[str, Query(max_length=40)] = "young",
    policy: Annotated[str, Query(max_length=40)] = lab.CONSTANT,
    days: Annotated[int, Query(ge=1, le=1000)] = 150,
    seed: Annotated[int, Query(ge=0, le=2**31 - 1)] = 0,
    dose: Annotated[float, Query(ge=0, le=1, allow_inf_nan=False)] = 0.5,
) -> Course:
    """Simulate a course."""
    clinic = clinic_of(request)
    ask = lambda: lab.course(type, policy, days, seed, dose, clinic.settings.data)  # noqa: E731
    return Course(**clinic.computing.answer(("lab", type, policy, days, seed, dose), ask))
