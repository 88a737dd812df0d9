"""What is recommended to a patient, and why; which treatments and policies may be asked."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import offers, store
from posology.clinic.api.patients import Reads
from posology.clinic.store import Patient
from posology.clinic.web.advice import explained, offer_of, recommended
from posology.clinic.web.shared import clinic_of, looked_at
from posology.clinic.web.who import logged_in

router = APIRouter(prefix="/api", tags=["recommendations"])

PLAIN = r"^[^\x00-\x1f\x7f]*$"
PatientKey = Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="The patient's key.")]
Hours = Annotated[float, Field(ge=-1e7, le=1e7, allow_inf_nan=False)]
When = Annotated[str, Field(min_length=1, max_length=40, pattern=PLAIN)]


class Asked(BaseModel):
    """A patient, a treatment and who doses."""

    model_config = ConfigDict(extra="forbid")
    patient: PatientKey
    treatment: str = Field(max_length=200, pattern=PLAIN, description="One of `GET /api/offers`.")
    policy: str = Field(default="", max_length=200, pattern=PLAIN, description="One of that treatment's; its default if empty.")
    at: Hours | When | None = Field(
        default=None, description="Hours of the record, or a time with a zone; else the next planned dose or the last entry."
    )


class AskedFurther(Asked):
    """The same, with whether to look further ahead."""

    to_horizon: bool = Field(default=False, description="Also follow the policy to the end of the course (slower).")


class Offered(BaseModel):
    """A treatment that something is recommended from."""

    treatment: str
    title: str
    question: str
    not_for: str
    policies: list[str] = Field(description="Who may be asked; the first is the default.")


class Recommended(BaseModel):
    """A recommendation, and the version of the record it was made on, which a decision names."""

    patient: str
    version: int
    recommendation: dict[str, Any] = Field(description="As docs/recommend.md describes it.")


class Explained(BaseModel):
    """Why the dose is what it is."""

    patient: str
    version: int
    explanation: dict[str, Any] = Field(description="As docs/explain.md describes it.")


@router.get("/offers", dependencies=[logged_in()])
def listing(request: Request) -> list[Offered]:
    """The treatments and policies that may be asked."""
    clinic = clinic_of(request)
    stored = store.list_policies(clinic.engine)
    return [
        Offered(
            treatment=t.id, title=t.title, question=t.question, not_for=t.not_for,
            policies=[o.name for o in offers.offers(t, stored, clinic.settings.data)],
        )
        for t in offers.treatments()
    ]  # fmt: skip


@router.post("/recommendations")
def recommend(request: Request, who: Reads, asked: AskedFurther) -> Recommended:
    """Recommend a dose for a patient; nothing is kept of it but that the record was looked at."""
    found, offer = read(request, who.name, asked.patient), offer_of(request, asked.treatment, asked.policy)
    answer = recommended(request, offer, found.record, asked.at, asked.to_horizon)
    return Recommended(patient=found.key, version=found.version, recommendation=answer)


@router.post("/explanations")
def explain(request: Request, who: Reads, asked: Asked) -> Explained:
    """Say why the dose is what it is."""
    found, offer = read(request, who.name, asked.patient), offer_of(request, asked.treatment, asked.policy)
    return Explained(patient=found.key, version=found.version, explanation=explained(request, offer, found.record, asked.at))


def read(request: Request, name: str, key: str) -> Patient:
    """A patient's record, with a note in the trail that a user looks at it."""
    found = store.read(clinic_of(request).engine, key)
    looked_at(request, name, key)
    return found
