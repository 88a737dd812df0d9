"""`posology evidence [PLAN]`: make or go on with the evidence in docs/results."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known, writable
from posology.commands.output import print_json


def state(name: str, results: Path) -> dict[str, Any]:
    """Whether a plan's result is there and whole, and which arms it still lacks."""
    from posology.benchmarks import tables

    path = results / f"{name}.json"
    if not path.is_file():
        return {"done": False, "without": []}
    found = json.loads(path.read_text(encoding="utf-8"))
    without = tables.missing(found) if "arms" in found else []
    return {"done": not without, "without": without}


def line(state: Mapping[str, Any]) -> str:
    """One plan for a reader."""
    if state["without"]:
        return f"{state['plan']} (without {', '.join(state['without'])})"
    return state["plan"] + (" (done)" if state["done"] else "")


def evidence(
    plan: str = typer.Argument(None, help="One plan only; all of them when not given."),
    patients: int = typer.Option(10_000, min=2, help="Virtual patients of each trial."),
    seeds: int = typer.Option(3, min=1, help="Trainings per learner."),
    updates: int = typer.Option(0, min=0, help="Updates of each training; its own number when 0."),
    learner: list[str] = typer.Option([], "--learner", help="Learn only these, beside those that are there; repeat it."),
    skip: list[str] = typer.Option([], "--skip", help="Baselines to leave out, such as the slow map-greedy; repeat it."),
    minutes: float = typer.Option(0.0, min=0, help="Stop after so long and go on with the next call; 0: never."),
    runs: Path = typer.Option(Path("runs/evidence"), help="Where parts are kept."),
    results: Path = typer.Option(Path("docs/results"), help="Where results are written."),
    listed: bool = typer.Option(False, "--list", help="Only say which plans there are and which are done or lack arms."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Make the evidence: train, try and time, keeping every part, and write docs/results."""
    from posology.benchmarks import evidence as making
    from posology.benchmarks import readme

    plans = making.plans()
    chosen = [known(plan, plans, "plan")] if plan else list(plans)
    if listed:
        states = [{"plan": name, **state(name, results)} for name in chosen]
        return print_json(states) if as_json else print("\n".join(map(line, states)))
    from posology.environments.catalogue import PROBLEMS, TREATMENTS
    from posology.learners.catalogue import LEARNERS

    left_out = tuple(known(name, {b for t in TREATMENTS.values() for b in t.baselines}, "baseline") for name in skip)
    learners = tuple(known(name, {**making.TRAININGS, **LEARNERS}, "learned arm") for name in learner)
    writable(runs, "--runs", folder=True)
    writable(results, "--results", folder=True)
    effort = making.Effort(patients, 20, seeds, updates, learners, left_out, runs, results)
    tell = making.clock(minutes, lambda text: print(text, file=sys.stderr, flush=True))
    written = []
    for name in chosen:
        try:
            written.append(str(making.write(name, plans[name](effort, tell), results)))
        except making.Unfinished as why:
            raise ValueError(f"{name}: {why}") from None
        if name.split("--")[0] in {*TREATMENTS, *PROBLEMS} and Path("README.md").is_file():
            readme.write(Path("README.md"), results)
        if not as_json:
            print(written[-1], flush=True)
    if as_json:
        print_json(written)
