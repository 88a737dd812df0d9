"""`posology user add`: the clinic's first user, and whoever else is not added in the browser."""

from __future__ import annotations

import sys

import typer

from posology.commands.db import DATABASE, JSON, opened
from posology.commands.output import print_json

user = typer.Typer(add_completion=False, help="Add users of the clinic.")
ACTOR = "command line"


def asked() -> str:
    """A password that is typed without being seen, or read from standard input."""
    if sys.stdin.isatty():
        return str(typer.prompt("Password, 12 to 256 characters", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n")


@user.command()
def add(
    name: str = typer.Argument(help="The name."),
    role: str = typer.Option(..., help="viewer, clinician, researcher, 'data manager', auditor or admin."),
    database: str = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Add a user. The password is asked for, or read from standard input where that is no terminal; it is no argument,
    since other users of the machine see those."""
    from posology.clinic.migrations import upgrade
    from posology.clinic.store import add_user

    engine = opened(database)
    upgrade(engine)
    key = add_user(engine, name, asked(), role, ACTOR)
    if as_json:
        print_json({"key": key, "name": name, "role": role})
    else:
        print(f"User '{name}' was added as {role}. More are added on the page Users, by an admin.")


@user.command()
def password(name: str = typer.Argument(help="The name."), database: str = DATABASE, as_json: bool = JSON) -> None:
    """Set a user's password, as for an admin who is locked out: a lock is lifted, all sessions and tokens end."""
    from posology.clinic.store import set_password

    set_password(opened(database), name, asked(), ACTOR)
    if as_json:
        print_json({"name": name})
    else:
        print(f"User '{name}' has a new password.")
