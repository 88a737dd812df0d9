"""How a database comes to the tables of this version: Alembic's steps, run from the installed package."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect

from posology.clinic import database

HERE = Path(__file__).parent


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration, without a file."""
    made = Config()
    made.set_main_option("script_location", str(HERE).replace("%", "%%"))
    made.attributes["connection"] = connection
    return made


def newest() -> str:
    """The step that this version of Posology needs."""
    return ScriptDirectory.from_config(config()).get_current_head() or ""


def current(engine: Engine) -> str | None:
    """The step that a database is at; None for one without tables of Posology."""
    with database.reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Bring a database to the newest step; the step before and the one now.

    Raises:
        ValueError: for a database that a newer Posology made, or that holds other tables of these names.
    """
    before, wanted = current(engine), newest()
    if before == wanted:
        return before, wanted
    known = {step.revision for step in ScriptDirectory.from_config(config()).walk_revisions()}
    if before is not None and before not in known:
        raise ValueError(f"database {database.shown(engine.url)}: was made by a newer Posology (step {before}, ours {wanted})")
    with _alone(engine) as connection:
        command.upgrade(config(connection), "head")
    return before, wanted


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    with database.writing(engine) as connection:
        if inspect(connection).has_table("patients") and not inspect(connection).has_table("alembic_version"):
            raise ValueError(f"database {database.shown(engine.url)}: has a table 'patients' that is not Posology's")
        yield connection


def needed(engine: Engine) -> None:
    """Refuse a database that is not at the newest step.

    Raises:
        ValueError: saying what to do.
    """
    at, wanted = current(engine), newest()
    if at != wanted:
        raise ValueError(
            f"database {database.shown(engine.url)}: is at step {at or 'none'}, needs {wanted}; run `posology db upgrade`"
        )
