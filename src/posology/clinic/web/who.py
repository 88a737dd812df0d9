"""Who asks, and whether he may: every route names one permission, or says that it is open to all.

A browser has a session cookie, a program an API token (`Authorization: Bearer …`). What changes something and comes with a
cookie must also carry the session's token against forged forms, which no other site can read. A route without a permission
does not start (`app.py`), so that a forgotten line denies instead of opening.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any, NamedTuple

from fastapi import Depends, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.concurrency import run_in_threadpool

from posology.clinic import store
from posology.clinic.errors import Denied, Refused
from posology.clinic.roles import PERMISSIONS, allowed
from posology.clinic.store import User
from posology.clinic.web.forms import MOST_FIELDS
from posology.clinic.web.shared import clinic_of

SAFE = ("GET", "HEAD", "OPTIONS")
OPEN = "open to all"
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
TOKEN_HEADER, TOKEN_FIELD = "X-CSRF-Token", "csrf"

bearer = HTTPBearer(auto_error=False, description="An API token, made on the page of one's account.")


class Who(NamedTuple):
    """A user, and the secret of the session he came with (empty for a token)."""

    user: User
    session: str = ""

    @property
    def name(self) -> str:
        """The user's name, as the audit trail has it."""
        return self.user.name

    def may(self, permission: str) -> bool:
        """Whether the user's role has a permission."""
        return allowed(self.user.role, permission)

    @property
    def form_token(self) -> str:
        """What a form of this session carries."""
        return form_token(self.session) if self.session else ""


def form_token(secret: str) -> str:
    """The token against forged forms of a session."""
    return hmac.new(secret.encode(), b"posology form", "sha256").hexdigest()


def needs(permission: str) -> Any:
    """The dependency of a route that asks for a permission; it gives the `Who`.

    Raises:
        ValueError: when there is no such permission.
        Refused: (asking) without a session or token that stands.
        Denied: (asking) when the role has no such permission, or a form is forged.
    """
    if permission not in PERMISSIONS and permission != ANYONE:
        raise ValueError(f"permission: '{permission}' is not known; allowed: {', '.join(PERMISSIONS)}")

    async def asked(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(bearer)] = None) -> Who:
        who = await run_in_threadpool(identified, request)
        if permission != ANYONE and not who.may(permission):
            raise Denied(f"the role '{who.user.role}' may not do this: it needs the permission to {PERMISSIONS[permission]}")
        if who.session and request.method not in SAFE:
            await _check_form(request, who)
        request.state.who = who
        return who

    asked.permission = permission  # type: ignore[attr-defined]
    return Depends(asked)


ANYONE = "anyone who is logged in"


def logged_in() -> Any:
    """The dependency of a route for everybody who is logged in, whatever the role."""
    return needs(ANYONE)


def open_to_all() -> Any:
    """The dependency of a route without login; it gives the `Who` of a browser that has one, else None."""

    async def asked(request: Request) -> Who | None:
        try:
            who: Who | None = await run_in_threadpool(identified, request)
        except Refused:
            who = None
        if who is not None and who.session and request.method not in SAFE:
            await _check_form(request, who)
        request.state.who = who
        return who

    asked.permission = OPEN  # type: ignore[attr-defined]
    return Depends(asked)


def open_to_programs() -> Any:
    """The mark of a route without login that nobody is looked up for: `/health`, what describes an interface."""

    async def asked() -> None:
        return None

    asked.permission = OPEN  # type: ignore[attr-defined]
    return Depends(asked)


def identified(request: Request) -> Who:
    """The user of a request's token or session.

    Raises:
        Refused: when there is neither, or it does not stand.
    """
    clinic = clinic_of(request)
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme:
        if scheme.lower() != "bearer":
            raise Refused("authorization: must be 'Bearer' and an API token")
        return Who(store.token_user(clinic.engine, token.strip()))
    secret = request.cookies.get(clinic.cookie, "")
    if not secret:
        raise Refused("you are not logged in")
    return Who(store.session_user(clinic.engine, secret, clinic.settings), secret)


async def _check_form(request: Request, who: Who) -> None:
    sent = request.headers.get(TOKEN_HEADER, "")
    if not sent and request.headers.get("content-type", "").startswith(FORMS):
        told = (await request.form(max_fields=MOST_FIELDS)).get(TOKEN_FIELD, "")
        sent = told if isinstance(told, str) else ""
    if not hmac.compare_digest(sent.encode(), who.form_token.encode()):
        raise Denied("the form is not one of this session; open the page again and send it once more")
