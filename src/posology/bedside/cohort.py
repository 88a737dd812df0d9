"""Many patients at once: each one's own parameters by MAP, and whether the model describes the cohort."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from posology.bedside import predictive
from posology.bedside.individualise import about
from posology.bedside.methods import FLAT, NORMAL_90
from posology.bedside.subject import Subject, of_records, subject
from posology.data.record import Record
from posology.patients import past, posterior
from posology.patients.course import Frame, Increment
from posology.patients.model import PatientModel
from posology.patients.prior import Prior

CHUNK = 256  # patients at once


def individualise_all(
    model: PatientModel, records: Sequence[Record], at: str | float | None = None, check: bool = False
) -> dict[str, Any]:
    """Parameters of every patient, and over all: spread, shrinkage and, with `check`, predictive checks.

    Raises:
        ValueError: naming the first record that the model cannot be asked about.
    """
    model = of_records(model)
    subjects = [subject(record, model, at) for record in records]
    rows = [row for same in _alike(subjects) for row in _fitted(Prior(model, same[0].measured), same)]
    place = {s.id: i for i, s in enumerate(subjects)}
    rows.sort(key=lambda row: place[row["id"]])
    notes = Counter(note for s in subjects for note in s.notes)
    return {
        "model": model.id,
        "method": "map",
        "patients": len(subjects),
        "measurements": sum(len(s.measurements) for s in subjects),
        "below": sum(m.below for s in subjects for m in s.measurements),
        "converged": sum(row["converged"] for row in rows),
        "parameters": _over_all(model, rows),
        "individuals": rows,
        "units": dict(model.reading_units),
        "checks": _checks(model, subjects) if check else {},
        "assumed": [note if n == len(subjects) else f"{note} ({n} of {len(subjects)} patients)" for note, n in notes.items()],
        **about(model),
    }


def _alike(subjects: Sequence[Subject]) -> list[list[Subject]]:
    """Subjects of whom the same is known without error."""
    groups: dict[tuple[str, ...], list[Subject]] = {}
    for s in subjects:
        groups.setdefault(s.measured, []).append(s)
    return list(groups.values())


def columns(subjects: Sequence[Subject]) -> tuple[dict[str, np.ndarray], Increment, Frame]:
    """Covariates by name, `[N]`, and the stretches of all with a leading axis."""
    names = subjects[0].covariates
    whole, frame = past.together([(s.past, s.frame) for s in subjects])
    return {n: np.array([s.covariates[n] for s in subjects], np.float32) for n in names}, whole, frame


def _fitted(prior: Prior, subjects: Sequence[Subject]) -> list[dict[str, Any]]:
    covariates, whole, frame = columns(subjects)

    def one(covariates: Any, mine: Increment) -> Any:
        typical = prior.typical(covariates)
        fitted = posterior.fit(prior, frame, typical, mine)
        spread = jax.numpy.asarray(prior.factor, np.float32) @ fitted.factor[: len(prior.names)]
        centre, sd = posterior.effects(prior, typical, fitted.mode), jax.numpy.sqrt(jax.numpy.sum(spread**2, axis=1))
        value = jax.numpy.stack([*(getattr(typical.own, n) for n in prior.names), jax.numpy.float32(0)])[:-1]
        return value, typical.mean, centre, sd, fitted.slope, fitted.objective

    run = jax.jit(jax.vmap(one))
    parts = [run(*part) for part in predictive.chunks((covariates, whole), len(subjects), CHUNK)]
    found = [np.concatenate([np.asarray(p[i]) for p in parts]) for i in range(6)]
    return [_row(prior, s, *(column[i] for column in found)) for i, s in enumerate(subjects)]


def _row(prior: Prior, s: Subject, value: Any, mean: Any, centre: Any, sd: Any, slope: Any, objective: Any) -> dict[str, Any]:
    before = np.sqrt(np.diag(prior.factor @ prior.factor.T))
    own = {
        name: {
            "typical": float(value[i] * np.exp(mean[i])), "estimate": float(value[i] * np.exp(centre[i])),
            "lower": float(value[i] * np.exp(centre[i] - NORMAL_90 * sd[i])),
            "upper": float(value[i] * np.exp(centre[i] + NORMAL_90 * sd[i])),
            "sd_left": float(sd[i] / before[i]), "effect": float(centre[i] - mean[i]),
        }
        for i, name in enumerate(prior.names)
    }  # fmt: skip
    settled = bool(slope < FLAT and np.isfinite(objective))
    return {"id": s.id, "measurements": len(s.measurements), "gradient": float(slope), "converged": settled, "parameters": own}


def _over_all(model: PatientModel, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Per parameter: the middle and the 5 to 95 % range of the estimates, the shrinkage of the effects
    (1 − their SD over that of the model) and the mean share of the prior's SD that is left."""
    numbers = model.own.numbers  # type: ignore[attr-defined]
    table = []
    for name, variance in model.random_effects.items():
        mine = [row["parameters"][name] for row in rows if name in row["parameters"]]
        if not mine:
            continue
        low, middle, high = np.percentile([m["estimate"] for m in mine], (5, 50, 95)).tolist()
        spread = float(np.std([m["effect"] for m in mine], ddof=1)) if len(mine) > 1 else 0.0
        row = {"symbol": name, "meaning": numbers[name].meaning, "unit": numbers[name].unit, "patients": len(mine)}
        row |= {"typical": float(np.median([m["typical"] for m in mine])), "median": middle, "p5": low, "p95": high}
        table.append({**row, "shrinkage": 1 - spread / variance**0.5, "sd_left": float(np.mean([m["sd_left"] for m in mine]))})
    return table


def _checks(model: PatientModel, subjects: Sequence[Subject]) -> dict[str, Any]:
    """Per reading: the numbers of both checks."""
    found: dict[str, dict[str, list[Any]]] = {}
    for same in _alike(subjects):
        covariates, whole, frame = columns(same)
        drawn, typical = predictive.replicates(Prior(model, same[0].measured), frame, covariates, whole)
        for i, s in enumerate(same):
            _add(found, model, s, jax.tree.map(lambda v, i=i: v[i], whole), drawn[i], typical[i])
    return {name: _check(columns) for name, columns in found.items()}


def _add(found: dict[str, Any], model: PatientModel, s: Subject, mine: Increment, drawn: np.ndarray, typical: np.ndarray) -> None:
    start = np.cumsum(mine.span, dtype=float) - mine.span
    time = start[:, None] + mine.time
    for i, name in enumerate(model.reading_units):
        here = mine.present & ~mine.below & (mine.reading == i)
        if not here.any():
            continue
        values = {"time": time[here], "value": mine.value[here], "typical": typical[here], "drawn": drawn[:, here]}
        values["error"] = predictive.npde(values["value"], values["drawn"])
        for key, value in values.items():
            found.setdefault(name, {}).setdefault(key, []).append(value)


def _check(columns: dict[str, list[Any]]) -> dict[str, Any]:
    time, value, typical, error = (np.concatenate(columns[k]) for k in ("time", "value", "typical", "error"))
    drawn = np.concatenate(columns["drawn"], axis=1)
    spread = error.std(ddof=1) if len(error) > 1 else None
    errors = {"time": time, "predicted": drawn.mean(axis=0), "errors": error, "mean": error.mean(), "sd": spread}
    return {"replicates": len(drawn), "vpc": predictive.vpc(time, value, typical, drawn), "npde": errors}
