"""The FHIR R4 facade: import of bundles, patients as resources, recommendations and decisions as operations.

http://hl7.org/fhir/R4/http.html. Everything is answered as `application/fhir+json`, errors as OperationOutcome.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from posology.clinic import store
from posology.clinic.api.patients import Reads, Writes
from posology.clinic.api.recommendations import PLAIN, read
from posology.clinic.errors import Conflict, NotFound
from posology.clinic.fhir import export, faults, served
from posology.clinic.fhir.capability import capability
from posology.clinic.store import Patient
from posology.clinic.web.advice import offer_of, recommended
from posology.clinic.web.answers import PROBLEMS, TITLES
from posology.clinic.web.bodies import documented, sent
from posology.clinic.web.shared import base_of, clinic_of
from posology.clinic.web.who import open_to_programs
from posology.data.readers.fhir_draft import Refused

JSON = "application/fhir+json"
PAGE = 20
PARAMETERS = ("treatment", "policy", "at")
Sent = Annotated[Any, Depends(sent)]
Id = Annotated[str, Path(max_length=64, description="The id of a resource.")]
Word = Annotated[str, Query(max_length=200, pattern=PLAIN)]
Form = Annotated[str, Query(alias="_format", max_length=100)]
Whose = Annotated[str, Query(max_length=100, description="The id of the Patient, or `Patient/` and the id; it must be given.")]


def acceptable(request: Request, form: Form = "") -> None:
    """Refuse to answer in XML or another form than JSON."""
    wanted = form or request.headers.get("accept", "") or "*/*"
    kinds = [part.partition(";")[0].strip().lower() for part in wanted.split(",")]
    if not {"*/*", "application/*", JSON, "application/json", "json", "text/json"} & set(kinds):
        raise HTTPException(406, f"accept: '{wanted[:80]}' is not written here; allowed: {JSON}, application/json")


class Fhir(JSONResponse):
    """An answer in FHIR's own kind of JSON, written already; a JSONResponse so that its description says JSON, not text."""

    media_type = JSON

    def render(self, content: str) -> bytes:
        """The text as it is."""
        return content.encode()


class Outcome(BaseModel):
    """An OperationOutcome: why something was not done."""

    resourceType: Literal["OperationOutcome"]
    issue: list[dict[str, Any]] = Field(description="Severity, code, a sentence, and the path of the fault where it has one.")


router = APIRouter(
    prefix="/fhir", tags=["FHIR"], dependencies=[Depends(acceptable)], default_response_class=Fhir,
    responses={status: {"model": Outcome, "description": TITLES[int(status)]} for status in (*PROBLEMS, 406, 415)},
)  # fmt: skip


