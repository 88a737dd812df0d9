"""`posology db upgrade|copy|backup|restore`: the clinic's database made, moved and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.output import print_json, print_table

db = typer.Typer(add_completion=False, help="Make, move, back up and restore the clinic's database.")

DATABASE = typer.Option(None, "--database", metavar="URL", help="POSOLOGY_DATABASE unless given, else SQLite in POSOLOGY_DATA.")
JSON = typer.Option(False, "--json", help="Print JSON.")


def opened(url: str | None) -> Any:
    """The engine of a database URL, or of the one in the environment."""
    from posology.clinic.database import engine
    from posology.clinic.settings import Settings

    return engine(url or Settings().url)


def _show(title: str, told: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print_json({"tables": told})
    else:
        print_table(title, ["table", "rows", "sha256"], [[t["table"], t["rows"], t["sha256"]] for t in told])


@db.command()
def upgrade(database: str = DATABASE, as_json: bool = JSON) -> None:
    """Make the tables, or bring them to this version."""
    from posology.clinic.database import shown
    from posology.clinic.migrations import upgrade as upgraded

    engine = opened(database)
    before, now = upgraded(engine)
    if as_json:
        print_json({"database": shown(engine.url), "before": before, "now": now})
    else:
        print(f"{shown(engine.url)} is at step {now}" + (", as before" if before == now else f", before at {before or 'none'}"))


@db.command()
def copy(
    source: str = typer.Argument(metavar="FROM", help="Database URL to read."),
    target: str = typer.Argument(metavar="TO", help="URL of an empty database, of any kind."),
    as_json: bool = JSON,
) -> None:
    """Copy one database into another, empty one; content hashes of each table are compared."""
    from posology.clinic.portable import copy as copied

    _show("Equal on both:", copied(opened(source), opened(target)), as_json)


@db.command()
def backup(
    file: Path = typer.Argument(help="The file to write, such as clinic.jsonl.gz."),
    database: str = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Write everything into one file that any database can be restored from. It holds patients' data unencrypted."""
    from posology.clinic.backup import backup as kept

    _show(f"Kept in {file}:", kept(opened(database), file), as_json)


@db.command()
def restore(
    file: Path = typer.Argument(help="What `posology db backup` wrote."),
    database: str = DATABASE,
    as_json: bool = JSON,
) -> None:
    """Fill an empty database from a backup, once the file's checksum is right."""
    from posology.clinic.backup import restore as restored

    _show(f"Restored from {file}:", restored(opened(database), file), as_json)
