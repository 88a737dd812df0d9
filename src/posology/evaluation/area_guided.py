"""Dosing by the area under the levels that were measured: the last dose times target over area.

The area is that of trapezoids: straight from the start of the dose to the first level, straight in the logarithm from one
level to the next. After a first dose, or a single one, it goes on to infinity along the line through the first and the last
level; of later doses in a row it begins at the last level, taken for the one before the dose, and ends there, a steady state.
Few levels make it wrong in the same way for everybody: it is multiplied by what the area of the typical patient of the same
covariates is over its trapezoids. The target is the middle of the treatment's window.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.evaluation.level_guided import nearest, per_day

SLOWEST = 0.02  # 1/h: what errors of measurement can make of the slope to infinity is cut off here
TOLD = 1e-6  # of a level, so that one below the limit of quantification has a logarithm


def knows(env: TreatmentEnvironment) -> bool:
    """Whether the treatment asks for levels in a window, and takes two or more of them after one dose."""
    t = env.treatment
    return t.window is not None and any(len(s.days) > 1 for s in t.samples if s.reading == t.key)


def hours(env: TreatmentEnvironment) -> np.ndarray:
    """When levels are taken, since the start of a dose."""
    return next(np.array(s.days, np.float32) * DAY for s in env.treatment.samples if s.reading == env.treatment.key)


def area(times: Any, levels: Any, steady: Any) -> Any:
    """Area of one dose from `levels` at `times` (hours since its start) by trapezoids; see the module's text."""
    log = jnp.log(jnp.maximum(levels, TOLD))
    fall = log[:-1] - log[1:]
    flat = jnp.abs(fall) < 1e-4
    between = jnp.where(flat, levels[1:], (levels[:-1] - levels[1:]) / jnp.where(flat, 1.0, fall))
    slope = jnp.maximum((log[0] - log[-1]) / (times[-1] - times[0]), SLOWEST)
    start, tail = jnp.where(steady, levels[-1], 0.0), jnp.where(steady, 0.0, levels[-1] / slope)
    return (start + levels[0]) / 2 * times[0] + jnp.sum(between * jnp.diff(times)) + tail


def correction(env: TreatmentEnvironment, patient: Any, steady: Any) -> Any:
    """Area of the typical patient of the same covariates over its trapezoids."""
    t, standard, times = env.treatment, env.treatment.standard, hours(env)
    own = env.model.individual(jax.tree.map(jnp.float32, env.model.Params()), patient.covariates)
    dose, every = env.recorded(standard.amount, patient), standard.interval
    nodes = np.array([int(np.argmin(np.abs(env.ends - hour))) for hour in times])
    chosen = Chosen(*(jnp.float32(v) for v in (standard.amount, standard.wait, every)))
    x = jax.tree.map(jnp.float32, env.model.baseline(own))
    later = env.forecast(x, own, chosen, patient)[1]
    levels = [env.course(y, own, dose, standard.wait * DAY, every).readings[t.key][nodes] for y in (x, later)]
    first, settled = (area(times, v, jnp.bool_(k)) for k, v in enumerate(levels))
    return env.predict(later, own, chosen, patient).mean * span(env) / jnp.where(steady, settled, first)


def span(env: TreatmentEnvironment) -> float:
    """Hours from one dose to the next."""
    standard = env.treatment.standard
    return standard.interval or standard.wait * DAY


def choose(env: TreatmentEnvironment, state: Any, mask: Any, patient: Any) -> Chosen:
    """The row nearest to the last dose times target over area; the standard one before a level is known, where a level of
    the last dose is missing, and after none."""
    t, h, times = env.treatment, state.history, hours(env)
    assert t.window is not None
    begin = (state.day - t.standard.wait) * DAY
    mine = h.present & (h.what == env.names.index(t.key))
    at = mine[None, :] & (jnp.abs(h.time[None, :] - begin - times[:, None]) < 0.01)
    steady = (state.step > 1) & (t.standard.interval > 0)
    levels = jnp.sum(jnp.where(at, h.value[None, :], 0.0), axis=1)
    found = area(times, levels, steady) * correction(env, patient, steady)
    given = h.present & (h.what == env.names.index("dose")) & (jnp.abs(h.time - begin) < 0.01)
    last = jnp.sum(jnp.where(given, h.value, 0.0)) / env.recorded(1.0, patient)
    known = jnp.all(jnp.any(at, axis=1)) & (last > 0) & (found > 0)
    wanted = last * (t.window.low + t.window.high) / 2 * span(env) / jnp.where(known, found, 1.0)
    return nearest(env, jnp.where(known, wanted, t.standard.amount) * per_day(t.standard) / t.standard.amount, mask)
