"""The most probable parameters of one patient, and how sure they are: MAP with Laplace intervals.

Uncertain parameters are written as standard normal numbers z (effects between patients first, then
those of each occasion), and

    −ln p(z | data) = ½·z'z + Σ ½·((u(measured) − u(predicted))/σ)² + ln σ,   u = ln or identity,

is minimised by Fisher scoring with Levenberg's damping; the covariance is the inverse of the expected
information at the mode. Sheiner LB, Beal SL. J Pharm Sci 1982;71:1344; Laplace as in Kass RE,
Raftery AE. J Am Stat Assoc 1995;90:773. Functions are for one patient; the caller vmaps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.patients.course import Frame, Increment, follow
from posology.patients.likelihood import SMALLEST, log_likelihood, spread
from posology.patients.prior import Prior, Typical

ITERATIONS = 15


class Fit(NamedTuple):
    """The mode in z `[d]`, the Cholesky factor of its covariance `[d, d]`, −ln posterior there up to a
    constant, the length of its gradient (0 at a mode), and the state after all stretches."""

    mode: Any
    factor: Any
    objective: Any
    slope: Any
    x: Any


def effects(prior: Prior, typical: Typical, z: Any) -> Any:
    """Effects `[R]` on ln of the uncertain parameters."""
    return typical.mean + jnp.asarray(prior.factor, z.dtype) @ z[: len(prior.names)]


def occasions(prior: Prior, z: Any, stretches: int) -> Any:
    """Occasion effects `[T, O]`."""
    rest = z[len(prior.names) :].reshape(stretches, len(prior.occasional))
    return rest * jnp.asarray(prior.occasion_sd, z.dtype)


def size(prior: Prior, stretches: int) -> int:
    """How many numbers z has."""
    return len(prior.names) + stretches * len(prior.occasional)


def replay(
    prior: Prior, frame: Frame, typical: Typical, z: Any, past: Increment, count: Any = None
) -> tuple[Any, Any]:
    """The state after all stretches, and what the model predicts of each measurement, `[T, M]`.

    With `count`, only so many stretches are followed (the others are empty): a number that is known
    when the program runs saves their cost, and forbids reverse-mode derivatives.
    """
    own = effects(prior, typical, z)

    def stretch(x: Any, step: Any) -> tuple[Any, Any]:
        i, occasion = step
        followed = follow(prior.model, frame, prior.individual(typical, own, occasion), x, i)
        return followed.x, followed.predicted

    first = prior.model.baseline(prior.individual(typical, own))
    # all of it varies with z, if only by 0: else a derivative of the loop is traced twice, to find out that it does
    first = jax.tree.map(lambda v: jnp.asarray(v, z.dtype) + 0 * jnp.sum(z[:1]), first)
    steps = (past, occasions(prior, z, len(past.span)))
    if count is None:
        return jax.lax.scan(stretch, first, steps)

    def follow_one(t: Any, carry: Any) -> Any:
        x, predicted = carry
        x, mine = stretch(x, jax.tree.map(lambda v: v[t], steps))
        return x, predicted.at[t].set(mine)

    return jax.lax.fori_loop(0, count, follow_one, (first, jnp.ones(past.value.shape, z.dtype)))


def objective(prior: Prior, frame: Frame, typical: Typical, z: Any, past: Increment) -> Any:
    """−ln of the posterior density at z, up to a constant."""
    _, predicted = replay(prior, frame, typical, z, past)
    told = jax.vmap(lambda p, i: log_likelihood(prior.model, p, i))(predicted, past)
    return 0.5 * z @ z - jnp.sum(told)


def fit(
    prior: Prior,
    frame: Frame,
    typical: Typical,
    past: Increment,
    iterations: int = ITERATIONS,
    start: Any = None,
    count: Any = None,
) -> Fit:
    """Mode and covariance given all stretches so far (leading axis `T`).

    Args:
        start: z to begin with (the prior's centre when not given), as the mode of an earlier visit.
        count: see `replay`.
    """
    start = jnp.zeros(size(prior, len(past.span)), jnp.float32) if start is None else start

    def course(z: Any) -> tuple[Any, Any]:
        x, predicted = replay(prior, frame, typical, z, past, count)
        return predicted, (x, predicted)

    def told(p: Any) -> Any:
        return jnp.sum(jax.vmap(lambda p, i: log_likelihood(prior.model, p, i))(p, past))

    def quadratic(z: Any) -> tuple[Any, Any, Any, Any]:
        """−ln posterior, its gradient and the expected information at z, and the state that z leads to."""
        j, (x, value) = jax.jacfwd(course, has_aux=True)(z)  # the course is followed once
        j = j.reshape(value.size, z.size)
        total, slope = jax.value_and_grad(told)(value)
        weight = information(prior, value, past).ravel()
        return 0.5 * z @ z - total, z - slope.ravel() @ j, jnp.eye(z.size) + (j * weight[:, None]).T @ j, x

    def improve(i: Any, carry: Any) -> Any:
        z, now, x, damping = carry
        value, gradient, curvature = now
        trial = z - jnp.linalg.solve(curvature + damping * jnp.diag(jnp.diag(curvature)), gradient)
        *then, there = quadratic(trial)
        better = then[0] < value
        kept = jax.tree.map(lambda a, b: jnp.where(better, a, b), (trial, tuple(then)), (z, now))
        x = jax.tree.map(lambda a, b: jnp.where(better | (i == 0), a, b), there, x)
        return (*kept, x, jnp.where(better, damping / 8, damping * 6 + 1e-3))

    # the first step stays at the start: `quadratic` is compiled once
    nothing = (jnp.float32(jnp.inf), jnp.zeros_like(start), jnp.eye(start.size))
    state = prior.model.State
    nowhere = state(*[jnp.zeros((), start.dtype)] * len(state._fields))  # type: ignore[attr-defined]
    first = (start, nothing, nowhere, jnp.float32(8e-2))
    z, (value, gradient, curvature), x, _ = jax.lax.fori_loop(0, iterations + 1, improve, first)
    factor = jnp.linalg.inv(jnp.linalg.cholesky(curvature)).T
    return Fit(z, factor, value, jnp.linalg.norm(gradient), x)


def information(prior: Prior, predicted: Any, past: Increment) -> Any:
    """Expected information on each predicted value, `[T, M]`; 0 where nothing was measured."""
    sd, logarithmic, fall = spread(prior.model, past.reading, predicted)
    value = jnp.maximum(predicted, SMALLEST)
    each = jnp.where(logarithmic, 1 / (sd * value) ** 2, 1 / sd**2 + 2 * fall**2)
    # a censored value tells at most what a measured one would: the curvature of −ln Φ is below 1/σ²
    limit = jnp.where(logarithmic, jnp.log(past.value / value), past.value - value) / sd
    hazard = jnp.exp(jax.scipy.stats.norm.logpdf(limit) - jax.scipy.stats.norm.logcdf(limit))
    each = jnp.where(past.below, each * hazard * (hazard + limit), each)
    return jnp.where(past.present, each, 0.0)


def draws(fitted: Fit, key: Any, n: int) -> Any:
    """`n` draws of z from the Laplace approximation, `[n, d]`."""
    return fitted.mode + jax.random.normal(key, (n, len(fitted.mode))) @ fitted.factor.T


def compiled(prior: Prior, frame: Frame) -> Callable[[Typical, Increment], Fit]:
    """`fit` of many patients at once: a leading axis on everything."""
    return jax.jit(jax.vmap(lambda typical, past: fit(prior, frame, typical, past)))
