"""One's own account: who one is, and the API tokens of one's programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from posology.clinic import store
from posology.clinic.columns import NAME
from posology.clinic.errors import Denied
from posology.clinic.roles import ROLES
from posology.clinic.web.shared import clinic_of
from posology.clinic.web.who import Who, logged_in

router = APIRouter(prefix="/api/account", tags=["account"])
Me = Annotated[Who, logged_in()]
Named = Annotated[str, Query(min_length=1, max_length=NAME, description="The token's name.")]


class Account(BaseModel):
    """Who asks."""

    name: str
    role: str
    permissions: list[str] = Field(description="What the role may do.")


class Token(BaseModel):
    """An API token; the token itself is kept nowhere."""

    name: str
    made: datetime
    expires: datetime


class NewToken(BaseModel):
    """A token to be made."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=NAME, description="What it is for.")
    days: int | None = Field(default=None, ge=1, le=366, description="It ends after so many days.")


class Made(BaseModel):
    """A token that was made."""

    name: str
    token: str = Field(description="Shown this once; send it as `Authorization: Bearer …`.")


def by_session(who: Who) -> None:
    """Refuse who came with a token: one that leaked must not outlive itself by making others.

    Raises:
        Denied: for a request without a session.
    """
    if not who.session:
        raise Denied("a token cannot make another; log in with a browser and make it on the page of your account")


@router.get("")
def account(who: Me) -> Account:
    """Who one is here."""
    return Account(name=who.name, role=who.user.role, permissions=sorted(ROLES[who.user.role]))


@router.get("/tokens")
def tokens(request: Request, who: Me) -> list[Token]:
    """One's tokens by name."""
    return [Token(**row) for row in store.list_tokens(clinic_of(request).engine, who.name)]


@router.post("/tokens", status_code=201)
def make(request: Request, who: Me, asked: NewToken) -> Made:
    """Make a token, from a browser's session alone."""
    by_session(who)
    clinic = clinic_of(request)
    secret = store.add_token(clinic.engine, who.name, asked.name, who.name, clinic.settings, asked.days)
    return Made(name=asked.name.strip(), token=secret)


@router.delete("/tokens", status_code=204)
def revoke(request: Request, who: Me, name: Named) -> None:
    """End a token; it may be the one that asks."""
    store.revoke_token(clinic_of(request).engine, who.name, name, who.name)
