"""Titration by counts: in the range the dose stays, below it is halved, above it rises by a quarter of the standard dose.

For drugs that lower the key reading, as mercaptopurine does the neutrophils. The count is the latest that was measured;
without one, and at the first visit, the dose stays, or is the standard. The table says how high it may rise. How much a dose
is changed is a design choice in line with protocols of maintenance.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from posology.data.history import DAY, latest
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.evaluation.level_guided import nearest, per_day

DOWN, UP = 0.5, 0.25  # times the last dose; of the standard dose


def knows(env: TreatmentEnvironment) -> bool:
    """Whether the treatment wants a count of cells in a range."""
    return env.treatment.window is not None and env.treatment.key in ("anc", "leukocytes", "platelets")


def choose(env: TreatmentEnvironment, state: Any, mask: Any, patient: Any) -> Chosen:
    """The row nearest to the titrated dose."""
    t = env.treatment
    assert t.window is not None
    full = t.standard.amount
    count, _ = latest(state.history, env.names.index(t.key), state.day * DAY)
    before = jnp.where(state.last_dose > 0, state.last_dose, full)  # the last dose that was one, after a visit without
    changed = jnp.where(count < t.window.low, DOWN * before, jnp.where(count > t.window.high, before + UP * full, before))
    return nearest(env, jnp.where(state.step == 0, full, changed) * per_day(t.standard) / full, mask)
