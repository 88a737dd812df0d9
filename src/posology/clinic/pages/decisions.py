"""Deciding on a proposed dose, and the decisions that were made on a patient."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from posology.bedside.decide import decision
from posology.clinic import store
from posology.clinic.api.decisions import Decides
from posology.clinic.api.patients import Key, Reads
from posology.clinic.entry import number, stamped
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
    treatment: Word = "", policy: Word = "", at: Word = "", mg: Word = "", every_days: Word = "", start_in_days: Word = "",
    until: Word = "", reason: Text = "",
) -> Response:  # fmt: skip
    """Record what was decided on the dose that was proposed; it stays on the page when it cannot be kept."""
    asked = asked_of(request, who.name, key, treatment, policy, at)
    typed = {"answer": answer, "mg": mg, "every_days": every_days, "start_in_days": start_in_days, "until": until}
    typed["reason"] = reason
    try:
        if asked.patient.version != version:
            raise Conflict(f"the record is at version {asked.patient.version} by now, you looked at {version}; look at this one")
        told = recommended(request, asked.offer, asked.patient.record, asked.at or None)
        entry = decision(told, asked.patient.record, by=who.name, reason=reason, **meant(typed, told["chosen"]))
        store.decide(clinic_of(request).engine, key, version, answer, entry, who.name)
    except ValueError as error:
        return shown(request, asked, str(error), 409 if isinstance(error, Conflict) else 422, typed)
    return RedirectResponse(f"/patients/{key}/decisions?said=decided", 303)


def meant(typed: Mapping[str, str], chosen: Mapping[str, Any] | None) -> dict[str, Any]:
    """What was typed as `decision` takes it; a dose that is not typed is the one proposed.

    Raises:
        ValueError: naming the field that is no number of that kind, or no time.
    """
    answer, found = typed["answer"], dict[str, Any](answer=typed["answer"])
    proposed = chosen["mg"] if chosen else 0.0
    if answer == "accepted":
        return found | {"mg": proposed}
    if answer == "deferred" and typed["until"].strip():
        try:
            found["until"] = datetime.fromisoformat(stamped(typed["until"], "+00:00")).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(f"until: must be a date and time such as 2026-03-02 08:00, got '{typed['until'][:40]}'") from None
    if answer == "changed":
        found["mg"] = _number("mg", typed["mg"]) if typed["mg"].strip() else proposed
        found |= {k: _number(k, typed[k]) for k in ("every_days", "start_in_days") if typed[k].strip()}
    return found


def _number(name: str, text: str) -> float:
    value = number(text.strip())
    if not isinstance(value, float):
        raise ValueError(f"{name}: must be a number of at least 0, got '{text[:40]}'")
    return value


@router.get("/{key}/decisions")
def decisions(request: Request, who: Reads, key: Key) -> Response:
    """The decisions that were made on a patient, the latest first."""
    engine = clinic_of(request).engine
    found = store.read(engine, key)
    looked_at(request, who.name, key)
    made = store.decisions_of(engine, key)[::-1]
    return page(request, "decisions.html", title=found.record.id, key=key, tab="decisions", record=found.record, made=made)
