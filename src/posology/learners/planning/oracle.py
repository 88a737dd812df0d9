"""The oracle: knows a patient's parameters and state, not the variability of the coming occasion.

Each visit it takes the dose of the table whose predicted interval, with the patient's own parameters
and no occasion effect, is nearest to what the treatment aims at: a nadir at its target unless it says
otherwise. No policy that has to learn about the patient can be
expected to do better at this greedy aim, so the distance to it is a policy's regret.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from posology.environments.protocol import Chosen, State, TreatmentEnvironment


def choose(env: TreatmentEnvironment, state: State, mask: Any, patient: Any) -> Chosen:
    """The allowed dose whose predicted interval is nearest to the treatment's aim."""

    def distance(row: Any) -> Any:
        return env.treatment.distance(env.predict(state.x, patient.own, env.chosen(row), patient))

    far = jax.lax.map(distance, jnp.arange(len(env.amount)))
    return env.chosen(jnp.argmin(jnp.where(mask & jnp.isfinite(far), far, jnp.inf)))
