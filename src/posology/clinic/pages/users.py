"""Users: the list, adding one, and a page per user to change role, password and whether the account is open."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response
from sqlalchemy import Engine

from posology.clinic import store
from posology.clinic.api.users import Admin, Key
from posology.clinic.errors import Conflict, NotFound, Unavailable
from posology.clinic.roles import PERMISSIONS, ROLES
from posology.clinic.web.render import page
from posology.clinic.web.shared import clinic_of

NAV = [("Users", "/users", "user:write")]
router = APIRouter(prefix="/users")
Text = Annotated[str, Form(max_length=500)]
Change = Callable[[Engine, str], None]


@router.get("")
def listing(request: Request, who: Admin) -> Response:
    """All users, and a form to add one."""
    return shown(request)


def shown(request: Request, status: int = 200, sentence: str = "", name: str = "", role: str = "viewer") -> Response:
    """The list, with what was wrong with a new user and what was typed."""
    rows = store.list_users(clinic_of(request).engine)
    may = {role: [PERMISSIONS[p] for p in PERMISSIONS if p in allowed] for role, allowed in ROLES.items()}
    return page(request, "users.html", status, title="Users", rows=rows, roles=may, sentence=sentence, name=name, role=role)


@router.post("")
def add(request: Request, who: Admin, name: Text, password: Text, role: Text) -> Response:
    """Add a user with a role."""
    try:
        key = store.add_user(clinic_of(request).engine, name, password, role, who.name)
    except Unavailable:
        raise
    except ValueError as error:
        return shown(request, _status(error), str(error), name, role)
    return RedirectResponse(f"/users/{key}?said=added", 303)


@router.get("/{key}")
def user(request: Request, who: Admin, key: Key) -> Response:
    """One user."""
    return one(request, key)


def one(request: Request, key: str, status: int = 200, sentence: str = "") -> Response:
    """A user's page, with what could not be done."""
    engine = clinic_of(request).engine
    found = store.the_user(engine, key)
    tokens = store.list_tokens(engine, found["name"])
    return page(
        request, "user.html", status, title=found["name"], user=found, tokens=tokens, roles=tuple(ROLES), sentence=sentence
    )  # fmt: skip


@router.post("/{key}/role")
def change_role(request: Request, who: Admin, key: Key, role: Text) -> Response:
    """Give a user another role."""
    return _changed(request, key, lambda engine, name: store.change(engine, name, who.name, role=role))


@router.post("/{key}/close")
def close(request: Request, who: Admin, key: Key) -> Response:
    """Close an account."""
    return _changed(request, key, lambda engine, name: store.change(engine, name, who.name, active=False))


@router.post("/{key}/open")
def reopen(request: Request, who: Admin, key: Key) -> Response:
    """Open an account again."""
    return _changed(request, key, lambda engine, name: store.change(engine, name, who.name, active=True))


@router.post("/{key}/end")
def end(request: Request, who: Admin, key: Key) -> Response:
    """End every session and token of a user."""
    return _changed(request, key, lambda engine, name: store.end_all(engine, name, who.name), "ended")


@router.post("/{key}/password")
def set_password(request: Request, who: Admin, key: Key, password: Text) -> Response:
    """Give a user another password; this opens an account that wrong ones locked."""
    return _changed(request, key, lambda engine, name: store.set_password(engine, name, password, who.name))


def _changed(request: Request, key: str, change: Change, said: str = "saved") -> Response:
    engine = clinic_of(request).engine
    name = store.the_user(engine, key)["name"]
    try:
        change(engine, name)
    except (Unavailable, NotFound):
        raise
    except ValueError as error:
        return one(request, key, _status(error), str(error))
    return RedirectResponse(f"/users/{key}?said={said}", 303)


def _status(error: ValueError) -> int:
    return 409 if isinstance(error, Conflict) else 422
