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
    """Go through the chain of audit rows, then through the records they were written for.

    Exit 1 with the number of the row where the chain does not hold, or the records that were altered.
    """
    if noted is not None and not re.fullmatch(r"[1-9]\d{0,17}:[0-9a-f]{64}", noted):
        raise typer.BadParameter("--head is the count and the hash that an earlier `posology audit verify` printed")
    from posology.clinic.audit import verify as verified
    from posology.clinic.store import altered

    count, _, hash_ = (noted or "0:").partition(":")
    engine = opened(database)
    found = verified(engine, (int(count), hash_) if noted else None)
    changed = list(altered(engine))
    good, head = found.fault is None and not changed, f"{found.count}:{found.hash}"
    if as_json:
        print_json({"ok": good, "rows": found.rows, "head": head, "row": found.row, "fault": found.fault, "altered": changed})
    elif good:
        print(f"The chain of {found.rows} rows holds, and so do the records. Note its head elsewhere: {head}")
    else:
        chain = [f"The chain does not hold: {found.fault}."] if found.fault else []
        print("\n".join([*chain, *(f"Behind its back: {what}." for what in changed)]))
    if not good:
        raise typer.Exit(COULD_NOT)
