"""What a record does not hold: what was assumed instead, and which measurement would say most.

A measurement of a reading at the time asked would narrow the prediction by 1 − √(1 − r²), where r is
the correlation over the posterior's draws between ln of what would be measured, residual error
included, and ln of what is predicted.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np

from posology.bedside.believed import Believed, parameters
from posology.bedside.doser import lacks
from posology.environments.records import Known
from posology.environments.treatment import Treatment
from posology.patients.likelihood import observed
from posology.patients.prior import Prior
from posology.safety.limits import Facts

WORTH = 0.05  # share of the prediction's SD below which a measurement is not proposed


def missing(treatment: Treatment, known: Known, patient: Believed, facts: Facts, predicted: np.ndarray) -> list[dict[str, Any]]:
    """Covariates and facts that the record lacks, with what was assumed, then measurements worth making.

    `predicted[K]` is the key reading that the decision turns on, one value per draw.
    """
    rows: list[dict[str, Any]] = []
    for c in treatment.model.covariates:
        if c.name not in known.latest:
            unit = "" if c.unit == "1" else f" {c.unit}"
            said = "not assumed: it stays uncertain" if c.default is None else f"{c.default:g}{unit} was assumed"
            rows.append(_row(c.name, "covariate", c.unit, c.default, f"{c.name} ({c.meaning}) is missing; {said}"))
    named = {row["name"] for row in rows}
    for limit in treatment.limits:
        for name in lacks(limit, facts):
            if name not in named and limit.when_missing != "ignore" and name != "days_since_dose":
                named.add(name)
                said = f"the limit {limit.id} needs {name}, which the record does not hold"
                rows.append(_row(name, "fact", None, None, said))
    return rows + [row for row in _measurements(treatment, patient, predicted) if row["narrows"] >= WORTH]


def _row(name: str, kind: str, unit: str | None, assumed: float | None, sentence: str) -> dict[str, Any]:
    return {"name": name, "kind": kind, "unit": unit, "assumed": assumed, "sentence": sentence}


def _measurements(treatment: Treatment, patient: Believed, predicted: np.ndarray) -> list[dict[str, Any]]:
    log_weight = patient.belief.log_weight
    values = _readings(patient.believer.prior, len(log_weight))(patient.typical, patient.belief)
    weight, rows = np.exp(np.asarray(log_weight, np.float64)), []
    for name, value in values.items():
        share = _narrowing(np.log(np.maximum(np.asarray(value), 1e-6)), np.log(np.maximum(predicted, 1e-6)), weight)
        what = f"the {treatment.key} at the next visit" if treatment.window else f"the lowest {treatment.key}"
        said = f"measuring {name} now would narrow the prediction of {what} by about {100 * share:.0f} %"
        unit = treatment.model.reading_units[name]
        rows.append(_row(name, "measurement", unit, None, said) | {"narrows": share})
    return sorted(rows, key=lambda row: -row["narrows"])


@lru_cache(maxsize=32)
def _readings(prior: Prior, draws: int) -> Any:
    """What each draw would measure now, per reading with a residual error."""
    names = [name for name in prior.model.reading_units if name in prior.model.residuals]
    z = jax.random.normal(jax.random.key(13), (len(names), draws, 3))

    def readings(typical: Any, belief: Any) -> dict[str, Any]:
        own = parameters(prior, typical, belief)
        truth = jax.vmap(prior.model.readings)(belief.x, own)
        return {n: jax.vmap(lambda t, e, n=n: observed(prior.model, n, t, e))(truth[n], z[i]) for i, n in enumerate(names)}

    return jax.jit(readings)


def _narrowing(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> float:
    def centred(v: np.ndarray) -> np.ndarray:
        return v - weight @ v

    x, y = centred(x), centred(y)
    vx, vy = float(weight @ x**2), float(weight @ y**2)
    if vx < 1e-12 or vy < 1e-12:
        return 0.0
    r2 = min(1.0, float(weight @ (x * y)) ** 2 / (vx * vy))
    return 1.0 - float(np.sqrt(1.0 - r2))
