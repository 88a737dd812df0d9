"""The PSA of a man's next cycle: a prostate model fitted to his cycles before it.

Of each model some parameters are a man's own (`OWN`); their logarithms or logits are normal over men. Given the population
(mean, covariance, residual error), a man's are those that make

    Σ (ln(PSA + FLOOR) − curve)²/error² + (θ − mean)ᵀ·covariance⁻¹·(θ − mean)

smallest (Levenberg-Marquardt through the course). The population is fitted by turns: all men, then mean, covariance (with
what Laplace's approximation leaves open) and error. Intervals are the standard error of the forecast times quantiles of what the
fitted men's own last cycles were off by: the models are simpler than men, and their own standard errors are too small.
Treatment of the forecast cycle is taken as known.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.readers.androgen import Man
from posology.evaluation.forecasts.scores import LEVELS, Forecasts, spread
from posology.patients.catalogue import MODELS
from posology.patients.integrate import runge_kutta
from posology.quantities import replace

FLOOR = 0.1  # ug/L: where the assays of these trials end
STEP = 2.0  # d
TURNS, ITERATIONS = 8, 12
FIRST_ERROR = 0.6  # of ln(PSA + FLOOR)
LEAST_SPREAD = 1e-3  # variance that a population keeps
SMALLEST = 1e-9  # of a state, so that no course ends below 0


class Own(NamedTuple):
    """A parameter that men differ in: typical value, and the standard deviation that the search begins with; a `share` lies
    between 0 and 1. `psa_scale` stands for PSA at the start where the model tells a size relative to it."""

    typical: float
    sd: float
    share: bool = False


SCALE = "psa_scale"
OWN: dict[str, dict[str, Own]] = {
    "prostate-strobl2021": {
        "n0": Own(0.62, 1.0, True),
        "fr": Own(0.018, 1.5, True),
        "cost": Own(0.57, 1.0, True),
        "turnover": Own(0.31, 0.8, True),
        "rs": Own(0.027, 0.6),
        "dd": Own(1.5, 0.4),
        SCALE: Own(15.0, 0.8),
    },
    "prostate-bradynicholls2020": {
        "s0": Own(20.0, 1.5),
        "ps": Own(0.028, 1.0),
        "al": Own(0.036, 0.7),
        "p0": Own(15.0, 0.8),
    },
}
# What foretells a relapse, from a fitted man at his last measurement: the resistant share of the tumour; the share of divisions
# that renew stem cells over the killing on treatment (Brady-Nicholls 2020).
RISK: dict[str, Callable[[Any, Any], Any]] = {
    "prostate-strobl2021": lambda x, p: x.resistant / (x.sensitive + x.resistant),
    "prostate-bradynicholls2020": lambda x, p: p.ps / p.al,
}


class Rows(NamedTuple):
    """Men side by side: treatment in each step `[N, S]`, the step of each row, ln(PSA + FLOOR) and cycle, `[N, K]`, and days
    of the rows; NaN and −1 where there is none."""

    on: Any
    at: Any
    y: Any
    cycle: Any
    day: Any


def rows_of(men: Sequence[Man]) -> Rows:
    """The men as arrays."""
    steps = int(max(m.day[-1] for m in men) / STEP) + 2
    most = max(len(m.day) for m in men)
    on, at = np.zeros((len(men), steps), np.float32), np.zeros((len(men), most), np.int32)
    y, cycle, day = np.full(at.shape, np.nan, np.float32), np.full(at.shape, -1), np.zeros(at.shape)
    for i, m in enumerate(men):
        k = len(m.day)
        row = np.searchsorted(m.day, np.arange(steps) * STEP, side="right") - 1
        on[i], at[i, :k], day[i, :k] = m.on[np.clip(row, 0, k - 1)], np.rint(m.day / STEP), m.day
        y[i, :k], cycle[i, :k] = np.log(m.psa + FLOOR), m.cycle
    return Rows(on, at, y, cycle, day)


def _parameters(model_id: str, theta: Any) -> tuple[Any, Any]:
    """The model's parameters of a man, and the factor from its reading to PSA."""
    own = OWN[model_id]
    values = {n: jax.nn.sigmoid(v) if o.share else jnp.exp(v) for (n, o), v in zip(own.items(), theta, strict=True)}
    scale = values.pop(SCALE, 1.0)
    return replace(MODELS[model_id].Params(), **values), scale


