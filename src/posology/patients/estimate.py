"""Typical values and variability from a cohort: maximum likelihood with the random effects integrated out.

    ln L(θ) = Σᵢ ln ∫ p(yᵢ | θ, η) N(η; 0, ω²) dη ≈ Σᵢ ln 1/K Σₖ p(yᵢ | θ, ω·zₖ)

over K points zₖ that fill the normal distribution evenly (scrambled Sobol). The points stay the same
while θ moves, so the sum is smooth and its gradient exact. For a few random effects; the integral in
many dimensions, or with many precise measurements per patient, needs other methods.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as with_changes
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.patients.course import Frame, Increment, follow
from posology.patients.likelihood import standardised
from posology.patients.model import PatientModel
from posology.patients.particles import normal_points
from posology.patients.population import apply_effects
from posology.quantities import numbers_of, replace, table

POINTS = 512
STEPS, TOLERANCE = 40, 1e-3  # of the search; the tolerance is an expected rise of ln L


class Estimate(NamedTuple):
    """Typical values by symbol, variances of ln by individual parameter, the factor on the residual
    error, −2 ln L (constants left out), and whether the search ended at a minimum."""

    typical: dict[str, float]
    variance: dict[str, float]
    residual: float
    minus_two_log_likelihood: float
    converged: bool


def estimate(
    model: PatientModel,
    symbols: Sequence[str],
    covariates: Mapping[str, Any],
    past: Increment,
    frame: Frame,
    points: int = POINTS,
) -> Estimate:
    """Typical values `symbols`, all variances between patients and the size of the residual error.

    Args:
        covariates: by name, `[N]`; `past` the pasts of the same patients (`past.together`).

    Raises:
        ValueError: for a symbol the model does not have.
    """
    numbers = numbers_of(model.Params)
    if unknown := [s for s in symbols if s not in numbers]:
        raise ValueError(f"{model.id} has no parameter '{unknown[0]}'; known: {', '.join(numbers)}")
    effects = list(model.random_effects)
    start = [np.log(abs(numbers[s].value)) for s in symbols] + [0.5 * np.log(model.random_effects[e]) for e in effects] + [0.0]
    sign = {s: float(np.sign(numbers[s].value)) for s in symbols}
    z = jnp.asarray(normal_points(points, len(effects)), jnp.float32)
    given = {k: jnp.asarray(v, jnp.float32) for k, v in covariates.items()}
    patients = jax.tree.map(jnp.asarray, past)

    def typical(theta: Any) -> Any:
        values = {s: sign[s] * jnp.exp(theta[i]) for i, s in enumerate(symbols)}
        return replace(jax.tree.map(jnp.float32, model.Params()), **values)

    def one(theta: Any, c: Any, mine: Increment) -> Any:
        own = model.individual(typical(theta), c)
        sd, scale = jnp.exp(theta[len(symbols) : -1]), theta[-1]

        def told(point: Any) -> Any:
            p = apply_effects(own, dict(zip(effects, sd * point, strict=True)))
            return _log_likelihood(model, frame, p, mine, scale)

        return jax.nn.logsumexp(jax.vmap(told)(z)) - jnp.log(points)

    @jax.jit
    def scores(theta: Any) -> Any:
        """ln L of each patient, and its derivatives: forward, for few numbers and nothing kept of the course."""
        each = lambda t: jax.vmap(lambda c, i: one(t, c, i))(given, patients)  # noqa: E731
        return each(theta), jax.jacfwd(each)(theta)

    theta, value, converged = _climb(scores, jnp.asarray(start, jnp.float32))
    values = {s: sign[s] * float(np.exp(theta[i])) for i, s in enumerate(symbols)}
    variances = {e: float(np.exp(2 * theta[len(symbols) + i])) for i, e in enumerate(effects)}
    return Estimate(values, variances, float(np.exp(theta[-1])), -2 * value, converged)


def _climb(scores: Callable[[Any], tuple[Any, Any]], theta: Any) -> tuple[np.ndarray, float, bool]:
    """A maximum of the sum of ln L by scoring: the information is the sum of squares of the patients'
    scores (Berndt EK et al. Ann Econ Soc Meas 1974;3:653), with Levenberg's damping."""
    damping, rise = 1e-2, np.inf
    each, slopes = (np.asarray(v, np.float64) for v in scores(theta))
    for _ in range(STEPS):
        information, gradient = slopes.T @ slopes, slopes.sum(axis=0)
        step = np.linalg.solve(information + damping * np.diag(np.diag(information)), gradient)
        there = theta + jnp.asarray(step, jnp.float32)
        trial, gained = (np.asarray(v, np.float64) for v in scores(there))
        rise = float(gradient @ step)
        if trial.sum() >= each.sum():
            theta, each, slopes, damping = there, trial, gained, damping / 4
        else:
            damping *= 8
        if rise < TOLERANCE:
            break
    return np.asarray(theta, np.float64), float(each.sum()), rise < TOLERANCE


def _log_likelihood(model: PatientModel, frame: Frame, p: Any, past: Increment, scale: Any) -> Any:
    """ln p of all measurements of one patient with parameters `p`; `scale` is ln of the residual's factor."""

    def stretch(x: Any, i: Increment) -> Any:
        followed = follow(model, frame, p, x, i)
        distance, ln_sd = standardised(model, i.reading, i.value, followed.predicted)
        each = -0.5 * (distance * jnp.exp(-scale)) ** 2 - ln_sd - scale
        return followed.x, jnp.sum(jnp.where(i.present, each, 0.0))

    x = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), model.baseline(p))
    return jnp.sum(jax.lax.scan(stretch, x, past)[1])


def estimated(model: PatientModel, found: Estimate) -> PatientModel:
    """The model with the estimated numbers in place of its own."""
    numbers = dict(numbers_of(model.Params))
    for symbol, n in numbers.items():
        variance = found.variance.get(n.acts_on or symbol, n.variance) if n.variance else 0.0
        numbers[symbol] = with_changes(n, value=found.typical.get(symbol, n.value), variance=variance)
    params: Any = table(type("Params", (), {"__annotations__": dict.fromkeys(numbers, float), **numbers}))
    residuals = {
        k: with_changes(
            r, ln_sd=r.ln_sd * found.residual, proportional=r.proportional * found.residual, additive=r.additive * found.residual
        )
        for k, r in model.residuals.items()
    }
    return with_changes(model, Params=params, residuals=residuals)
