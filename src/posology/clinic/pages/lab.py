"""The immune system lab: pick a type of patient and a policy, watch tumour, normal and immune cells and the dose."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from posology.clinic import lab
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import logged_in

NAV = [("Immune lab", "/lab", "")]
router = APIRouter(prefix="/lab")


@router.get("", dependencies=[logged_in()])
def shown(request: Request) -> Response:
    """The lab."""
    data = clinic_of(request).settings.data
    learned = {name: lab.learned(data, name) for name in lab.LEARNED}
    return page(request, "lab.html", title="Immune system lab", choices=lab.choices(), learned=learned)
