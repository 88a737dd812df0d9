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
    At the first visit, and after an interval without a dose, it is the standard dose.
    """
    t = env.treatment
    level, _ = latest(state.history, env.names.index(t.key), state.day * DAY)
    last = _daily(env, state) / env.recorded(1.0, patient)
    known = (state.given > 0) & (last > 0) & (level > 0)
    return nearest(env, jnp.where(known, last * t.target / jnp.where(known, level, 1.0), per_day(t.standard)), mask)


def per_day(action: Action) -> float:
    """Daily dose of a row of the table."""
    return action.amount * DAY / (action.interval or action.wait * DAY)


def nearest(env: TreatmentEnvironment, wanted: Any, mask: Any) -> Chosen:
    """The row whose daily dose is nearest to the one wanted; of rows as near, one at the standard's interval."""
    t = env.treatment
    unusual = np.array([a.interval != t.standard.interval for a in t.actions])
    far = jnp.abs(np.array([per_day(a) for a in t.actions], np.float32) - wanted) + jnp.where(unusual, 1e-3, 0.0)
    return env.chosen(jnp.argmin(jnp.where(mask, far, jnp.inf)))


def _daily(env: TreatmentEnvironment, state: Any) -> Any:
    """Dose per day, as recorded, given since the visit before."""
    h, days = state.history, env.treatment.standard.wait
    recent = (h.time > (state.day - days) * DAY - 1e-3) & (h.time < state.day * DAY - 1e-3)
    given = h.present & (h.what == env.names.index("dose")) & recent
    return jnp.sum(jnp.where(given, h.value, 0.0)) / days
