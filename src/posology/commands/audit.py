"""`posology audit verify`: was a row of the audit trail edited, deleted, swapped, inserted or cut off?"""

from __future__ import annotations

import re

import typer

from posology.commands.db import DATABASE, JSON, opened
from posology.commands.errors import COULD_NOT
from posology.commands.output import print_json

audit = typer.Typer(add_completion=False, help="Look after the clinic's audit trail.")


@audit.callback()
def _group() -> None:
    """A group, also while it has one verb."""


@audit.command()
def verify(
    database: str = DATABASE,
    noted: str = typer.Option(None, "--head", metavar="COUNT:HASH", help="A head noted earlier, which must still be there."),
    as_json: bool = JSON,
) -> None:
    """Go through the chain of audit rows; exit 1 and the number of the row where it does not hold."""
    if noted is not None and not re.fullmatch(r"[1-9]\d{0,17}:[0-9a-f]{64}", noted):
        raise typer.BadParameter("--head is the count and the hash that an earlier `posology audit verify` printed")
    from posology.clinic.audit import verify as verified

    count, _, hash_ = (noted or "0:").partition(":")
    found = verified(opened(database), (int(count), hash_) if noted else None)
    good = found.fault is None
    if as_json:
        told = {"ok": good, "rows": found.rows, "head": f"{found.count}:{found.hash}", "row": found.row, "fault": found.fault}
        print_json(told)
    elif good:
        print(f"The chain of {found.rows} rows holds. Note its head elsewhere: {found.count}:{found.hash}")
    else:
        print(f"The chain does not hold: {found.fault}.")
    if not good:
        raise typer.Exit(COULD_NOT)
