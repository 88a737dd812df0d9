"""Users: list, add, change role, open and close accounts, end sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import store
from posology.clinic.store.users import LONGEST, LONGEST_NAME, SHORTEST
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, needs

router = APIRouter(prefix="/api/users", tags=["users"])
Admin = Annotated[Who, needs("user:write")]
Key = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="The user's key.")]
ROLE = Field(max_length=32, description="viewer, clinician, researcher, data manager, auditor or admin.")


class Listed(BaseModel):
    """A user."""

    key: str
    name: str
    role: str
    active: bool = Field(description="Whether the account is open.")
    local: bool = Field(description="Whether the user has a password here; others log in through the identity provider.")
    locked_until: datetime | None = Field(description="Passwords are refused until then, after five wrong ones.")
    made: datetime


class NewUser(BaseModel):
    """A user to be added."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    password: str = Field(min_length=SHORTEST, max_length=LONGEST, description="The first password, to be changed by the user.")
    role: str = ROLE


class Added(BaseModel):
    """A user that was added."""

    key: str


class Changed(BaseModel):
    """What is changed of a user; every session and token ends with it."""

    model_config = ConfigDict(extra="forbid")
    role: str | None = Field(default=None, max_length=32, description="The new role; the old one stays unless given.")
    active: bool | None = Field(default=None, description="False closes the account, true opens it.")


@router.get("")
def listing(request: Request, who: Admin) -> list[Listed]:
    """All users by name."""
    return [Listed(**row) for row in store.list_users(clinic_of(request).engine)]


@router.post("", status_code=201)
def add(request: Request, who: Admin, new: NewUser) -> Added:
    """Add a user with a role."""
    return Added(key=store.add_user(clinic_of(request).engine, new.name, new.password, new.role, who.name))


@router.get("/{key}")
def read(request: Request, who: Admin, key: Key) -> Listed:
    """One user."""
    return Listed(**store.the_user(clinic_of(request).engine, key))


@router.patch("/{key}")
def change(request: Request, who: Admin, key: Key, changed: Changed) -> Listed:
    """Change a role, close or open an account; the last who may change users keeps that."""
    engine = clinic_of(request).engine
    store.change(engine, store.the_user(engine, key)["name"], who.name, changed.role, changed.active)
    return Listed(**store.the_user(engine, key))


@router.post("/{key}/end", status_code=204)
def end(request: Request, who: Admin, key: Key) -> None:
    """End every session and token of a user."""
    engine = clinic_of(request).engine
    store.end_all(engine, store.the_user(engine, key)["name"], who.name)
