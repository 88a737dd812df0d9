"""What was found on a patient beside the record: responses to drugs, and parameters of a model or of the immune system."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import store
from posology.clinic.api.patients import Key, Reads, Writes
from posology.clinic.api.recommendations import PLAIN
from posology.clinic.web.shared import clinic_of, looked_at

router = APIRouter(prefix="/api/patients/{key}", tags=["findings"])
Word = Annotated[str, Field(min_length=1, max_length=200, pattern=PLAIN)]
Real = Annotated[float, Field(ge=-1e12, le=1e12, allow_inf_nan=False)]


class Response(BaseModel):
    """How a patient responded to a drug."""

    model_config = ConfigDict(extra="forbid")
    drug: Word
    response: Word = Field(description="What was seen, such as 'partial response' or 'neutropenia grade 3'.")
    value: Real | None = None
    unit: Annotated[str, Field(max_length=50, pattern=PLAIN)] | None = Field(default=None, description="UCUM; of the value.")
    note: str = Field(default="", max_length=2000, pattern=r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$")


class Parameter(BaseModel):
    """A number of a model, for this patient."""

    model_config = ConfigDict(extra="forbid")
    symbol: Word
    value: Real
    lower: Real | None = None
    upper: Real | None = None
    unit: Annotated[str, Field(min_length=1, max_length=50, pattern=PLAIN)] = Field(description="UCUM.")
    source: Word = Field(description="Where the number comes from.")


class ModelParameter(Parameter):
    """A parameter of a patient model, and how it was estimated."""

    model: Word
    method: Word


class ImmuneParameter(Parameter):
    """A parameter of the immune system, and the type of patient it is of."""

    patient_type: Word


class Numbered(BaseModel):
    """A finding that is kept."""

    number: int = Field(description="That of its entry in the audit trail.")


class Found(BaseModel):
    """Findings in the order they were entered."""

    number: int
    at: datetime
    actor: str
    finding: dict[str, Any]


@router.get("/responses")
def responses(request: Request, who: Reads, key: Key) -> list[Found]:
    """How the patient responded to drugs."""
    return _found(request, who.name, key, "drug response")


@router.post("/responses", status_code=201)
def respond(request: Request, who: Writes, key: Key, told: Response) -> Numbered:
    """Keep how the patient responded to a drug."""
    return _kept(request, who.name, key, "drug response", told)


@router.get("/parameters")
def parameters(request: Request, who: Reads, key: Key) -> list[Found]:
    """The patient's own parameters of patient models."""
    return _found(request, who.name, key, "model parameter")


@router.post("/parameters", status_code=201)
def estimate(request: Request, who: Writes, key: Key, told: ModelParameter) -> Numbered:
    """Keep a parameter of a patient model."""
    return _kept(request, who.name, key, "model parameter", told)


@router.get("/immune")
def immune(request: Request, who: Reads, key: Key) -> list[Found]:
    """The patient's own parameters of the immune system."""
    return _found(request, who.name, key, "immune parameter")


@router.post("/immune", status_code=201)
def immune_estimate(request: Request, who: Writes, key: Key, told: ImmuneParameter) -> Numbered:
    """Keep a parameter of the immune system."""
    return _kept(request, who.name, key, "immune parameter", told)


def _kept(request: Request, actor: str, key: str, kind: str, told: BaseModel) -> Numbered:
    return Numbered(number=store.add(clinic_of(request).engine, kind, actor, key, **told.model_dump()))


def _found(request: Request, name: str, key: str, kind: str) -> list[Found]:
    engine = clinic_of(request).engine
    store.read(engine, key)  # refuses an unknown patient
    looked_at(request, name, key)
    keep = ("number", "at", "actor", "patient")
    return [
        Found(number=row["number"], at=row["at"], actor=row["actor"], finding={k: v for k, v in row.items() if k not in keep})
        for row in store.found(engine, kind, key)
    ]
