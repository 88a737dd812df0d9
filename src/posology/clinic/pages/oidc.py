"""Logging in through the identity provider: away, and back with a code."""

from __future__ import annotations

import logging
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic import oidc, store
from posology.clinic.errors import NotFound, Unavailable
from posology.clinic.pages.account import form, local, with_session
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, open_to_all

NAV: list[tuple[str, str, str]] = []
router = APIRouter(prefix="/login/oidc")
log = logging.getLogger("posology.clinic")


@router.get("")
def away(
    request: Request, who: Annotated[Who | None, open_to_all()], next: Annotated[str, Query(max_length=2000)] = "/"
) -> Response:
    """Send the browser to the identity provider."""
    secret = oidc.secret()
    answer = RedirectResponse(_provider(request).begin(secret, _back(request)), 303)
    kept = f"{secret}.{urlsafe_b64encode(local(next).encode()).decode()}"
    answer.set_cookie(
        _cookie(request), kept, max_age=oidc.LASTS, path="/", httponly=True, samesite="lax",
        secure=clinic_of(request).settings.https,
    )  # fmt: skip
    return answer


@router.get("/callback")
def back(request: Request, who: Annotated[Who | None, open_to_all()]) -> Response:
    """Begin a session for whom the identity provider vouches; the browser's old one ends."""
    clinic, provider = clinic_of(request), _provider(request)
    secret, _, path = request.cookies.get(_cookie(request), "").partition(".")
    try:
        goes_to = local(urlsafe_b64decode(path).decode())
        person = provider.finish(secret, request.query_params, _back(request))
        user = store.enter_from(clinic.engine, provider.issuer, *person)
        made = store.begin(clinic.engine, user, clinic.settings, request.cookies.get(clinic.cookie, ""))
        answer = with_session(request, RedirectResponse(goes_to, 303), made)
    except Unavailable:
        raise
    except ValueError as error:
        log.warning("a login through the identity provider was refused: %s", error)
        answer = form(request, "/", str(error), status=401)
    answer.delete_cookie(_cookie(request), path="/", secure=clinic.settings.https, httponly=True, samesite="lax")
    return answer


def _provider(request: Request) -> oidc.Provider:
    found: oidc.Provider | None = request.app.state.provider
    if found is None:
        raise NotFound("identity provider: none is configured; log in with a password")
    return found


def _back(request: Request) -> str:
    """Where the browser returns: the host was held against the list of ours before (`web/guard.py`)."""
    scheme = "https" if clinic_of(request).settings.https else "http"
    return f"{scheme}://{request.headers['host']}/login/oidc/callback"


def _cookie(request: Request) -> str:
    return f"{clinic_of(request).cookie}-login"
