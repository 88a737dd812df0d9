"""`posology report TRIAL.json --out report.html`: the report of a trial from what `trial --json` printed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known, patients_of, writable
from posology.commands.output import print_json
from posology.commands.simulate import read_json

NEEDED = (
    "treatment", "fingerprint", "patients", "seed", "draws", "training_seeds", "arms", "paired", "regret", "per_cycle",
    "subgroups", "limits_hit", "anc",
)  # fmt: skip


def table_of(path: Path) -> dict[str, Any]:
    """The trial table in a file.

    Raises:
        ValueError: naming what it lacks.
    """
    table = read_json(path)
    if not isinstance(table, dict):
        raise ValueError(f"{path}: expected the object that `posology trial --json` prints, got {type(table).__name__}")
    if missing := [name for name in NEEDED if name not in table]:
        raise ValueError(f"{path}: {', '.join(missing)} missing; a report needs all that `posology trial --json` prints")
    return table


def report(
    trial_file: Path = typer.Argument(metavar="TRIAL.json", help="What `posology trial --json` printed."),
    out: Path = typer.Option(..., help="The HTML file to write."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Write the HTML report of a trial again from its JSON."""
    from posology.commands.trial import about
    from posology.evaluation.shifts import SHIFTS

    writable(out, "--out")
    table = table_of(trial_file)
    treatment = patients_of(table["treatment"])
    if shift := table.get("shift"):
        known(shift, SHIFTS, "shift")
    from posology.figures.report import write_report

    command = f"posology report {trial_file.name} --out {out.name}"
    try:
        write_report(out, table, about(treatment, list(table["arms"]), shift, command))
    except (KeyError, TypeError, AttributeError) as problem:
        raise ValueError(f"{trial_file}: the table is incomplete or damaged ({problem})") from None
    print_json({"report": str(out)}) if as_json else print(f"Report: {out}")
