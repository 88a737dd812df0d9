"""`posology benchmark learners`: what every learner reached, and how long it took."""

from __future__ import annotations

from pathlib import Path

import typer

from posology.commands.output import print_json, print_table

COLUMNS = ("problem", "learner", "return_mean", "lower", "upper", "seeds", "samples", "seconds", "reference")


def learners(
    results: Path = typer.Option(Path("docs/results"), help="Where `posology evidence learners` wrote its result."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Return of each learner, and the time to close 95 % of the gap from the clinical rule, as last measured."""
    from posology.benchmarks.learners import stored

    rows = stored(results)
    if as_json:
        return print_json(rows)
    print_table("Learners, 95 % intervals", COLUMNS, [[row[c] for c in COLUMNS] for row in rows])