def _course(model_id: str, theta: Any, on: Any) -> tuple[Any, Any]:
    """ln(PSA + FLOOR) at every step, and the states there."""
    model, (p, scale) = MODELS[model_id], _parameters(model_id, theta)
    start = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), model.baseline(p))

    def step(x: Any, drug: Any) -> tuple[Any, Any]:
        x = runge_kutta(lambda x: model.rates(0.0, x, p, drug), x, STEP, 1)
        x = jax.tree.map(lambda v: jnp.maximum(v, SMALLEST), x)
        return x, x

    states = jax.lax.scan(step, start, on)[1]
    states = jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, states)
    reading = next(iter(model.reading_units))
    psa = scale * jax.vmap(lambda x: model.readings(x, p)[reading])(states)
    return jnp.log(jnp.maximum(psa, 0.0) + FLOOR), states


@partial(jax.jit, static_argnums=0)
def fitted(model_id: str, population: Any, rows: Rows, used: Any) -> tuple[Any, Any]:
    """Each man's own parameters from the rows that are `used`, `[N, P]`, and the covariance of their error."""
    mean, covariance, error = population
    whiten = jnp.linalg.cholesky(jnp.linalg.inv(covariance)).T

    def one(rows: Rows, used: Any) -> tuple[Any, Any]:
        def off(theta: Any) -> Any:
            missed = jnp.where(used, (jnp.nan_to_num(rows.y) - _course(model_id, theta, rows.on)[0][rows.at]) / error, 0.0)
            return jnp.concatenate([missed, whiten @ (theta - mean)])

        def better(carry: Any, _: Any) -> tuple[Any, None]:
            theta, damping = carry
            r, j = off(theta), jax.jacfwd(off)(theta)
            square = j.T @ j
            to = theta - jnp.linalg.solve(square + damping * jnp.diag(jnp.diag(square)), j.T @ r)
            to = jnp.where(jnp.isfinite(to), to, theta)
            there = off(to)
            falls = jnp.isfinite(there).all() & (there @ there < r @ r)
            return (jnp.where(falls, to, theta), jnp.where(falls, damping / 3, damping * 4)), None

        theta = jax.lax.scan(better, (mean, jnp.float32(1e-2)), None, length=ITERATIONS)[0][0]
        j = jax.jacfwd(off)(theta)
        return theta, jnp.linalg.inv(j.T @ j)

    return jax.vmap(one)(rows, used)


@partial(jax.jit, static_argnums=0)
def curves(model_id: str, theta: Any, covariance: Any, rows: Rows) -> tuple[Any, Any, Any]:
    """ln(PSA + FLOOR) of each man at his rows, the variance that his parameters leave open, and his states there."""

    def one(theta: Any, covariance: Any, rows: Rows) -> tuple[Any, Any, Any]:
        at = lambda theta: _course(model_id, theta, rows.on)[0][rows.at]  # noqa: E731
        j = jax.jacfwd(at)(theta)
        states = jax.tree.map(lambda v: v[rows.at], _course(model_id, theta, rows.on)[1])
        return at(theta), jnp.einsum("kp,pq,kq->k", j, covariance, j), states

    return jax.vmap(one)(theta, covariance, rows)


def first(model_id: str) -> tuple[Any, Any, Any]:
    """Where the search for a population begins."""
    own = OWN[model_id].values()
    mean = [np.log(o.typical / (1 - o.typical)) if o.share else np.log(o.typical) for o in own]
    return np.array(mean, np.float32), np.diag(np.array([o.sd**2 for o in own], np.float32)), np.float32(FIRST_ERROR)


