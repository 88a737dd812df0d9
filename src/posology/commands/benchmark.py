"""`posology benchmark accuracy|speed|finite [MODEL]`: how exact and how fast the engine is."""

from __future__ import annotations

from typing import Any

import typer

from posology.commands.benchmark_learners import learners
from posology.commands.errors import known
from posology.commands.output import print_json, print_table
from posology.commands.progress import told

benchmark = typer.Typer(add_completion=False, help="Measure how exact and how fast the engine is.")

MODEL = typer.Argument(None, metavar="[MODEL]", help="A model's id; every model with a cohort when not given.")
SEED = typer.Option(0, min=0, help="Seed of the cohort.")
JSON = typer.Option(False, "--json", help="Print JSON.")


def problems(model_id: str | None) -> list[Any]:
    """The problems asked for."""
    from posology.benchmarks.cohort import PROBLEMS

    return [PROBLEMS[known(model_id, PROBLEMS, "model with a cohort")]] if model_id else list(PROBLEMS.values())


def show(rows: list[dict[str, Any]], columns: tuple[str, ...], as_json: bool) -> None:
    """One row per model."""
    if as_json:
        return print_json(rows)
    print_table("", [c.replace("_", " ") for c in columns], [[row[c] for c in columns] for row in rows])


@benchmark.command()
def accuracy(
    model_id: str = MODEL,
    patients: int = typer.Option(64, min=1, help="Patients of each model's cohort."),
    precise: bool = typer.Option(False, "--precise", help="In float64 on finer steps."),
    seed: int = SEED,
    as_json: bool = JSON,
) -> None:
    """Errors of a cohort under standard doses against SciPy at a relative tolerance of 1e-12."""
    from posology.benchmarks.accuracy import measured

    rows = [measured(p, patients, seed, precise) for p in problems(model_id)]
    columns = ("model", "patients", "p99_relative_error", "bar_p99", "max_relative_error", "bar_max", "met")
    show(rows, columns, as_json)


@benchmark.command()
def speed(
    model_id: str = MODEL,
    patients: int = typer.Option(4096, min=1, help="Patients of each model's cohort."),
    seed: int = SEED,
    as_json: bool = JSON,
) -> None:
    """Patient-days per second, and the ratio per core to SciPy and, after `make peers`, to diffrax."""
    from posology.benchmarks.speed import measured

    rows = [measured(p, patients, seed) for p in problems(model_id)]
    if as_json:
        return print_json(rows)
    for row in rows:
        row["ratio"] = ", ".join(f"{name} {value:.0f}" for name, value in row["ratio_to"].items())
    columns = ("model", "patients", "patient_days_per_s", "patient_days_per_core_s", "p99_relative_error", "ratio")
    show(rows, columns, False)
    for row in rows:
        if isinstance(row.get("diffrax"), str):
            print(f"diffrax: {row['diffrax']}")


@benchmark.command()
def finite(
    model_id: str = typer.Argument("paclitaxel-henrich2017", metavar="[MODEL]", help="A model's id."),
    patients: int = typer.Option(1_000_000, min=1, help="Patients, computed in chunks."),
    seed: int = SEED,
    as_json: bool = JSON,
) -> None:
    """How many patients of a very large cohort end with a number that is not finite."""
    from posology.benchmarks.speed import finite as count

    [problem] = problems(model_id)
    with told("patients of", patients) as report:
        rows = [count(problem, patients, seed, report)]
    show(rows, ("model", "patients", "not_finite", "seconds", "patient_days_per_s"), as_json)


benchmark.command()(learners)
