"""`posology forecast MODEL --cohort FILE`: how well a model foresees real patients."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known, writable
from posology.commands.output import print_json, print_table


def forecast(
    model_id: str = typer.Argument(metavar="MODEL", help="nsclc-claret2014 for lesions; a prostate model for PSA."),
    cohort: Path = typer.Option(..., "--cohort", help="Lesions: a CSV. Men: a folder of patient*.txt, or one of them."),
    folds: int = typer.Option(0, min=0, help="Fit the population anew without each of so many parts; 0: that which ships."),
    write_prior: Path = typer.Option(None, "--write-prior", help="Fit the population to the whole cohort and write it here."),
    prior: Path = typer.Option(None, "--prior", help="A population that --write-prior wrote, instead of the one that ships."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Forecast the last readings of real patients from those before, and score them. Research use only."""
    from posology.evaluation.forecasts import cohorts

    known(model_id, cohorts.FORECAST, "model")
    if not cohort.exists():
        raise typer.BadParameter(f"{cohort} is not there", param_hint="--cohort")
    if folds == 1:
        raise typer.BadParameter("1 leaves nobody to fit to; 0, or 2 and more", param_hint="--folds")
    tell = lambda text: print(text, file=sys.stderr, flush=True)  # noqa: E731
    if write_prior:
        writable(write_prior, "--write-prior")
        found = cohorts.fitted(model_id, cohorts.read(model_id, cohort)[0])
        write_prior.write_text(json.dumps({"model": model_id, **found}, indent=2) + "\n", encoding="utf-8")
        return print_json({"prior": str(write_prior)}) if as_json else print(write_prior)
    made = cohorts.table(model_id, cohort, folds, cohorts.population(model_id, prior) if prior else None, tell)
    print_json(made) if as_json else show(made)


def show(made: Mapping[str, Any]) -> None:
    """The scores for a reader."""
    title = f"{made['model']}: {made['forecasts']} forecasts of {made['patients']} patients, in {made['unit']}"
    said = lambda v: f"{v['value']:.3g} ({v['lower']:.3g} to {v['upper']:.3g})"  # noqa: E731
    rows = [[name, said(e["mean"]), said(e["median"])] for name, e in made["errors"].items()]
    print_table(title, ["absolute error (95 % interval over patients)", "mean", "median"], rows)
    for level, share in made["coverage"].items():
        held = " to ".join(f"{100 * share[k]:.1f}" for k in ("lower", "upper"))
        print(f"Of the intervals of {level} %, {100 * share['value']:.1f} % hold the truth ({held}).")
    if found := made["relapse_auc"]:
        print(f"Relapse, {found['with']} of {found['of']} men: area under the curve {said(found)}.")
    for said_out in made["left_out"]:
        print(f"Left out: {said_out}.")
    print("Research use only.")
