"""Deciding on a proposed dose, and the decisions that were made on a patient."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from posology.bedside.decide import decision
from posology.clinic import store
from posology.clinic.api.decisions import Decides
from posology.clinic.api.patients import Key, Reads
from posology.clinic.entry import number
from posology.clinic.errors import Conflict
from posology.clinic.pages.dose import asked_of, shown
from posology.clinic.web.advice import recommended
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at

NAV: list[tuple[str, str, str]] = []
router = APIRouter(prefix="/patients")
Text = Annotated[str, Form(max_length=2000)]
Word = Annotated[str, Form(max_length=200)]


@router.post("/{key}/decisions")
def decide(
    request: Request, who: Decides, key: Key, version: Annotated[int, Form(ge=1, le=2**31 - 1)], answer: Word = "",
    treatment: Word = "", policy: Word = "", at: Word = "", mg: Word = "", reason: Text = "",
) -> Response:  # fmt: skip
    """Record what was decided on the dose that was proposed; it stays on the page when it cannot be kept."""
    asked = asked_of(request, who.name, key, treatment, policy, at)
    try:
        if asked.patient.version != version:
            raise Conflict(f"the record is at version {asked.patient.version} by now, you looked at {version}; look at this one")
        told = recommended(request, asked.offer, asked.patient.record, asked.at or None)
        chosen = told["chosen"]
        given = number(mg) if answer == "changed" else chosen["mg"] if chosen and answer == "accepted" else 0.0
        if not isinstance(given, float):
            raise ValueError(f"mg: must be a number of at least 0, got '{mg[:40]}'")
        entry = decision(told, asked.patient.record, given, who.name, reason)
        store.decide(clinic_of(request).engine, key, version, answer, entry, who.name)
    except ValueError as error:
        typed = {"answer": answer, "mg": mg, "reason": reason}
        return shown(request, asked, str(error), 409 if isinstance(error, Conflict) else 422, typed)
    return RedirectResponse(f"/patients/{key}/decisions?said=decided", 303)


@router.get("/{key}/decisions")
def decisions(request: Request, who: Reads, key: Key) -> Response:
    """The decisions that were made on a patient, the latest first."""
    engine = clinic_of(request).engine
    found = store.read(engine, key)
    looked_at(request, who.name, key)
    made = store.decisions_of(engine, key)[::-1]
    return page(request, "decisions.html", title=found.record.id, key=key, tab="decisions", record=found.record, made=made)
