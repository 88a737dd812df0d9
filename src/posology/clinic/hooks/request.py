"""What a hospital's system sends at a hook, checked, and the patient's record in its prefetched data.

    call = request(raw, service)
    record = record_in(call)         ValueError: which prefetch is missing, or the path of what cannot be read

Rules of https://cds-hooks.hl7.org/2.0/#calling-a-cds-service. Draft orders of the call are planned doses of the record.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from posology.clinic.hooks.checked import Part, Uuid, Words, checked
from posology.clinic.hooks.services import NEEDED, PREFETCH, Service
from posology.data.readers import fhir
from posology.data.readers.fhir_draft import Refused
from posology.data.record import Record

User = Annotated[str, Field(strict=True, pattern=r"^(Practitioner|PractitionerRole|Patient|RelatedPerson)/[A-Za-z0-9.\-]{1,64}$")]
Id = Annotated[str, Field(strict=True, pattern=r"^[A-Za-z0-9.\-]{1,64}$")]


class Authorization(Part):
    """A bearer token for the client's own FHIR server. We fetch nothing, so it is checked and not used."""

    access_token: Words
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Field(strict=True, ge=0)]
    scope: Words
    subject: Words
    patient: str | None = None


class Context(Part):
    """Who is looking at whom; orders at `order-select` and `order-sign`."""

    userId: User
    patientId: Id
    encounterId: Id | None = None
    selections: list[Annotated[str, Field(strict=True, pattern=r"^\w+/[\w.\-]+$")]] | None = None
    draftOrders: dict[str, Any] | None = None


class Request(Part):
    """The body of a call."""

    hook: Literal["patient-view", "order-select", "order-sign"]
    hookInstance: Uuid
    fhirServer: Annotated[str, Field(pattern=r"^https?://")] | None = None
    fhirAuthorization: Authorization | None = None
    context: Context
    prefetch: dict[str, dict[str, Any] | None] = {}

    @model_validator(mode="after")
    def _whole(self) -> Request:
        if self.fhirAuthorization and not self.fhirServer:
            raise ValueError("fhirServer is missing; it is needed beside fhirAuthorization")
        if self.hook != "patient-view" and (self.context.draftOrders or {}).get("resourceType") != "Bundle":
            raise ValueError(f"context.draftOrders must be a Bundle at {self.hook}")
        if self.hook == "order-select":
            _check_selections(self.context)
        return self


def _check_selections(context: Context) -> None:
    if not context.selections:
        raise ValueError("context.selections is missing; it names the orders that were just selected")
    drafts = {f"{r.get('resourceType')}/{r.get('id')}" for r in resources(context.draftOrders or {})}
    for selected in context.selections:
        if selected not in drafts:
            known = ", ".join(sorted(drafts)) or "none"
            raise ValueError(f"context.selections: {selected} is not among the draft orders ({known})")


def request(raw: Any, service: Service) -> Request:
    """The call of a service.

    Raises:
        ValueError: with the path of what is wrong, or when it is a call of another hook.
    """
    call = checked(Request, raw, "request")
    if call.hook != service.hook:
        raise ValueError(f"request, hook: must be {service.hook} at the service {service.id}, got '{call.hook}'")
    return call


def missing(call: Request) -> list[str]:
    """Which prefetched data are not in the call: absent, or null where the client could not get them."""
    return [name for name in PREFETCH if call.prefetch.get(name) is None]


def record_in(call: Request) -> Record:
    """The patient's record, of the prefetched data and the draft orders; what was not sent is noted.

    Raises:
        ValueError: naming the prefetch that is missing and needed, or the path of what cannot be read.
    """
    absent = missing(call)
    if lacking := [name for name in NEEDED if name in absent]:
        asked = "; ".join(f"{name} ({PREFETCH[name]})" for name in lacking)
        raise ValueError(f"request, prefetch: is missing {asked}")
    sources = [(f"prefetch.{name}", call.prefetch[name] or {}) for name in PREFETCH if name not in absent]
    sources.append(("context.draftOrders", call.context.draftOrders or {}))
    placed = [pair for path, source in sources for pair in _placed(path, source)]
    entries = [{"resource": resource} for _, resource in placed]
    try:
        records = fhir.records({"resourceType": "Bundle", "entry": entries}, "request")
    except Refused as error:
        raise _moved(error, [path for path, _ in placed]) from None
    if [r.id for r in records] != [call.context.patientId]:
        found = ", ".join(f"'{r.id}'" for r in records)
        raise ValueError(f"request, prefetch: must be of the patient '{call.context.patientId}' alone, got {found}")
    return records[0].noted(*(f"prefetch {name} was not sent" for name in absent))


def resources(source: dict[str, Any]) -> list[dict[str, Any]]:
    """The resources of a bundle, or the one that it is."""
    return [resource for _, resource in _placed("", source)]


def _placed(path: str, source: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Resources with their paths in the call."""
    if not source:
        return []
    if source.get("resourceType") != "Bundle":
        return [(path, source)]
    listed = source.get("entry", [])
    if not isinstance(listed, list) or not all(isinstance(e, dict) and isinstance(e.get("resource"), dict) for e in listed):
        raise ValueError(f"request, {path}.entry: must be a list of objects with a resource")
    return [(f"{path}.entry[{i}].resource", e["resource"]) for i, e in enumerate(listed)]


def _moved(error: Refused, paths: list[str]) -> Refused:
    """The refusal with the path in the call in place of that in the bundle made of it."""
    found = re.match(r"Bundle\.entry\[(\d+)\](?:\.resource)?(.*)", error.path)
    path = paths[int(found[1])] + found[2] if found else error.path
    said = re.sub(r"^request(, entry \d+)?", "", str(error))
    return Refused(f"request, {path}{said}", path)
