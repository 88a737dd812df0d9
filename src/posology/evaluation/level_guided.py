"""The proportional rule of therapeutic drug monitoring: the last daily dose times target over level.

It takes a level for a steady state. Long before one, as in the first week of a drug with a half-life of
six days, a level still carries the loading dose, which a belief over the patient knows better.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY, latest
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.spec import Action


def choose(env: TreatmentEnvironment, state: Any, mask: Any, patient: Any) -> Chosen:
    """The row whose daily dose is nearest to the proportional one; of rows as near, the standard's interval.

    The level is the latest of the key reading, the last daily dose that of the interval before the visit.
    At the first visit, and after an interval without a dose, it is the standard dose. Where the treatment names the time of
    the level (`level_at`) and that of the last interval is missing, the last dose is given again.
    """
    t = env.treatment
    level = _timed(env, state) if t.level_at else latest(state.history, env.names.index(t.key), state.day * DAY)[0]
    last = _daily(env, state) / env.recorded(1.0, patient)
    dosed = (state.given > 0) & (last > 0)
    known = dosed & (level > 0)
    otherwise = jnp.where(dosed, last, per_day(t.standard)) if t.level_at else per_day(t.standard)
    return nearest(env, jnp.where(known, last * t.target / jnp.where(known, level, 1.0), otherwise), mask)


def per_day(action: Action) -> float:
    """Daily dose of a row of the table."""
    return action.amount * DAY / (action.interval or action.wait * DAY)


def nearest(env: TreatmentEnvironment, wanted: Any, mask: Any) -> Chosen:
    """The row whose daily dose is nearest to the one wanted; of rows as near, one at the standard's interval."""
    t = env.treatment
    unusual = np.array([a.interval != t.standard.interval for a in t.actions])
    far = jnp.abs(np.array([per_day(a) for a in t.actions], np.float32) - wanted) + jnp.where(unusual, 1e-3, 0.0)
    return env.chosen(jnp.argmin(jnp.where(mask, far, jnp.inf)))


def _timed(env: TreatmentEnvironment, state: Any) -> Any:
    """The key reading `level_at` days after the visit before; NaN where it was not measured."""
    h, t = state.history, env.treatment
    when = (state.day - t.standard.wait + t.level_at) * DAY
    mine = h.present & (h.what == env.names.index(t.key)) & (jnp.abs(h.time - when) < 0.01)
    return jnp.where(jnp.any(mine), jnp.sum(jnp.where(mine, h.value, 0.0)), jnp.nan)


def _daily(env: TreatmentEnvironment, state: Any) -> Any:
    """Dose per day, as recorded, given since the visit before."""
    h, days = state.history, env.treatment.standard.wait
    recent = (h.time > (state.day - days) * DAY - 1e-3) & (h.time < state.day * DAY - 1e-3)
    given = h.present & (h.what == env.names.index("dose")) & recent
    return jnp.sum(jnp.where(given, h.value, 0.0)) / days
