"""The audit trail for the auditor: sought, a page at a time; verified; its head to write down; taken out."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from fastapi.responses import Response

from posology.clinic import store
from posology.clinic.api.audit import Action, Actor, Before, Head, Reader, Records, Subject, exported, verified
from posology.clinic.store import Sought
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of

NAV = [("Audit", "/audit", "audit:read")]
router = APIRouter(prefix="/audit")
PAGE = 50


@router.get("")
def trail(
    request: Request, who: Reader, subject: Subject = "", actor: Actor = "", action: Action = "", before: Before = None
) -> Response:
    """Audit rows, newest first."""
    sought = Sought(subject.strip(), actor.strip(), action.strip())
    found = store.trail(clinic_of(request).engine, sought, before, PAGE + 1)
    asked = {k: v for k, v in sought._asdict().items() if v}
    more = urlencode(asked | {"before": found[PAGE - 1]["number"]}) if len(found) > PAGE else ""
    return page(
        request, "audit.html", title="Audit trail", rows=found[:PAGE], sought=sought, more=more, before=before,
        all_of_them=urlencode(asked),
    )  # fmt: skip


@router.get("/verify")
def verify(request: Request, who: Reader, head: Head = "", records: Records = False) -> Response:
    """Go through the chain and say whether it holds."""
    found = verified(clinic_of(request).engine, head, records)
    return page(request, "verified.html", title="Verification", found=found, noted=head, records=records)


@router.get("/export")
def export(request: Request, who: Reader, subject: Subject = "", actor: Actor = "", action: Action = "") -> Response:
    """The rows as a file of JSON lines."""
    return exported(clinic_of(request).engine, who.name, Sought(subject, actor, action))
