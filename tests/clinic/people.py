"""Users, and their clients, that a test makes for itself."""

from __future__ import annotations

import itertools
from typing import Any

from argon2 import PasswordHasher
from web_clients import client, token_in

from posology.clinic import store
from posology.clinic.store.users import HASHER

SECRET = "correct horse battery"
COUNT = itertools.count()


def somebody(app: Any, role: str, hasher: PasswordHasher = HASHER) -> str:
    """The name of a new user of the role, whose password is `SECRET`."""
    name = f"{role.replace(' ', '-')}-{next(COUNT)}"
    store.add_user(app.state.clinic.engine, name, SECRET, role, "test", hasher)
    return name


def entered_as(app: Any, name: str, password: str = SECRET) -> Any:
    """A browser's client after logging in."""
    found = client(app)
    assert found.post("/login", data={"name": name, "password": password}).status_code == 303
    return with_form_token(found)


def with_form_token(browser: Any) -> Any:
    """The client, whose requests carry the token of its session's forms."""
    browser.headers["X-CSRF-Token"] = token_in(browser.get("/account").text)
    return browser


def program(app: Any, token: str) -> Any:
    """A client that asks with an API token."""
    return client(app, headers={"Authorization": f"Bearer {token}"})


def with_token(app: Any, name: str) -> Any:
    """A program's client with a new token of a user."""
    clinic = app.state.clinic
    return program(app, store.add_token(clinic.engine, name, f"test {next(COUNT)}", name, clinic.settings))


def a_patient(app: Any, id: str, **more: Any) -> str:
    """The key of a new patient."""
    from posology.data.record import from_dict

    return store.create(app.state.clinic.engine, from_dict({"id": id, **more}), "test")
