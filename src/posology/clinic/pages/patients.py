"""Patients: the list with its search, and one patient's record."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from posology.clinic import store
from posology.clinic.api.patients import Key, Reads
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at

NAV = [("Patients", "/patients", "patient:read")]
router = APIRouter(prefix="/patients")
PAGE = 50


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
def patient(request: Request, who: Reads, key: Key) -> Response:
    """One patient."""
    found = store.read(clinic_of(request).engine, key)
    looked_at(request, who.name, key)
    return page(request, "patient.html", title=found.record.id, key=key, version=found.version, record=found.record)
