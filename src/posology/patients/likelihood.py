"""How likely a measured value is, given the model's: the residual error, with values below the
limit of quantification as what they are, censored."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax.scipy.stats import norm

from posology.patients.course import Increment
from posology.patients.model import PatientModel

SMALLEST = 1e-6  # of a reading in its unit: the logarithm of none is not taken


def _table(model: PatientModel, reading: Any, dtype: Any) -> tuple[Any, Any, Any]:
    """ln SD, proportional and additive SD of each reading asked for; NaN for one without an error."""
    nan = float("nan")
    rows = []
    for name in model.reading_units:
        r = model.residuals.get(name)
        rows.append((r.ln_sd, r.proportional, r.additive) if r else (nan, nan, nan))
    ln_sd, proportional, additive = (jnp.asarray(column, dtype)[reading] for column in zip(*rows, strict=True))
    return ln_sd, proportional, additive


def spread(model: PatientModel, reading: Any, predicted: Any) -> tuple[Any, Any, Any]:
    """SD of a measurement, whether it is one of ln, and the derivative of ln SD by the prediction."""
    ln_sd, proportional, additive = _table(model, reading, predicted.dtype)
    value = jnp.maximum(predicted, SMALLEST)
    logarithmic = ln_sd > 0
    variance = jnp.where(logarithmic, 1.0, (proportional * value) ** 2 + additive**2)  # √0 has no derivative
    fall = jnp.where(logarithmic, 0.0, proportional**2 * value / variance)
    return jnp.where(logarithmic, ln_sd, jnp.sqrt(variance)), logarithmic, fall


def standardised(model: PatientModel, reading: Any, value: Any, predicted: Any) -> tuple[Any, Any]:
    """Distance of measured from predicted in SDs, and ln of the SD on the scale it was measured on.

    Readings with an error on the log scale are compared there, all others as they are.
    """
    sd, logarithmic, _ = spread(model, reading, predicted)
    floor = jnp.maximum(predicted, SMALLEST)
    distance = jnp.where(logarithmic, jnp.log(jnp.maximum(value, SMALLEST) / floor), value - floor)
    return distance / sd, jnp.log(sd)


def log_likelihood(model: PatientModel, predicted: Any, i: Increment) -> Any:
    """Sum over the measurements of a stretch of ln p(measured | predicted), constants left out."""
    # what was not measured is given the error of some reading that has one: derivatives of a masked NaN are NaN
    first = next((k for k, name in enumerate(model.reading_units) if name in model.residuals), 0)
    z, ln_sd = standardised(model, jnp.where(i.present, i.reading, first), i.value, predicted)
    each = jnp.where(i.below, norm.logcdf(jnp.where(i.below, z, 0.0)), -0.5 * z * z - ln_sd)
    return jnp.sum(jnp.where(i.present, each, 0.0))


def observed(model: PatientModel, reading: str, truth: Any, z: Any) -> Any:
    """A measured value of a true one; `z[3]` are standard normal."""
    r = model.residuals[reading]
    return truth * jnp.exp(r.ln_sd * z[0]) * (1 + r.proportional * z[1]) + r.additive * z[2]


def observed_each(model: PatientModel, reading: Any, truth: Any, z: Any) -> Any:
    """The same for many true values `[…, M]` of the readings with these indices `[M]`; `z[3, …, M]`."""
    ln_sd, proportional, additive = _table(model, reading, truth.dtype)
    return truth * jnp.exp(ln_sd * z[0]) * (1 + proportional * z[1]) + additive * z[2]
