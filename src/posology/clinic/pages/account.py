"""Logging in and out, and one's own account: password and API tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic import store
from posology.clinic.demo import ACCOUNTS, PASSWORD
from posology.clinic.errors import Refused
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, logged_in, open_to_all

NAV: list[tuple[str, str, str]] = []
router = APIRouter()
Text = Annotated[str, Form(max_length=500)]


@router.get("/login")
def login(request: Request, who: Annotated[Who | None, open_to_all()], next: str = "/") -> Response:
    """The form to log in."""
    return form(request, next)


def form(request: Request, goes_to: str, sentence: str = "", name: str = "", status: int = 200) -> Response:
    """The form to log in, with what was wrong."""
    accounts = ACCOUNTS if clinic_of(request).settings.demo else ()
    return page(
        request, "login.html", status, title="Log in", next=local(goes_to), sentence=sentence, name=name,
        accounts=accounts, password=PASSWORD if accounts else "",
    )  # fmt: skip


@router.post("/login")
def enter(
    request: Request, who: Annotated[Who | None, open_to_all()], name: Text = "", password: Text = "", next: Text = "/"
) -> Response:
    """Begin a session; the browser's old one ends."""
    clinic = clinic_of(request)
    try:
        user = store.log_in(clinic.engine, name, password)
    except (Refused, ValueError) as error:
        return form(request, next, str(error), name, 401)
    secret = store.begin(clinic.engine, user, clinic.settings, request.cookies.get(clinic.cookie, ""))
    return with_session(request, RedirectResponse(local(next), 303), secret)


def with_session(request: Request, answer: Response, secret: str) -> Response:
    """The answer with the cookie of a session: not for scripts, not for other sites."""
    clinic = clinic_of(request)
    answer.set_cookie(
        clinic.cookie, secret, max_age=clinic.settings.session_hours * 3600, path="/", httponly=True, samesite="lax",
        secure=clinic.settings.https,
    )  # fmt: skip
    return answer


def local(path: str) -> str:
    """A path of this clinic; the first page where it is none."""
    plain = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable() and "\\" not in path
    return path if plain else "/"


@router.post("/logout")
def leave(request: Request, who: Annotated[Who, logged_in()]) -> Response:
    """End the session."""
    clinic = clinic_of(request)
    store.end(clinic.engine, who.session)
    answer = RedirectResponse("/login?said=out", 303)
    answer.delete_cookie(clinic.cookie, path="/", secure=clinic.settings.https, httponly=True, samesite="lax")
    return answer


@router.get("/account")
def account(request: Request, who: Annotated[Who, logged_in()]) -> Response:
    """One's own account."""
    return page(request, "account.html", title="Your account")
