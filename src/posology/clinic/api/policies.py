"""Policies that were learned here and are offered at the bedside: registered from a training, taken out of use."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import offers, store
from posology.clinic.errors import Conflict
from posology.clinic.store import jobs
from posology.clinic.tasks import folder
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs
from posology.policies.storage import read_record

log = logging.getLogger("posology.clinic")
router = APIRouter(prefix="/api/policies", tags=["policies"])
Reads = Annotated[Who, needs("cohort:read")]
Writes = Annotated[Who, needs("policy:write")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]{2,60}$", description="Small letters, digits, dots and hyphens.")]


class Kept(BaseModel):
    """A policy of this clinic."""

    name: str
    treatment: str
    learner: str
    fingerprint: str = Field(description="Of the treatment that it was learned on; another one by now, and it is not offered.")
    sha256: str
    at: datetime
    retired: datetime | None
    actor: str


class Asked(BaseModel):
    """A training whose policy shall be offered."""

    model_config = ConfigDict(extra="forbid")
    job: Annotated[str, Field(pattern="^[0-9a-f]{32}$", description="The key of a training that is done.")]
    name: Name


@router.get("")
def listing(request: Request, who: Reads) -> list[Kept]:
    """All policies by name, those out of use too."""
    return [Kept(**row) for row in store.list_policies(clinic_of(request).engine)]


@router.post("", status_code=201)
def add(request: Request, who: Writes, asked: Asked) -> list[Kept]:
    """Offer the policy of a training at the bedside; all policies after it."""
    registered(request, who.name, asked.job, asked.name)
    return listing(request, who)


def registered(request: Request, actor: str, job: str, name: str) -> None:
    """Register the policy of a training that is done.

    Raises:
        NotFound: for an unknown job; Conflict: when it is no training that is done, or the name is taken; ValueError: for a
        treatment that nothing is recommended from, or a name that a guideline or planner has.
    """
    clinic = clinic_of(request)
    found, run = jobs.job(clinic.engine, job), folder(clinic.settings.data, job)
    if found["kind"] != "training" or found["state"] != jobs.DONE:
        raise Conflict(f"job: {found['kind']}, {found['state']}; the policy of a training that is done can be offered")
    try:
        about = read_record(run)
    except ValueError as error:
        log.warning("%s", error)  # with its path, which is nobody's business who asks
        raise Conflict(f"job: the run of {job} is not there any more, or is damaged") from None
    offered = offers.offer(about["treatment"]).treatment  # refuses what is for research only
    if name in offers.guidelines(offered):
        raise ValueError(f"name: '{name}' is a guideline or planner of {offered.id}; give another")
    store.add_policy(
        clinic.engine, actor, name=name, treatment=offered.id, fingerprint=about["fingerprint"], learner=about["learner"],
        place=str(run.relative_to(clinic.settings.data)), sha256=offers.policy_hash(run),
    )  # fmt: skip


@router.post("/{name}/retire")
def retire(request: Request, who: Writes, name: Annotated[str, Path(max_length=100)]) -> list[Kept]:
    """Take a policy out of use; all policies after it."""
    store.retire_policy(clinic_of(request).engine, name, who.name)
    return listing(request, who)
