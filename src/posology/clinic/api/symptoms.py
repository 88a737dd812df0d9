"""From symptoms to diseases, drugs and doses by age, and how well the classifiers do. Synthetic; not for diagnosis."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic.study import Study
from posology.clinic.web.who import Who, logged_in
from posology.symptoms.case import case
from posology.symptoms.options import BAYES, predict

router = APIRouter(prefix="/api/symptoms", tags=["symptoms"])

Anyone = Annotated[Who, logged_in()]
Rule = Literal["bayes", "random-forest", "logistic-regression", "naive-bayes", "decision-tree"]
Name = Annotated[str, Field(max_length=200)]
Names = Annotated[list[Name], Field(max_length=60)]
Amount = Annotated[float, Field(ge=0, le=1000, strict=True)] | Annotated[str, Field(max_length=40)]


AGAIN = {"Retry-After": "10"}


def study_of(request: Request) -> Study:
    """The classifiers of this process."""
    found: Study = request.app.state.study
    return found


class Told(BaseModel):
    """What is known of one patient; nothing of it is kept."""

    model_config = ConfigDict(extra="forbid")
    symptoms: Names = Field(min_length=1, description="symptoms and signs of danger that are there")
    absent: Names = Field(default=[], description="symptoms that are known not to be there; others were not asked for")
    others_absent: bool = Field(default=False, description="every symptom that is not named is known not to be there")
    age: Amount = Field(description="years, or a text with its unit: '10 mo', '20 d'")
    sex: Literal["female", "male"]
    weight: Amount | None = Field(default=None, description="kg, or a text with its unit")
    history: Names = Field(default=[], description="diabetes, hypertension, heart-disease, pregnancy, breast-feeding, …")
    allergies: Names = Field(default=[], description="groups or drugs, such as penicillin")
    medications: Names = Field(default=[], description="other drugs that are taken")
    by: Rule = Field(default="bayes", description="the rule whose probabilities the options follow")


class Likely(BaseModel):
    """A disease and its probability."""

    disease: str
    title: str
    probability: float


class Sign(BaseModel):
    """A sign of an emergency."""

    sign: str
    source: str
    status: str


class Reason(BaseModel):
    """Why a drug may not be given, or only with caution."""

    effect: str = Field(description="contraindicated, no dose, or caution")
    because: str
    says: str
    status: str
    source: str


class Option(BaseModel):
    """A drug for a disease."""

    disease: str
    probability: float
    drug: str
    title: str
    status: str = Field(description="allowed, caution, no dose, or contraindicated")
    reasons: list[Reason]
    dose: dict[str, Any] | None = Field(description="amount, unit, every_hours, most_per_day, course_days, rule, status, source")
    forms: list[str]
    missing: list[str]


class Asked(BaseModel):
    """A symptom that would tell most, in bits."""

    symptom: str
    title: str
    bits: float


class Prediction(BaseModel):
    """Diseases, and drugs for them, or why nothing is recommended."""

    synthetic: str
    classifier: str
    probabilities: list[Likely]
    emergency: list[Sign]
    abstained: str | None
    threshold: float
    options: list[Option]
    missing: list[str]
    ask_next: list[Asked]
    disclaimer: str


class Performance(BaseModel):
    """The comparison of the classifiers with the exact answer on held-out synthetic patients."""

    synthetic: str
    rows: dict[str, int] = Field(description="patients to learn from, to choose settings on, to judge by")
    seeds: dict[str, int]
    noise: float = Field(description="share of symptoms that are written down wrongly")
    missing: float = Field(description="share of symptoms that are not known")
    diseases: list[dict[str, str]]
    bayes: dict[str, Any]
    bayes_by_noise: dict[str, Any]
    classifiers: dict[str, Any]
    claim: dict[str, Any] = Field(description="the accuracy that was claimed, and whether each rule reached it")
    disclaimer: str


class Later(BaseModel):
    """What was asked for is not ready."""

    detail: str = Field(description="what is being done, and how long it takes")


LATER: dict[int | str, dict[str, Any]] = {202: {"model": Later, "description": "Not ready yet; ask again"}}


@router.post("/predict", response_model=Prediction, responses=LATER)
def diseases(request: Request, who: Anyone, told: Told) -> Prediction | JSONResponse:
    """Probabilities of diseases and the drugs recorded for them; 202 while the classifier asked for is being fitted."""
    of = case(
        told.symptoms, told.age, told.sex, told.history, told.allergies, told.medications, told.absent, told.others_absent,
        told.weight,
    )  # fmt: skip
    study = study_of(request)
    if told.by != BAYES and told.by not in study.ready():
        return JSONResponse({"detail": study.waiting(told.by)}, 202, AGAIN)
    return Prediction(**predict(of, told.by, study.rows))


@router.get("/performance", response_model=Performance, responses=LATER)
def performance(request: Request, who: Anyone) -> Performance | JSONResponse:
    """How well the classifiers do on synthetic patients; 202 while they are being fitted."""
    study = study_of(request)
    found = study.compared()
    return JSONResponse({"detail": study.waiting("the classifiers")}, 202, AGAIN) if found is None else Performance(**found)
