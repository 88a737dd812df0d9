"""The policies that are offered at the bedside: what each was learned on, by whom it was registered, and out of use with it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from pydantic import ValidationError

from posology.clinic import offers, store
from posology.clinic.api.policies import Asked, Reads, Writes, registered
from posology.clinic.errors import Conflict
from posology.clinic.store import jobs
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of

NAV = [("Policies", "/policies", "cohort:read")]
router = APIRouter(prefix="/policies")
Text = Annotated[str, Form(max_length=200)]


@router.get("")
def listing(request: Request, who: Reads) -> Response:
    """What is offered, treatment by treatment."""
    return _listing(request)


def _listing(request: Request, sentence: str = "", status: int = 200, name: str = "", job: str = "") -> Response:
    clinic = clinic_of(request)
    stored = store.list_policies(clinic.engine)
    usable = {o.name for t in offers.treatments() for o in offers.offers(t, stored, clinic.settings.data)}
    learned = [j for j in jobs.list_jobs(clinic.engine) if j["kind"] == "training" and j["state"] == jobs.DONE]
    known = {t.id: offers.guidelines(t) for t in offers.treatments()}
    return page(
        request, "policies.html", status, title="Policies", rows=stored, usable=usable, known=known, sentence=sentence, name=name,
        job=job, learned=[j for j in learned if j["arguments"]["treatment"] in known],
    )  # fmt: skip


@router.post("")
def add(request: Request, who: Writes, job: Text = "", name: Text = "") -> Response:
    """Offer the policy of a training."""
    try:
        asked = Asked(job=job, name=name)
        registered(request, who.name, asked.job, asked.name)
    except ValidationError:
        sentence = "name: must be 3 to 61 small letters, digits, dots and hyphens, and job a training of the list"
        return _listing(request, sentence, 422, name, job)
    except ValueError as error:
        return _listing(request, str(error), 409 if isinstance(error, Conflict) else 422, name, job)
    return RedirectResponse("/policies?said=saved", 303)


@router.post("/{name}/retire")
def retire(request: Request, who: Writes, name: str) -> Response:
    """Take a policy out of use."""
    store.retire_policy(clinic_of(request).engine, name, who.name)
    return RedirectResponse("/policies?said=saved", 303)
