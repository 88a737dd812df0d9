"""Which measurement in the coming interval would say most about what the decision turns on."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import norm

from posology.bedside.consult import Consultation
from posology.bedside.forecast import by_day
from posology.bedside.options import Option
from posology.explanation import next_lab
from posology.patients.likelihood import observed, standardised

FEW = 10.0  # draws that must still count after a measurement, in the mean


def next_measurement(c: Consultation, option: Option, target: np.ndarray, weight: np.ndarray) -> dict[str, Any]:
    """Per reading and day of the coming interval the expected SD of ln of what is predicted, if that were measured.

    Args:
        target: the predicted key reading that the decision turns on, of each draw, `[K]`; `weight[K]` sums to one.
    """
    t, model = c.treatment, c.treatment.model
    names = tuple(k.name for k in t.channels if k.kind == "reading" and k.name in model.residuals)
    said = f"the {t.key} at the next visit" if t.window else f"the lowest {t.key}"
    values, log = by_day(t, c.patient, option.action, option.amount, names), np.log(np.maximum(target, 1e-6))
    rows: list[dict[str, Any]] = []
    for j, name in enumerate(names):
        for day in range(1, values.shape[2]):
            w = _measured(c, name, values[:, j, day].astype(np.float64), log, weight)
            rows.append(
                {
                    "reading": name, "day": day, "narrows": w.narrows, "expected_sd": float(np.sqrt(w.expected)),
                    "error": w.error / (2 * float(np.sqrt(w.expected))) if w.expected > 0 else 0.0,
                    "effective_draws": w.effective, "reliable": w.effective >= FEW,
                }
            )  # fmt: skip
    sound = sorted((r for r in rows if r["reliable"]), key=lambda r: r["expected_sd"])
    now = float(np.sqrt(weight @ (log - weight @ log) ** 2))
    return {"of": said, "under": option.action.label, "sd_now": now, "best": sound[0] if sound else None, "days": rows}


def _measured(c: Consultation, name: str, truth: np.ndarray, target: np.ndarray, weight: np.ndarray) -> next_lab.Worth:
    """What one measurement would be worth; a value below the limit of quantification tells that it is below."""
    model = c.treatment.model
    index, lloq = list(model.reading_units).index(name), model.residuals[name].lloq
    truth = np.where(np.isfinite(truth), truth, 1e-6)
    z = np.stack([next_lab.symmetric_errors(s, len(truth)) for s in range(3)])
    values = np.asarray(observed(model, name, truth, z), np.float64)

    def told(measured: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        below = measured < lloq
        distance, ln_sd = (np.asarray(v, np.float64) for v in standardised(
            model, index, np.where(below, lloq, measured)[:, None], np.asarray(predicted, np.float32)
        ))  # fmt: skip
        return np.where(below[:, None], norm.logcdf(distance), -0.5 * distance**2 - ln_sd)

    return next_lab.worth(target, weight, values, truth, told)
