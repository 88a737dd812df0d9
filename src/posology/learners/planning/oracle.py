"""The oracle: knows a patient's parameters and state, not the variability of the coming occasion.

Each visit it takes the dose of the table whose predicted nadir, with the patient's own parameters
and no occasion effect, is nearest the target. No policy that has to learn about the patient can be
expected to do better at this greedy aim, so the distance to it is a policy's regret.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from posology.data.history import DAY
from posology.environments.protocol import Chosen, State, TreatmentEnvironment


def choose(env: TreatmentEnvironment, state: State, mask: Any, patient: Any) -> Chosen:
    """The allowed dose whose predicted nadir is nearest the treatment's target."""
    target = env.treatment.target

    def nadir(amount: Any, wait: Any) -> Any:
        return env.course(state.x, patient.own, env.mg(amount, patient), wait * DAY).lowest

    lowest = jax.lax.map(lambda a: nadir(*a), (jnp.asarray(env.amount), jnp.asarray(env.wait)))
    distance = jnp.where(mask & jnp.isfinite(lowest), jnp.abs(lowest - target), jnp.inf)
    return env.chosen(jnp.argmin(distance))
