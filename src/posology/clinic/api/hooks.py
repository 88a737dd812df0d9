"""CDS Hooks 2.0 over HTTP: discovery, the services, feedback; and for admins the systems that may ask and what became of cards.

https://cds-hooks.hl7.org/2.0. What is prefetched is read and nothing is fetched; the record is not kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import offers, store
from posology.clinic.errors import NotFound
from posology.clinic.hooks import cards, drafts, feedback, services
from posology.clinic.hooks.request import missing, record_in
from posology.clinic.hooks.request import request as checked
from posology.clinic.web.advice import offer_of, recommended
from posology.clinic.web.answers import TITLES, Problem
from posology.clinic.web.bodies import documented, sent
from posology.clinic.web.ehr import hospital_or
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs, open_to_programs

router = APIRouter(
    tags=["CDS Hooks"], responses={status: {"model": Problem, "description": TITLES[status]} for status in (412, 415)}
)

Asks = Annotated[str, hospital_or("patient:read")]
Tells = Annotated[str, hospital_or("decision:write")]
Admin = Annotated[Who, needs("user:write")]
Sent = Annotated[Any, Depends(sent)]
Id = Annotated[str, Path(max_length=200, description="One of `GET /cds-services`.")]
Line = Annotated[str, Field(min_length=1, max_length=200)]


@router.get("/cds-services", dependencies=[open_to_programs()])
def discovery() -> dict[str, Any]:
    """What is offered at which moment of work, and the data that it asks for."""
    return services.discovery(t.id for t in offers.treatments())


@router.options("/cds-services", dependencies=[open_to_programs()], include_in_schema=False)
@router.options("/cds-services/{id}", dependencies=[open_to_programs()], include_in_schema=False)
@router.options("/cds-services/{id}/feedback", dependencies=[open_to_programs()], include_in_schema=False)
def preflight() -> Response:
    """What a page of a hospital's system may send; that its answer may be read there is said by the guard."""
    allowed = {"Access-Control-Allow-Methods": "GET, POST", "Access-Control-Allow-Headers": "Authorization, Content-Type"}
    return Response(status_code=204, headers=allowed | {"Access-Control-Max-Age": "3600"})


@router.post("/cds-services/{id}", openapi_extra=documented("The call of a hook."))
def call(request: Request, caller: Asks, id: Id, raw: Sent) -> dict[str, Any]:
    """Cards for the patient that somebody is looking at, or for the order that is made or signed."""
    service = _service(id)
    asked = checked(raw, service)
    lacking = [name for name in missing(asked) if name in services.NEEDED]
    if lacking:
        raise HTTPException(412, f"request, prefetch: is missing {', '.join(lacking)}; {', '.join(services.NEEDED)} are needed")
    record, offer = record_in(asked), offer_of(request, service.treatment)
    drafted = None
    if service.hook != "patient-view":
        drafted = drafts.draft_mg(asked, record, offer.treatment)
        if drafted is None:
            return {"cards": []}  # an order of another drug
    answer = recommended(request, offer, record)
    signed = drafted if service.hook == "order-sign" else None
    return cards.cards(answer, record, asked.hookInstance, datetime.now(UTC), signed)


@router.post("/cds-services/{id}/feedback", openapi_extra=documented("What became of cards."))
def told(request: Request, caller: Tells, id: Id, raw: Sent) -> dict[str, Any]:
    """Keep what became of cards, with the reasons for which they were overridden."""
    store.keep_feedback(clinic_of(request).engine, _service(id).id, feedback.feedback(raw), caller)
    return {}


class Registered(BaseModel):
    """A hospital's system that may ask."""

    model_config = ConfigDict(extra="forbid")

    issuer: Line = Field(description="The `iss` of its tokens.")
    name: Line
    keys: dict[str, Any] = Field(description="Its JSON Web Key Set: public keys of ES384 or RS384, each with a kid.")


class System(BaseModel):
    """A hospital's system as it is registered."""

    key: str
    issuer: str
    name: str
    kids: list[str] = Field(description="The names of its keys.")
    made: datetime
    retired: datetime | None
    actor: str


class Answered(BaseModel):
    """What became of a card."""

    number: int
    service: str
    card: str
    outcome: str
    reason: str | None
    comment: str
    said: datetime
    at: datetime
    actor: str


class Answers(BaseModel):
    """What became of the latest cards."""

    override_rate: float | None = Field(description="The share that was overridden; null where no card was answered.")
    cards: list[Answered]


@router.get("/api/ehr-clients")
def clients(request: Request, who: Admin) -> list[System]:
    """The systems that may ask, and those that were retired."""
    return [_system(row) for row in store.list_clients(clinic_of(request).engine)]


@router.post("/api/ehr-clients", status_code=201)
def register(request: Request, who: Admin, registered: Registered) -> System:
    """Let a system ask; its keys are those given here and are never fetched."""
    engine = clinic_of(request).engine
    key = store.add_client(engine, registered.issuer, registered.name, registered.keys, who.name)
    return next(_system(row) for row in store.list_clients(engine) if row["id"] == key)


@router.delete("/api/ehr-clients/{key}", status_code=204)
def retire(request: Request, who: Admin, key: Annotated[str, Path(pattern="^[0-9a-f]{32}$")]) -> Response:
    """Let a system ask no longer."""
    store.retire_client(clinic_of(request).engine, key, who.name)
    return Response(status_code=204)


@router.get("/api/hook-feedback")
def answers(
    request: Request, who: Admin, service: Annotated[str, Query(max_length=200, pattern=r"^[\w.\-]*$")] = "",
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> Answers:  # fmt: skip
    """What became of cards, the latest first: a rule that is mostly overridden tires and should go."""
    rows = [Answered(**row) for row in store.list_feedback(clinic_of(request).engine, service, limit)]
    return Answers(cards=rows, override_rate=sum(r.outcome == "overridden" for r in rows) / len(rows) if rows else None)


def _service(id: str) -> services.Service:
    offered = {s.id: s for t in offers.treatments() for s in (services.Service(t.id, hook) for hook in services.WHEN)}
    if id not in offered:
        raise NotFound(f"service: '{id[:80]}' is not offered; GET /cds-services lists those that are")
    return offered[id]


def _system(row: dict[str, Any]) -> System:
    shown = {name: row[name] for name in ("issuer", "name", "made", "retired", "actor")}
    return System(key=row["id"], kids=[key["kid"] for key in row["keys"]], **shown)
