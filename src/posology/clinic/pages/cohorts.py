"""Cohorts: upload, the report on the quality, the file without identities."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, Request, UploadFile
from fastapi.responses import RedirectResponse, Response

from posology.clinic.api.cohorts import Key, Reads, Writes, kept
from posology.clinic.store import cohorts
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of

NAV = [("Cohorts", "/cohorts", "cohort:read")]
router = APIRouter(prefix="/cohorts")


@router.get("")
def listing(request: Request, who: Reads) -> Response:
    """The cohorts, and the form to upload one."""
    return _listing(request)


def _listing(request: Request, sentence: str = "", name: str = "", status: int = 200) -> Response:
    rows = cohorts.list_cohorts(clinic_of(request).engine)
    return page(request, "cohorts.html", status, title="Cohorts", rows=rows, sentence=sentence, name=name)


@router.post("")
def upload(
    request: Request, who: Writes, file: Annotated[UploadFile, File()], name: Annotated[str, Form(max_length=200)] = "",
    units: Annotated[UploadFile | None, File()] = None,
) -> Response:  # fmt: skip
    """Keep a file; what cannot be read is shown in full to its uploader alone."""
    try:
        made = kept(request, who, name, file, units)
    except ValueError as error:
        if type(error) is not ValueError:
            raise
        return _listing(request, str(error), name, 422)
    if made["quality"]["refused"]:
        return _shown(request, made["id"], full=made["quality"])
    return RedirectResponse(f"/cohorts/{made['id']}?said=uploaded", 303)


@router.get("/{key}")
def cohort(request: Request, who: Reads, key: Key) -> Response:
    """One cohort with its report."""
    return _shown(request, key)


def _shown(request: Request, key: str, full: dict[str, object] | None = None) -> Response:
    row = cohorts.cohort(clinic_of(request).engine, key)
    told = full or row["quality"]
    return page(request, "cohort.html", title=row["name"], row=row, quality=told, full=full is not None)


@router.post("/{key}/remove")
def remove(request: Request, who: Writes, key: Key) -> Response:
    """Delete the file of a cohort."""
    clinic = clinic_of(request)
    cohorts.remove(clinic.engine, clinic.settings.data, key, who.name)
    return RedirectResponse("/cohorts?said=removed", 303)
