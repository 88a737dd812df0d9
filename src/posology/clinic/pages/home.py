"""The first page: to the list of patients, or to what the role may see instead."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic.web.who import Who, logged_in

NAV: list[tuple[str, str, str]] = []
router = APIRouter()


@router.get("/")
def home(request: Request, who: Annotated[Who, logged_in()]) -> Response:
    """Go to the first page of the menu that the role may see."""
    nav = request.app.state.nav
    own = [path for _, path, permission in nav if permission and who.may(permission)]
    places = own + [path for _, path, permission in nav if not permission]  # what a role alone may see goes first
    return RedirectResponse(places[0] if places else "/account", 303)
