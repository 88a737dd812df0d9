"""Trainings and trials: start, watch, cancel, and the report of a trial."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request
from fastapi.responses import HTMLResponse
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic.errors import NotFound
from posology.clinic.store import jobs
from posology.clinic.tasks import checked_lab, checked_training, checked_trial
from posology.clinic.web.guard import REPORT_POLICY
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs

router = APIRouter(prefix="/api/jobs", tags=["jobs"])

Key = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The job's key.")]
Reads = Annotated[Who, needs("cohort:read")]
Writes = Annotated[Who, needs("job:write")]


class Asked(BaseModel):
    """A job; arguments as `clinic/tasks.py` describes them."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["training", "trial", "lab"]
    arguments: dict[str, Any] = Field(description="treatment, learner, updates …; or treatment, arms, patients …; or policy")


class Submitted(BaseModel):
    """A job that waits for a worker."""

    id: str


class Listed(BaseModel):
    """A job in a list."""

    id: str
    kind: str
    state: str = Field(description="queued, running, done, failed or cancelled")
    arguments: dict[str, Any]
    attempts: int
    cancelled: bool = Field(description="Somebody asked to end it; a running one stops at its next word.")
    made: datetime
    began: datetime | None
    ended: datetime | None
    actor: str
    error: str | None


class Job(Listed):
    """All of a job; `progress` holds the curve of a training, or the share of a trial that is played."""

    progress: dict[str, Any] | None
    result: dict[str, Any] | None


class Cancelled(BaseModel):
    """What became of a job that was cancelled: cancelled at once, or running until its next word."""

    state: str


@router.get("")
def listing(request: Request, who: Reads, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[Listed]:
    """The newest first."""
    return [Listed(**job) for job in jobs.list_jobs(clinic_of(request).engine, limit)]


@router.post("", status_code=201)
def submit(request: Request, who: Writes, asked: Asked) -> Submitted:
    """Start a training or a trial; arguments that cannot be are refused now."""
    return Submitted(id=submitted(request, who, asked.kind, asked.arguments))


def submitted(request: Request, who: Who, kind: str, arguments: dict[str, Any]) -> str:
    """The key of a job whose arguments were checked."""
    clinic = clinic_of(request)
    if kind == "trial":
        checked = checked_trial(clinic.settings.data, arguments)
    else:
        checked = (checked_training if kind == "training" else checked_lab)(arguments)
    return jobs.submit(clinic.engine, kind, checked, who.name)


@router.get("/{key}")
def read(request: Request, who: Reads, key: Key) -> Job:
    """One job with how far it is."""
    return Job(**jobs.job(clinic_of(request).engine, key))


@router.post("/{key}/cancel")
def cancel(request: Request, who: Writes, key: Key) -> Cancelled:
    """End a job that waits, or ask the worker of one that runs to stop."""
    return Cancelled(state=jobs.cancel(clinic_of(request).engine, key, who.name))


@router.get("/{key}/report", response_class=HTMLResponse)
def report(request: Request, who: Reads, key: Key) -> HTMLResponse:
    """The report of a trial that is done, a page of its own that runs nothing."""
    from posology.commands.trial import about
    from posology.environments.catalogue import TREATMENTS
    from posology.figures.report import report as written

    found = jobs.job(clinic_of(request).engine, key)
    if found["kind"] != "trial" or found["state"] != jobs.DONE:
        raise NotFound("report: only a trial that is done has one")
    asked = found["arguments"]
    said = about(TREATMENTS[asked["treatment"]], asked["arms"], asked["shift"], f"a trial of this clinic, job {key}")
    return HTMLResponse(written(found["result"], said), headers={"Content-Security-Policy": REPORT_POLICY})
