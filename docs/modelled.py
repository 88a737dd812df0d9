"""What a model's page shows beside its numbers: the reference patient under the usual doses, and the printed values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import learned
import numpy as np

from posology.benchmarks import checks, tables
from posology.figures import style
from posology.figures.courses import courses
from posology.patients import maps
from posology.patients.catalogue import MAPS, MODELS

SHARES = {"no dose": 0.0, "half the usual dose": 0.5, "usual dose": 1.0, "twice the usual dose": 2.0}
SWITCHED = ("no dose", "usual dose")  # of a drug that is on or off, whose amount is a time
POINTS, STEPS = 240, 60


def figure(model_id: str) -> Any:
    """The reference patient under none, half, the usual and twice the usual doses."""
    time, lines = in_steps(MAPS[model_id]) if model_id in MAPS else by_equations(MODELS[model_id])
    model = MAPS.get(model_id) or MODELS[model_id]
    told = "The reference patient, without random effects, under the usual doses and multiples of them."
    return courses(time, lines, model.reading_units, time_unit=model.time_unit, title=model.title, subtitle=told)


def by_equations(model: Any) -> tuple[np.ndarray, dict[str, dict[str, list[float]]]]:
    """Times, and each reading under every dose."""
    r = model.regimen
    p, start = checks.patient(model, {"covariates": {c.name: c.default for c in model.covariates if c.default is not None}})
    each = r.amount * (model.covariate(r.per).default if r.per else 1.0)
    time = np.linspace(0.0, r.every * r.times, POINTS)
    lines: dict[str, dict[str, list[float]]] = {name: {} for name in model.reading_units}
    switched = not model.entries[model.entry].state and model.dose_unit == model.time_unit
    for label, share in SHARES.items():
        if switched and label not in SWITCHED:
            continue
        doses = [(k * r.every, share * each, r.duration) for k in range(r.times)] if share else []
        course = checks.solve(model, p, doses, float(time[-1]), start=start)
        for name in lines:
            lines[name][label] = [course.reading(name, t) for t in time]
    return time, lines


def in_steps(model: Any) -> tuple[np.ndarray, dict[str, dict[str, list[float]]]]:
    """The same for a model in steps, without chance."""
    p = model.individual(model.Params(), {c.name: c.default for c in model.covariates})
    lines: dict[str, dict[str, list[float]]] = {name: {} for name in model.reading_units}
    for label, share in SHARES.items():
        inputs = [{name: share * v for name, v in model.usual(k).items()} for k in range(STEPS)]
        states = maps.plain(model, p, model.baseline(p), inputs)
        for name in lines:
            lines[name][label] = [float(model.readings(x, p)[name]) for x in states]
    return np.arange(STEPS + 1) * model.step, lines


def printed(model_id: str) -> list[list[Any]]:
    """Rows of a model's printed values: case, quantity, printed, by SciPy, by the engine, met, source."""
    keys = ("case", "quantity", "printed", "scipy", "engine")
    return [[*(r[k] for k in keys), "yes" if r["met"] else "no", r["source"]] for r in checks.rows(MODELS[model_id])]


def measured() -> list[dict[str, Any]]:
    """Rows of `posology evidence speed`, none before it was made."""
    found = learned.read(Path(__file__).parent / "results", "speed")
    return found["rows"] if found else []


def speed(model_id: str) -> str:
    """What was measured of a model, as a sentence."""
    return next((tables.speed_of(row) for row in measured() if row["model"] == model_id), "")


def speeds() -> str:
    """The same of all models."""
    rows = measured()
    return tables.speeds(rows) + "\n" if rows else "Not measured yet; `posology evidence speed` does it.\n"


def drawn(folder: Path, model_id: str) -> str:
    """Write the figure beside the pages, and the line that shows it."""
    (folder / f"{model_id}.svg").write_text(style.svg(figure(model_id)), encoding="utf-8")
    return f"![{model_id} under the usual doses]({model_id}.svg)\n"
