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

ITERATIONS = 8  # enough for a dose from the prior's centre: the mode has settled to three digits
MORE = 4  # from the mode of the visit before, which is near


def unknown(b: Believer) -> Any:
    """Where the first fit begins: the prior's centre, as standard normal numbers."""
    doses = min(b.treatment.doses, b.env.spec.max_steps) * b.env.doses_per_step
    return jnp.zeros(posterior.size(b.prior, doses), jnp.float32)


def most_probable(b: Believer, patient: Any, history: Any, now: Any, before: Any = None) -> tuple[Belief, Any]:
    """A belief of one particle, the mode of the posterior given a history at its state at `now` (hours),
    and that mode; `before` is the mode of the visit before."""
    typical, past = b.typical(patient), b.past(history, now)
    known = jnp.maximum(jnp.sum(jnp.any(past.dose > 0, axis=1)), 1)
    iterations = ITERATIONS if before is None else MORE
    fit = posterior.fit(b.prior, b.frame, typical, past, iterations, before, known)
    one = jax.tree.map(lambda v: v[None], fit.x)
    return Belief(jnp.zeros(1), posterior.effects(b.prior, typical, fit.mode)[None], one, jnp.int32(0)), fit.mode


def choose(b: Believer, patient: Any, history: Any, now: Any, mask: Any, before: Any = None) -> tuple[Any, Any]:
    """The allowed row whose predicted interval is nearest to the treatment's aim, and the mode; `b`
    counts one particle."""
    belief, z = most_probable(b, patient, history, now, before)
    far = b.treatment.distance(b.expected(patient, belief, vary=False))[0]
    return jnp.argmin(jnp.where(mask & jnp.isfinite(far), far, jnp.inf)), z
