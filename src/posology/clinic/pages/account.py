"""Logging in and out, and one's own account: password and API tokens."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from posology.clinic import store
from posology.clinic.api.account import by_session
from posology.clinic.demo import ACCOUNTS, PASSWORD
from posology.clinic.errors import Conflict, Refused, Unavailable
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, logged_in, open_to_all

NAV: list[tuple[str, str, str]] = []
router = APIRouter()
Text = Annotated[str, Form(max_length=500)]
Secret = Annotated[str, Form(min_length=1, max_length=500)]
WRONG = "old password: is wrong; after five wrong ones the account is locked for 15 minutes"
Days = Annotated[int, Form(ge=1, le=366)]


@router.get("/login")
def login(request: Request, who: Annotated[Who | None, open_to_all()], next: str = "/") -> Response:
    """The form to log in."""
    return form(request, next)


def form(request: Request, goes_to: str, sentence: str = "", name: str = "", status: int = 200) -> Response:
    """The form to log in, with what was wrong."""
    accounts = ACCOUNTS if clinic_of(request).settings.demo else ()
    return page(
        request, "login.html", status, title="Log in", next=local(goes_to), sentence=sentence, name=name,
        accounts=accounts, password=PASSWORD if accounts else "", provider=clinic_of(request).settings.oidc_issuer,
    )  # fmt: skip


@router.post("/login")
def enter(
    request: Request, who: Annotated[Who | None, open_to_all()], name: Text = "", password: Text = "", next: Text = "/"
) -> Response:
    """Begin a session; the browser's old one ends."""
    clinic = clinic_of(request)
    try:
        user = store.log_in(clinic.engine, name, password)
    except Unavailable:
        raise
    except ValueError as error:
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
    return shown(request, who)


def shown(request: Request, who: Who, status: int = 200, **more: str) -> Response:
    """The account's page: with a token that was made just now, or with what was wrong and what was typed."""
    clinic = clinic_of(request)
    told = {"sentence": "", "secret": "", "token_name": "", "days": str(clinic.settings.token_days)} | more
    return page(
        request, "account.html", status, title="Your account", tokens=store.list_tokens(clinic.engine, who.name),
        local=store.the_user(clinic.engine, who.user.key)["local"], most=clinic.settings.token_days, **told,
    )  # fmt: skip


@router.post("/account/password")
def set_password(request: Request, who: Annotated[Who, logged_in()], old: Secret, new: Secret, again: Secret) -> Response:
    """Change one's own password; every session and token ends, and the browser at hand gets a new session."""
    clinic = clinic_of(request)
    try:
        if new != again:
            raise ValueError("new password: was typed twice and differs; type it again")
        user = store.log_in(clinic.engine, who.name, old)  # counts wrong ones: a stolen session must not guess it
        store.set_password(clinic.engine, who.name, new, who.name)
    except Refused:
        return shown(request, who, 422, sentence=WRONG)
    except Unavailable:
        raise
    except ValueError as error:
        return shown(request, who, 422, sentence=str(error))
    secret = store.begin(clinic.engine, user, clinic.settings)
    return with_session(request, RedirectResponse("/account?said=password", 303), secret)


@router.post("/account/tokens")
def add_token(request: Request, who: Annotated[Who, logged_in()], name: Text, days: Days) -> Response:
    """Make an API token and show it, this once."""
    by_session(who)
    clinic = clinic_of(request)
    try:
        secret = store.add_token(clinic.engine, who.name, name, who.name, clinic.settings, days)
    except Unavailable:
        raise
    except ValueError as error:
        status = 409 if isinstance(error, Conflict) else 422
        return shown(request, who, status, sentence=str(error), token_name=name, days=str(days))
    return shown(request, who, secret=secret, token_name=name.strip())


@router.post("/account/tokens/revoke")
def revoke_token(request: Request, who: Annotated[Who, logged_in()], name: Text) -> Response:
    """End a token."""
    store.revoke_token(clinic_of(request).engine, who.name, name, who.name)
    return RedirectResponse("/account?said=removed", 303)
