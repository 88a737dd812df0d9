"""SMART App Launch: from a patient's chart in a hospital's system to the same patient here.

The hospital opens `/launch`; the browser goes there to be authorised, comes back to `/smart/callback`, and the chart is read with
the token, which is then forgotten. A patient who is here already gets a new version of the record.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from posology.bedside.decide import record_hash
from posology.clinic import smart, smart_fetch, store
from posology.clinic.api.patients import Writes
from posology.clinic.errors import NotFound
from posology.clinic.fhir import faults
from posology.clinic.store.smart_launches import LASTS, keep_launch, take_launch
from posology.clinic.web.shared import base_of, clinic_of
from posology.data.record import Record

NAV: list[tuple[str, str, str]] = []
router = APIRouter()
Text = Annotated[str, Query(max_length=4000)]


@router.get("/launch")
def launch(request: Request, who: Writes, iss: Text = "", launch: Text = "") -> Response:
    """Begin: send the browser to be authorised at the hospital that opened this, when it is on the list."""
    settings = registered(request)
    at = smart_fetch.configuration(smart.allowed(settings, iss))
    begun, secret = smart.launch(settings, iss, launch, smart.verifier(), at), secrets.token_urlsafe(32)
    keep_launch(clinic_of(request).engine, secret, begun.pending)
    answer, https = RedirectResponse(begun.url, 303), clinic_of(request).settings.https
    answer.set_cookie(
        cookie(request), secret, max_age=int(LASTS.total_seconds()), path="/", httponly=True, samesite="lax", secure=https
    )
    return answer


@router.get("/smart/callback")
def callback(request: Request, who: Writes) -> Response:
    """Come back: read the patient's chart, and go to the patient's page."""
    pending = take_launch(clinic_of(request).engine, request.cookies.get(cookie(request), ""))
    code = smart.callback(pending, request.query_params)
    granted = smart.token(smart_fetch.token(pending, code), pending, datetime.now(UTC))
    key, said = kept(request, who.name, record_of(granted))
    answer = RedirectResponse(f"/patients/{key}?said={said}", 303)
    answer.delete_cookie(cookie(request), path="/", httponly=True, samesite="lax", secure=clinic_of(request).settings.https)
    return answer


def registered(request: Request) -> smart.Settings:
    """How we are registered at hospitals.

    Raises:
        NotFound: when nothing is set up.
    """
    settings = clinic_of(request).settings
    if not settings.smart_client_id or not settings.smart_issuers:
        raise NotFound("launch: is not set up here; POSOLOGY_SMART_CLIENT_ID and POSOLOGY_SMART_ISSUERS say for whom it is")
    return smart.Settings(settings.smart_client_id, base_of(request) + "/smart/callback", settings.smart_issuers)


def cookie(request: Request) -> str:
    """The name of the cookie that binds a launch to its browser."""
    return clinic_of(request).cookie + "-launch"


def record_of(granted: smart.Granted) -> Record:
    """The chart as a record, named by patient and hospital: two hospitals may use the same id for two people.

    Raises:
        ValueError: with the path of what cannot be read, or for another patient's chart.
    """
    bundle, notes = smart_fetch.chart(granted)
    records, outcome = faults.imported(bundle, "chart")
    if [r.id for r in records] != [granted.patient]:
        why = outcome["issue"][0]["details"]["text"] if not records else f"must be of the patient '{granted.patient[:64]}' alone"
        raise ValueError(f"the hospital's chart: {why}")
    host = urlsplit(granted.fhir_server).hostname
    return records[0].model_copy(update={"id": f"{granted.patient}@{host}"}).noted(*notes)


def kept(request: Request, name: str, record: Record) -> tuple[str, str]:
    """The key of the patient whose record is this by now, and the word for what was done."""
    engine = clinic_of(request).engine
    try:
        key = store.key_of(engine, record.id)
    except NotFound:
        return store.create(engine, record, name, "launched from the hospital's system"), "entered"
    before = store.read(engine, key)
    if record_hash(before.record) != record_hash(record):
        store.edit(engine, key, before.version, record, name, "launched from the hospital's system")
    return key, "saved"
