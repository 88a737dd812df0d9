"""MAP-greedy: the dose that is right for the patient's most probable parameters.

What Bayesian dose software does: maximum a posteriori estimates from covariates and all measurements so
far, then the dose whose predicted interval is nearest to what the treatment aims at.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from posology.environments.belief import Believer
from posology.patients import posterior
from posology.patients.particles import Belief

ITERATIONS = 8  # enough for a dose: the mode has settled to three digits


def most_probable(b: Believer, patient: Any, history: Any, now: Any) -> Belief:
    """A belief of one particle: the mode of the posterior given a history, at its state at `now` (hours)."""
    typical, past = b.typical(patient), b.past(history, now)
    z = posterior.fit(b.prior, b.frame, typical, past, ITERATIONS).mode
    x, _ = posterior.replay(b.prior, b.frame, typical, z, past)
    one = jax.tree.map(lambda v: jnp.asarray(v)[None], x)
    return Belief(jnp.zeros(1), posterior.effects(b.prior, typical, z)[None], one, jnp.int32(0))


def choose(b: Believer, patient: Any, history: Any, now: Any, mask: Any) -> Any:
    """The allowed row whose predicted interval is nearest to the treatment's aim; `b` counts one particle."""
    expected = b.expected(patient, most_probable(b, patient, history, now), vary=False)
    far = b.treatment.distance(expected)[0]
    return jnp.argmin(jnp.where(mask & jnp.isfinite(far), far, jnp.inf))