def fit(model_id: str, men: Sequence[Man]) -> dict[str, Any]:
    """The population of a cohort, and the bounds of the standardised errors of its men's last cycles."""
    population, rows = first(model_id), rows_of(men)
    used = np.isfinite(rows.y)
    for _ in range(TURNS):
        theta, open_ = map(np.asarray, fitted(model_id, population, rows, used))
        curve = np.asarray(curves(model_id, theta, open_, rows)[0])
        mean, d = theta.mean(0), theta - theta.mean(0)
        covariance = d.T @ d / len(men) + open_.mean(0) + LEAST_SPREAD * np.eye(d.shape[1])
        error = np.sqrt(np.sum(np.where(used, rows.y - curve, 0.0) ** 2) / (used.sum() - theta.size / 2))
        population = (np.float32(mean), np.float32(covariance), np.float32(error))
    a = _last_cycle(model_id, population, men)
    bounds = {str(k): list(v) for k, v in spread((a.truth - a.mean) / a.sd).items()}
    found = {"mean": mean.tolist(), "covariance": covariance.tolist(), "error": float(error)}
    return {"own": list(OWN[model_id]), **found, "bounds": bounds, "patients": len(men)}


class _Last(NamedTuple):
    patient: Any
    truth: Any
    mean: Any
    sd: Any
    value: Any
    cycle: Any
    risk: Any


def _last_cycle(model_id: str, population: tuple[Any, Any, Any], men: Sequence[Man]) -> _Last:
    """The last cycle of each man (all have two) from those before it; `risk` of each man."""
    rows = rows_of(men)
    last = rows.cycle.max(axis=1)
    measured = np.isfinite(rows.y)
    used, asked = measured & (rows.cycle < last[:, None]), measured & (rows.cycle == last[:, None])
    theta, open_ = fitted(model_id, population, rows, used)
    mean, variance, states = curves(model_id, theta, open_, rows)
    parts, risk = [], []
    for i in range(len(men)):
        now = np.flatnonzero(used[i])[-1]
        before = np.flatnonzero(used[i] & (rows.cycle[i] == last[i] - 1))
        since = lambda k, c, i=i: rows.day[i, k] - rows.day[i, np.flatnonzero(rows.cycle[i] == c)[0]]  # noqa: E731
        for k in np.flatnonzero(asked[i]):
            same = before[np.argmin(np.abs(since(before, last[i] - 1) - since(k, last[i])))] if len(before) else now
            parts.append((i, rows.y[i, k], mean[i, k], variance[i, k], rows.y[i, now], rows.y[i, same]))
        mine = jax.tree.map(lambda v, i=i, now=now: v[i, now], states)
        risk.append(float(RISK[model_id](mine, _parameters(model_id, theta[i])[0])))
    patient, truth, mu, v, value, cycle = np.array(parts, float).T
    return _Last(patient.astype(int), truth, mu, np.sqrt(v + float(population[2]) ** 2), value, cycle, np.array(risk))


def lacks(m: Man) -> str:
    """Why a man's last cycle cannot be forecast from those before it, as a sentence; empty where it can."""
    measured, cycle = np.isfinite(m.psa), m.cycle
    if m.unknown or not cycle[-1]:
        return m.unknown or f"{m.id}: has one cycle of treatment only"
    if not measured[cycle == cycle[-1]].any() or not measured[cycle < cycle[-1]].any():
        return f"{m.id}: has no PSA in the last cycle, or none before it"
    return ""


def forecast(model_id: str, prior: dict[str, Any], men: Sequence[Man]) -> tuple[Forecasts, Any]:
    """ln(PSA + FLOOR) in the last cycle of each man, who lacks nothing, beside the last value carried forward and the
    cycle before repeated; and each man's risk."""
    population = tuple(np.float32(prior[k]) for k in ("mean", "covariance", "error"))
    a = _last_cycle(model_id, population, men)  # type: ignore[arg-type]
    bounds = {k: (a.mean + low * a.sd, a.mean + high * a.sd) for k, (low, high) in ((k, prior["bounds"][str(k)]) for k in LEVELS)}
    return Forecasts(a.patient, a.truth, a.mean, {"last value": a.value, "last cycle": a.cycle}, bounds), a.risk