def fhir(resource: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A resource as an answer."""
    text = json.dumps(resource, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return Fhir(text, status, dict(headers or {}))


def base(request: Request) -> str:
    """The address of the facade."""
    return base_of(request) + "/fhir"


@router.get("/metadata", dependencies=[open_to_programs()])
def metadata(request: Request) -> Response:
    """What the facade can do, as CapabilityStatement."""
    return fhir(capability(base(request), date.today()))


@router.post("", status_code=201, openapi_extra=documented("A Bundle of one or several new patients."))
def take(request: Request, who: Writes, raw: Sent) -> Response:
    """Import a bundle: its patients are entered, all of them or none; the answer says what was read and what was left out."""
    records, outcome = ([], refusal) if (refusal := _no_import(raw)) else faults.imported(raw)
    if not records:
        return fhir(outcome, 422)
    keys = store.create_all(clinic_of(request).engine, records, who.name, "FHIR bundle")
    told = [f"patient '{r.id}' was entered as Patient/{k}" for r, k in zip(records, keys, strict=True)]
    outcome["issue"][:0] = [_information(text) for text in told]
    return fhir(outcome, 201, {"Location": f"{base(request)}/Patient/{keys[0]}"} if len(keys) == 1 else {})


@router.post("/Bundle", status_code=201, openapi_extra=documented("The same as at the base."))
def take_as_bundle(request: Request, who: Writes, raw: Sent) -> Response:
    """Import a bundle, as at the base."""
    return take(request, who, raw)


@router.post("/Patient/{id}/$recommend", openapi_extra=documented("A Parameters resource, or nothing.") | {"x-read-only": True})
def recommend(
    request: Request, who: Reads, id: Id, raw: Sent, treatment: Word = "", policy: Word = "", at: Word = ""
) -> Response:
    """What is recommended to a patient, with what speaks against it and what it rests on."""
    asked = {"treatment": treatment, "policy": policy, "at": at} | _parameters(raw)
    found, offer = _patient(request, who.name, id), offer_of(request, asked["treatment"], asked["policy"])
    answer = recommended(request, offer, found.record, asked["at"] or None)
    return fhir(export.recommended(answer, found.record, datetime.now(UTC)))


@router.get("/Patient/{id}/$decision")
def decision(
    request: Request, who: Reads, id: Id, number: Annotated[int, Query(ge=1, le=2**53, description="Of the decision.")]
) -> Response:
    """What was recommended and what a person decided on it."""
    found, engine = _patient(request, who.name, id), clinic_of(request).engine
    row = next((row for row in store.decisions_of(engine, found.key) if row["number"] == number), None)
    if row is None:
        raise NotFound(f"number: there is no decision {number} on this patient")
    made, record = row["entry"], store.read(engine, found.key, row["version"]).record
    answer = recommended(request, offer_of(request, made["treatment"], made["policy"]), record, made["time"])
    try:
        return fhir(export.decided(made, answer, record))
    except ValueError as error:
        raise Conflict(f"decision {number}: this version of Posology recommends something else by now: {error}") from None


@router.get("/Patient")
def patients(
    request: Request, who: Reads, identifier: Word = "", count: Annotated[int, Query(alias="_count", ge=1, le=100)] = PAGE,
    # `_after` is written by us into the link to the next page
    after: Annotated[str, Query(alias="_after", max_length=200, pattern=PLAIN)] = "",
) -> Response:
    """Patients by their ids in records, a page at a time, or the one of an identifier."""
    _only(request, "identifier", "_count", "_after", "_format")
    engine = clinic_of(request).engine
    if identifier:
        wanted = identifier.removeprefix(served.PATIENT + "|")
        rows = [row for row in store.listing(engine, wanted, limit=500) if row["record_id"] == wanted]
        found = [served.listed(row["key"], row["record_id"], row["version"]) for row in rows]
        return fhir(served.searchset(base(request), f"Patient?{urlencode({'identifier': identifier})}", found, len(found)))
    rows = store.listing(engine, after=after, limit=count + 1)
    found = [served.listed(row["key"], row["record_id"], row["version"]) for row in rows[:count]]
    last = rows[count - 1]["record_id"] if len(rows) > count else ""
    asked, following = (f"Patient?{urlencode({'_count': count, '_after': name})}" for name in (after, last))
    return fhir(served.searchset(base(request), asked, found, store.count(engine), following if last else ""))


@router.get("/{kind}")
def search(request: Request, who: Reads, kind: Annotated[str, Path(max_length=64)], patient: Whose = "") -> Response:
    """All resources of a kind of one patient."""
    served.kind_of(kind)
    _only(request, "patient", "_format")
    if not patient:
        raise HTTPException(400, f"patient: is missing; ask for {kind}?patient=<id of a Patient>")
    found = _patient(request, who.name, patient.removeprefix("Patient/"))
    resources = [r for r in served.shown(found.record, found.key, found.version) if r["resourceType"] == kind]
    return fhir(served.searchset(base(request), f"{kind}?{urlencode({'patient': patient})}", resources, len(resources)))


@router.get("/{kind}/{id}")
def resource(request: Request, who: Reads, kind: Annotated[str, Path(max_length=64)], id: Id) -> Response:
    """One resource."""
    served.kind_of(kind)
    found = _patient(request, who.name, served.patient_in(id))
    for one in served.shown(found.record, found.key, found.version):
        if (one["resourceType"], one["id"]) == (kind, id):
            return fhir(one, 200, {"ETag": f'W/"{found.version}"'})
    raise NotFound(f"{kind}/{id}: is not here; an edit of the record gives what it changes another id")


def _patient(request: Request, name: str, id: str) -> Patient:
    if not served.KEY.fullmatch(id):
        raise NotFound(f"Patient/{id[:64]}: is not here")
    return read(request, name, id)


def _only(request: Request, *allowed: str) -> None:
    """Refuse what is not searched by: an answer that ignored a filter would be taken for a filtered one."""
    for name in request.query_params:
        if name not in allowed:
            raise HTTPException(400, f"{name[:64]}: is no search parameter here; allowed: {', '.join(allowed)}")


def _parameters(raw: Any) -> dict[str, str]:
    """The words of a Parameters resource."""
    if raw is None:
        return {}
    listed = raw.get("parameter", []) if isinstance(raw, dict) and raw.get("resourceType") == "Parameters" else None
    if not isinstance(listed, list):
        raise ValueError("the body must be a Parameters resource with a list of parameters, or empty")
    found = {}
    for i, one in enumerate(listed):
        name, value = (one.get("name"), one.get("valueString", one.get("valueCode"))) if isinstance(one, dict) else (None, None)
        if name not in PARAMETERS or not isinstance(value, str) or len(value) > 200:
            raise ValueError(f"Parameters.parameter[{i}]: must have one of the names {', '.join(PARAMETERS)} and a valueString")
        found[name] = value
    return found


def _no_import(raw: Any) -> dict[str, Any] | None:
    """Why a body is no bundle to import, as an OperationOutcome; None where it is one."""
    if not isinstance(raw, dict) or raw.get("resourceType") != "Bundle":
        return faults.outcome(Refused("the body: must be an object that is a Bundle", "$this"))
    entries = raw.get("entry", [])
    for i, entry in enumerate(entries if isinstance(entries, list) else []):
        request = entry.get("request", {}) if isinstance(entry, dict) else {}
        method = request.get("method", "POST") if isinstance(request, dict) else None
        if method not in ("POST", "PUT"):
            path = f"Bundle.entry[{i}].request.method"
            return faults.outcome(Refused(f"{path}: must be POST or PUT; nothing is deleted or searched by a bundle", path))
    return None


def _information(text: str) -> dict[str, Any]:
    return {"severity": "information", "code": "informational", "details": {"text": text}}
