"""One patient's own parameters from his record, by any method, in plain data for people and programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from posology.bedside.methods import AFTER_ALL, Bands, Estimated, estimate
from posology.bedside.sentences import DISCLAIMER
from posology.bedside.subject import Subject, of_records, subject
from posology.data.record import Record
from posology.patients.course import Increment
from posology.patients.model import PatientModel
from posology.patients.prior import Prior
from posology.quantities import numbers_of

POINTS = 240  # of a curve over the whole course, about


def individualise(
    model: PatientModel, record: Record, at: str | float | None = None, ahead: float = 0.0, method: str = "map"
) -> dict[str, Any]:
    """Parameters, predictions and curves of one patient.

    Args:
        at: what is known at this time counts (the last entry unless given).
        ahead: hours after it to follow, under the doses that are planned.
        method: one of `methods.METHODS`.

    Raises:
        ValueError: for a record that the model cannot be asked about.
    """
    model = of_records(model)
    s = subject(record, model, at, ahead)
    prior = Prior(model, s.measured)
    typical = prior.typical(s.covariates)
    shown = list(dict.fromkeys(m.reading for m in s.measurements)) or [next(iter(model.reading_units))]
    dense, offsets = _dense(model, s, shown)
    found = estimate(prior, s.frame, typical, s.past, dense, method)
    measurements = _measurements(model, s, found.bands)
    return {
        "model": model.id,
        "patient": s.id,
        "method": method,
        "time": s.at,
        "until": s.until,
        "covariates": s.covariates,
        "parameters": _parameters(prior, typical, found),
        "known": {model.covariate(name).sets: s.covariates[name] for name in s.measured},
        "measurements": measurements,
        "prediction": "knows all measurements" if AFTER_ALL[method] else "was made at the dose before the measurement",
        "inside": sum(m["inside"] for m in measurements),
        "convergence": found.convergence,
        "doses": [
            {"time": d.time, "mg": d.amount, "duration": d.duration, "planned": d.time > s.at} for d in s.doses if d.recorded
        ],
        "curves": {name: _curve(model, s, found, offsets, i, name) for i, name in enumerate(shown)},
        "assumed": list(s.notes),
        **about(model),
    }


def about(model: PatientModel) -> dict[str, Any]:
    """What a reader must know of a model's numbers before he believes an answer."""
    numbers = {k: n.status for k, n in numbers_of(model.Params).items()}
    numbers |= {f"residual error of {k}": r.status for k, r in model.residuals.items()}
    return {
        "status": model.status,
        "not_verified": {k: v for k, v in numbers.items() if v != "verified"},
        "credibility": model.credibility,
        "source": model.source,
        "not_for": model.not_for,
        "disclaimer": DISCLAIMER,
    }


def _dense(model: PatientModel, s: Subject, shown: list[str]) -> tuple[Increment, np.ndarray]:
    """The stretches with the times of curves added, close after a dose and wider later, and these times
    from the start of each stretch, `[T, G]`."""
    stretches, most = s.past.present.shape
    fractions = np.linspace(0, 1, int(np.clip(POINTS // stretches, 4, 80)) + 1)[1:] ** 2
    offsets = np.outer(s.past.span, fractions).astype(np.float32)
    names = list(model.reading_units)
    width = len(shown) * len(fractions)
    reading = np.repeat([names.index(name) for name in shown], len(fractions))
    added = {
        "time": np.tile(offsets, (1, len(shown))),
        "reading": np.tile(reading, (stretches, 1)).astype(np.int32),
        "value": np.ones((stretches, width), np.float32),
        "below": np.zeros((stretches, width), bool),
        "present": np.ones((stretches, width), bool),
    }
    dense = s.past._replace(**{k: np.concatenate([getattr(s.past, k), v], axis=1) for k, v in added.items()})
    return dense, offsets


def _parameters(prior: Prior, typical: Any, found: Estimated) -> list[dict[str, Any]]:
    """Rows of the table, the parameter that the record says most about first."""
    before = np.sqrt(np.diag(prior.factor @ prior.factor.T))
    numbers = prior.model.own.numbers  # type: ignore[attr-defined]
    rows = []
    for i, name in enumerate(prior.names):
        columns = (typical.mean, found.lower, found.centre, found.upper)
        centre, low, middle, high = (float(getattr(typical.own, name)) * float(np.exp(v[i])) for v in columns)
        left = float(found.sd[i] / before[i])
        row = {"symbol": name, "meaning": numbers[name].meaning, "unit": numbers[name].unit, "typical": centre}
        rows.append({**row, "estimate": middle, "lower": low, "upper": high, "sd_left": left})
    return sorted(rows, key=lambda row: row["sd_left"])


def _measurements(model: PatientModel, s: Subject, bands: Bands) -> list[dict[str, Any]]:
    """Each measurement with its prediction: the median and 90 % band of a measured value."""
    present = s.past.present
    columns = bands.measured[:, :, : present.shape[1]][:, present]
    rows = []
    for m, (low, middle, high) in zip(s.measurements, columns.T.astype(float).tolist(), strict=True):
        inside = low <= m.value if m.below else low <= m.value <= high
        row = {"time": m.time, "reading": m.reading, "unit": model.reading_units[m.reading], "value": m.value, "below": m.below}
        rows.append({**row, "predicted": middle, "lower": low, "upper": high, "inside": bool(inside)})
    return rows


def _curve(model: PatientModel, s: Subject, found: Estimated, offsets: np.ndarray, index: int, name: str) -> dict[str, Any]:
    """10, 50 and 90 % of a reading over time, before and after the measurements."""
    stretches, points = len(s.begins), offsets.shape[1]
    first = s.past.present.shape[1] + index * points
    time = (s.begins[:, None] + offsets[:stretches]).ravel()

    def rows(bands: Bands) -> dict[str, list[float]]:
        values = bands.true[:, :stretches, first : first + points].reshape(3, -1)
        return {f"p{q}": v.astype(float).tolist() for q, v in zip((10, 50, 90), values, strict=True)}

    unit = model.reading_units[name]
    return {"unit": unit, "time": time.tolist(), "prior": rows(found.prior), "posterior": rows(found.bands)}
