"""`posology simulate MODEL --case case.json`: one patient, fixed doses, fixed times."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import typer

from posology.commands.errors import known
from posology.commands.output import print_json, print_table, short


def read_json(path: Path) -> Any:
    """The JSON in a file, with one sentence for whatever is wrong with it."""
    from posology.data.readers.text import load

    try:
        return json.loads(load(path))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: not valid JSON at line {error.lineno}, column {error.colno}: {error.msg}") from None


def simulate(
    model_id: str = typer.Argument(metavar="MODEL", help="A model's id (see `posology list models`)."),
    case_file: Path = typer.Option(..., "--case", help="The case: patient, doses and times, as JSON."),
    precise: bool = typer.Option(False, "--precise", help="In double precision, on finer steps."),
    as_json: bool = typer.Option(False, "--json", help="Print JSON."),
) -> None:
    """Simulate one patient under fixed doses and print states and readings at the times asked for."""
    from posology.patients import case as cases
    from posology.patients import catalogue, map_case

    known(model_id, (*catalogue.ids(), *catalogue.MAPS), "model")
    model: Any = catalogue.MAPS.get(model_id) or catalogue.model(model_id)
    raw = read_json(case_file)
    if not isinstance(raw, dict):
        raise ValueError(f"{case_file}: expected an object, got {type(raw).__name__}")
    if raw.get("model", model.id) != model.id:
        raise ValueError(f"{case_file}: the case is for '{raw['model']}', not for '{model.id}'")
    steps = model.kind == "map"
    result = map_case.simulate(model, raw, precise) if steps else cases.simulate(cases.read(model, raw), precise)
    if as_json:
        return print_json(result)
    columns = {**result["readings"], **result["states"]}
    header = [f"time ({result['time_unit']})", *(f"{k} ({result['units'][k]})" for k in columns)]
    if "survival" in result:
        columns["alive"] = result["survival"]["alive"]
        header.append("share alive")
    rows = [[short(t), *(short(v[i]) for v in columns.values())] for i, t in enumerate(result["times"])]
    print_table(model.title, header, rows)
