"""Patients: the list with its search, and one patient's record with its timeline and its versions."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic import store
from posology.clinic.api.patients import Key, Reads, Writes
from posology.clinic.entry import number
from posology.clinic.errors import NotFound
from posology.clinic.web.drawing import image
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at
from posology.data.record import Record, calendar

NAV = [("Patients", "/patients", "patient:read")]
router = APIRouter(prefix="/patients")
PAGE = 50
MOST_ROWS = 200
"""Entries that a page lists, the latest first; the others are in the file of the record."""
Word = Annotated[str, Form(max_length=200)]
Version = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get("")
def listing(
    request: Request,
    who: Reads,
    q: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[str, Query(max_length=255)] = "",
) -> Response:
    """The list of patients, by id, a page at a time."""
    found = store.listing(clinic_of(request).engine, q, after, PAGE + 1)
    more = found[PAGE - 1]["record_id"] if len(found) > PAGE else ""
    return page(request, "patients.html", title="Patients", rows=found[:PAGE], q=q, more=more)


@router.get("/{key}")
def patient(request: Request, who: Reads, key: Key, version: Version = None) -> Response:
    """One patient's record, now or at an older version."""
    engine = clinic_of(request).engine
    found, history = store.read(engine, key, version), store.history(engine, key)
    looked_at(request, who.name, key)
    record = found.record
    doses = [d | {"when": when(record, d["time"])} for d in rows_of(record.doses)]
    measured = [o | {"when": when(record, o["time"])} for o in rows_of(record.observations)]
    return page(
        request, "patient.html", title=record.id, key=key, tab="record", version=found.version, record=record,
        doses=doses[-MOST_ROWS:][::-1], measured=measured[-MOST_ROWS:][::-1], history=history[::-1],
        newest=history[-1]["version"], facts=facts(record), responses=store.found(engine, "drug response", key)[::-1],
    )  # fmt: skip


@router.post("/{key}/responses")
def respond(
    request: Request, who: Writes, key: Key, drug: Word = "", response: Word = "", value: Word = "", unit: Word = "",
    note: Annotated[str, Form(max_length=2000)] = "",
) -> Response:  # fmt: skip
    """Keep how the patient responded to a drug.

    Raises:
        ValueError: for a value that is no number, or a field that is missing.
    """
    amount = number(value.strip()) if value.strip() else None
    if isinstance(amount, str):
        raise ValueError(f"value: must be a number, got '{value[:40]}'")
    told = {"drug": drug.strip() or None, "response": response.strip() or None, "value": amount, "unit": unit.strip() or None}
    store.add(clinic_of(request).engine, "drug response", who.name, key, **told, note=note.strip())
    return RedirectResponse(f"/patients/{key}?said=saved", 303)


@router.get("/{key}/timeline.svg")
def timeline(request: Request, who: Reads, key: Key, version: Version = None) -> Response:
    """The doses and measurements of a record over time."""
    from posology.figures.timeline import timeline as drawn

    record = store.read(clinic_of(request).engine, key, version).record
    looked_at(request, who.name, key)
    if not record.doses and not record.observations:
        raise NotFound("timeline: the record has no doses and no measurements yet")
    dates = record.start is not None

    def at(hours: float) -> str | float:
        return calendar(record, hours).isoformat() if dates else hours

    doses = [
        {"time": at(d.time + k * d.ii), "label": f"{d.amount:g} {d.unit}", "status": d.status}
        for d in record.doses for k in range(min(d.addl, MOST_ROWS) + 1)
    ]  # fmt: skip
    measured = [o | {"time": at(o["time"])} for o in rows_of(record.observations)]
    return image(drawn(doses, measured, dates=dates))


def rows_of(entries: Any) -> list[dict[str, Any]]:
    """Entries of a record as rows, in order of time."""
    return [entry.model_dump() for entry in entries]


def when(record: Record, hours: float | None) -> str:
    """A time of a record for people."""
    if hours is None:
        return ""
    return calendar(record, hours).strftime("%Y-%m-%d %H:%M") if record.start else f"{hours:g} h"


def facts(record: Record) -> list[tuple[str, str, str]]:
    """Name, latest value and since when of each covariate."""
    rows = []
    for name, values in record.covariates.items():
        last = values[-1]
        unit = "" if last.unit == "1" else f" {last.unit}"
        rows.append((name, f"{last.value:g}{unit}", when(record, last.time)))
    return rows
