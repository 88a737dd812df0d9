"""`posology benchmark accuracy|checks|speed|finite|calibration|bedside|learners|clinic|faults`: how exact, fast and
reliable it all is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import typer

from posology.commands.benchmark_clinic import clinic, faults
from posology.commands.errors import known
from posology.commands.output import print_json, print_table
from posology.commands.progress import told

benchmark = typer.Typer(add_completion=False, help="Measure how exact and how fast engine, posteriors and learners are.")

benchmark.command()(clinic)
benchmark.command()(faults)

MODEL = typer.Argument(None, metavar="[MODEL]", help="A model's id; every model when not given.")
SEED = typer.Option(0, min=0, max=2**31 - 1, help="Seed of the cohort.")
JSON = typer.Option(False, "--json", help="Print JSON.")

SPEED_COLUMNS = (
    "model", "patient_days_per_s", "patient_days_per_core_s", "p99_relative_error", "max_relative_error", "ratio",
    "growth_exponent", "peak_fraction", "compile_seconds",
)  # fmt: skip
PEER_COLUMNS = ("problem", "learner", "envs", "seconds", "seconds_spent", "return_mean", "samples", "adapter_share", "counts")
COMPARED_COLUMNS = ("problem", "learner", "envs", "ours_seconds", "ratio", "ratio_at_least", "bar", "counts", "met")


def problems(model_id: str | None) -> list[Any]:
    """The problems asked for."""
    from posology.benchmarks.cohort import problem
    from posology.patients.catalogue import ids

    return [problem(known(model_id, ids(), "model"))] if model_id else [problem(m) for m in ids()]


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
def checks(model_id: str = MODEL, as_json: bool = JSON) -> None:
    """Printed values of each model beside those of SciPy and of the engine as shipped."""
    from posology.benchmarks.checks import rows
    from posology.patients.catalogue import MODELS

    chosen = [known(model_id, MODELS, "model with printed values")] if model_id else list(MODELS)
    found = [row for m in chosen for row in rows(MODELS[m])]
    show(found, ("model", "case", "quantity", "printed", "scipy", "engine", "met"), as_json)
    if not all(row["met"] for row in found):
        raise typer.Exit(1)


@benchmark.command()
def speed(
    model_id: str = MODEL,
    patients: int = typer.Option(4096, min=1, help="Patients of each model's cohort."),
    up_to: int = typer.Option(100_000, "--up-to", min=1, help="Patients of the largest cohort whose time is measured."),
    seed: int = SEED,
    as_json: bool = JSON,
) -> None:
    """Patient-days per second, errors, growth with patients, compiling, and the ratio per core to a plain Python loop.

    The loop is SciPy's LSODA, or the transition of a model in steps; after `make peers` the reference patient also meets
    diffrax. `posology evidence speed` keeps the numbers of all models, one after the other.
    """
    from posology.benchmarks.speed import measured, models, problem

    chosen = [known(model_id, models(), "model")] if model_id else models()
    rows = []
    with told("measuring", len(chosen)) as report:
        for i, each in enumerate(chosen):
            report("models", i)
            rows.append(measured(problem(each), patients, seed, up_to=up_to))
    if as_json:
        return print_json(rows)
    for row in rows:
        row["ratio"] = ", ".join(f"{name} {value:.0f}" for name, value in row["ratio_to"].items())
    show(rows, SPEED_COLUMNS, False)
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
    from posology.benchmarks.finite import finite as count

    [problem] = problems(model_id)
    with told("patients of", patients) as report:
        rows = [count(problem, patients, seed, report)]
    show(rows, ("model", "patients", "not_finite", "seconds", "patient_days_per_s"), as_json)


@benchmark.command()
def calibration(
    model_id: str = typer.Argument(None, metavar="[MODEL]", help="A model's id; every model with a design when not given."),
    data_sets: int = typer.Option(1000, min=10, help="Simulated patients."),
    seed: int = typer.Option(1, min=0, max=2**31 - 1, help="Seed of patients and noise."),
    as_json: bool = JSON,
) -> None:
    """How often 90 % bands hold the next measured value: MAP with Laplace intervals, and particles."""
    from posology.benchmarks.calibration import DESIGNS
    from posology.benchmarks.calibration import calibration as covered

    models = [known(model_id, DESIGNS, "model with a design")] if model_id else list(DESIGNS)
    rows = [{"model": m, "method": how, **covered(m, data_sets, how, seed=seed)} for m in models for how in ("map", "particles")]
    show(rows, ("model", "method", "data_sets", "coverage", "lower", "upper"), as_json)


@benchmark.command()
def bedside(
    policy: str = typer.Option("ensemble-greedy", help="An arm of paclitaxel-label-v1."),
    repeats: int = typer.Option(100, min=2, help="Answers timed of each kind."),
    cold: bool = typer.Option(False, "--cold", help="Use nothing that an earlier process compiled."),
    explained: bool = typer.Option(True, "--explain/--no-explain", help="Explanations too; a planner's take minutes."),
    as_json: bool = JSON,
) -> None:
    """Seconds until a process is ready, then milliseconds of a recommendation, four regimens side by side and an explanation.

    For a patient with three past cycles. What an earlier process compiled is used again, unless `--cold`. A process of `posology
    serve` has NPROC=1 and XLA_FLAGS="--xla_cpu_multi_thread_eigen=false --xla_cpu_use_fusion_emitters=false".
    """
    from posology.benchmarks.bedside import measure

    found = measure(policy, repeats, cold, explained)
    if as_json:
        return print_json(found)
    rows = [{**found, "what": what, **found[what]} for what in ("recommend", "what_if", "explain") if what in found]
    show(rows, ("what", "policy", "draws", "repeats", "boot_seconds", "first_ms", "p50_ms", "p95_ms", "core_p95_ms"), False)


@benchmark.command()
def learners(
    results: Path = typer.Option(Path("docs/results"), help="Where `posology evidence` wrote its results."),
    as_json: bool = JSON,
) -> None:
    """Return of each learner on each reference problem, with decisions and seconds, as last measured.

    On a treatment the seconds are those to close 95 % of the gap from the clinical rule; on a published problem those of
    the whole training. With Stable-Baselines3 where `posology evidence peers` has been made.
    """
    from posology.benchmarks import peers, problems
    from posology.benchmarks.learners import stored

    rows, others = [*stored(results), *problems.stored(results)], peers.stored(results)
    if as_json:
        return print_json([row | peers.beside(others, row) for row in rows])
    columns = ("problem", "learner", "return_mean", "lower", "upper", "seeds", "samples", "seconds", "reference")
    show(rows, columns, False)
    if others:
        print("\nStable-Baselines3 to the same level, and ours, on one core:")
        show(others["rows"], PEER_COLUMNS, False)
        show(others["compared"], COMPARED_COLUMNS, False)
