"""One patient's data as a whole: taken out, or erased."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic import store
from posology.clinic.api.leaving import Erases, Exports, erased
from posology.clinic.api.patients import Key
from posology.clinic.errors import NotFound, Unavailable
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of, looked_at
from posology.clinic.web.who import Who

NAV: list[tuple[str, str, str]] = []
router = APIRouter(prefix="/patients")
Text = Annotated[str, Form(max_length=2000)]


@router.get("/{key}/data")
def data(request: Request, who: Exports, key: Key) -> Response:
    """What can be done with all of a patient's data."""
    return shown(request, who, key)


def shown(
    request: Request, who: Who, key: str, status: int = 200, sentence: str = "", reason: str = "", typed: str = ""
) -> Response:
    """The page, with what was wrong and what was typed."""
    found = store.read(clinic_of(request).engine, key)
    looked_at(request, who.name, key)
    return page(
        request, "leaving.html", status, title=f"{found.record.id}: data", key=key, name=found.record.id,
        version=found.version, erases=who.may("patient:erase"), sentence=sentence, reason=reason, typed=typed,
    )  # fmt: skip


@router.post("/{key}/data/export")
def export(request: Request, who: Exports, key: Key) -> Response:
    """Everything that is kept of the patient, as a file."""
    told = json.dumps(store.export(clinic_of(request).engine, key, who.name), indent=1)
    # The name holds the random key: an id may hold what no file name or header can.
    return Response(told, media_type="application/json", headers={"Content-Disposition": f'attachment; filename="{key}.json"'})


@router.post("/{key}/data/erase")
def erase(request: Request, who: Erases, key: Key, id: Text = "", reason: Text = "") -> Response:
    """Remove everything that is kept of the patient."""
    try:
        erased(clinic_of(request).engine, key, id, reason, who.name)
    except (NotFound, Unavailable):
        raise
    except ValueError as error:
        return shown(request, who, key, 422, str(error), reason, id)
    return RedirectResponse("/patients?said=erased", 303)
