"""`posology screenshots`: pictures of every page of the clinic's demo."""

from __future__ import annotations

from pathlib import Path

import typer

from posology.commands.errors import writable
from posology.commands.output import print_json


def screenshots(
    out: Path = typer.Option(Path("screenshots"), help="Folder of the PNG files."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Start the demo, walk its pages as clinician, researcher, auditor and admin, and draw each in light and dark."""
    from posology.benchmarks.screenshots import pictures

    writable(out, "--out", folder=True)
    rows = []
    for path, scheme, status, file in pictures(out):
        rows.append({"page": path, "scheme": scheme, "status": status, "file": str(file) if file else None})
        if not as_json:
            print(file or f"{path}: left out, it answers {status}", flush=True)
    if as_json:
        print_json(rows)
