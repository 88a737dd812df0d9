"""Trainings and trials: start one, watch its curve, cancel it, compare what was reached."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic.api.jobs import Key, Reads, Writes, submitted
from posology.clinic.store import jobs
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of

NAV = [("Training and trials", "/jobs", "cohort:read")]
router = APIRouter(prefix="/jobs")
Text = Annotated[str, Form(max_length=500)]
Number = Annotated[int, Form(ge=0, le=2**31 - 1)]
MOST_COMPARED = 6


@router.get("")
def listing(request: Request, who: Reads) -> Response:
    """The jobs, and the forms to start one."""
    return _listing(request)


def _listing(request: Request, sentence: str = "", status: int = 200) -> Response:
    from posology.environments.catalogue import PROBLEMS, TREATMENTS
    from posology.learners.catalogue import LEARNERS

    found = jobs.list_jobs(clinic_of(request).engine)
    learned = [job for job in found if job["kind"] == "training" and job["state"] == jobs.DONE]
    return page(
        request, "jobs.html", status, title="Training and trials", rows=found, learned=learned, sentence=sentence,
        treatments=list(TREATMENTS), problems=list(PROBLEMS),
        learners={name: entry.title for name, entry in LEARNERS.items() if not entry.plans},
    )  # fmt: skip


@router.post("/training")
def train(
    request: Request, who: Writes, treatment: Text = "", learner: Text = "", updates: Number = 0, seed: Number = 0
) -> Response:
    """Start a training."""
    asked = {"treatment": treatment, "learner": learner, "updates": updates, "seed": seed}
    return _started(request, who, "training", asked)


@router.post("/trial")
def try_arms(
    request: Request, who: Writes, treatment: Text = "", arms: Annotated[str, Form(max_length=2000)] = "",
    patients: Number = 0, seed: Number = 1,
) -> Response:  # fmt: skip
    """Start a trial; arms are separated by blanks or commas."""
    named = arms.replace(",", " ").split()
    return _started(request, who, "trial", {"treatment": treatment, "arms": named, "patients": patients, "seed": seed})


@router.post("/lab")
def learn_for_lab(request: Request, who: Writes, policy: Text = "") -> Response:
    """Start the training of a policy of the lab."""
    return _started(request, who, "lab", {"policy": policy})


def _started(request: Request, who: Any, kind: str, arguments: dict[str, Any]) -> Response:
    try:
        key = submitted(request, who, kind, arguments)
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        return _listing(request, str(error), 422)
    return RedirectResponse(f"/jobs/{key}?said=started", 303)


@router.get("/compare")
def compare(request: Request, who: Reads, key: Annotated[list[str], Query(max_length=MOST_COMPARED)] = []) -> Response:  # noqa: B006
    """Jobs side by side."""
    found = [jobs.job(clinic_of(request).engine, one) for one in key]
    return page(request, "compare.html", title="Compare runs", rows=found)


@router.get("/{key}")
def job(request: Request, who: Reads, key: Key) -> Response:
    """One job, with its curve while it runs."""
    found = jobs.job(clinic_of(request).engine, key)
    return page(request, "job.html", title=f"{found['kind']} {key[:8]}".capitalize(), job=found, ended=jobs.ENDED)


@router.post("/{key}/cancel")
def cancel(request: Request, who: Writes, key: Key) -> Response:
    """Ask for the end of a job."""
    jobs.cancel(clinic_of(request).engine, key, who.name)
    return RedirectResponse(f"/jobs/{key}?said=cancelled", 303)
