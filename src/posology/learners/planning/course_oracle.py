"""The oracle of the whole course: all coming doses at once, by derivatives through the patient.

It knows a patient's parameters and state and, as the greedy oracle, not the variability of the coming
occasions: it averages over draws of them. At each visit it minimises, by Gauss-Newton steps over the
doses d₁…d_T that remain,

    Σ_t Σ_q distance(interval t under occasions q)²,

with derivatives of the course itself, gives the first dose, rounded to the table, and plans anew.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from posology.environments.belief import Believer
from posology.environments.protocol import Chosen, State
from posology.patients.particles import normal_points
from posology.patients.population import apply_effects

DRAWS = 8
STEPS = 5
DAMPING = 1e-2


def choose(b: Believer, state: State, mask: Any, patient: Any) -> Any:
    """The allowed row nearest to the first dose of the best plan, of rows as the standard one but for the dose."""
    t, env = b.treatment, b.env
    like = [a.wait == t.standard.wait and a.interval == t.standard.interval and a.amount > 0 for a in t.actions]
    amounts = [a.amount for a, same in zip(t.actions, like, strict=True) if same]
    left = jnp.where(jnp.arange(t.doses) < t.doses - state.given, 1.0, 0.0)
    far = partial(_distances, b, state, patient)
    scale = t.standard.amount

    def improve(_: Any, plan: Any) -> Any:
        r, j = far(plan * scale), jax.jacfwd(lambda p: far(p * scale))(plan)
        r, j = (r * left).ravel(), (j * left[None, :, None]).reshape(-1, t.doses)
        step = jnp.linalg.solve(j.T @ j + DAMPING * jnp.eye(t.doses), j.T @ r)
        return jnp.clip(plan - jnp.clip(step, -0.3, 0.3), min(amounts) / scale, max(amounts) / scale)

    first = jnp.clip(jax.lax.fori_loop(0, STEPS, improve, jnp.full(t.doses, 0.8))[0] * scale, min(amounts), max(amounts))
    gap = jnp.abs(jnp.asarray(env.amount) - first) + jnp.where(jnp.asarray(like), 0.0, 1e6)
    return jnp.argmin(jnp.where(mask, gap, jnp.inf))


def _distances(b: Believer, state: State, patient: Any, plan: Any) -> Any:
    """How far each coming interval is from the aim, `[DRAWS, T]`, under a plan of doses `[T]`."""
    t, prior = b.treatment, b.prior
    points = jnp.asarray(normal_points(DRAWS, t.doses * len(prior.occasional)), jnp.float32)
    kappa = points.reshape(DRAWS, t.doses, len(prior.occasional)) * jnp.asarray(prior.occasion_sd, jnp.float32)

    def course(kappa: Any) -> Any:
        def interval(x: Any, step: Any) -> Any:
            dose, occasion = step
            own = apply_effects(patient.own, dict(zip(prior.occasional, occasion, strict=True)))
            chosen = Chosen(dose, jnp.float32(t.standard.wait), jnp.float32(t.standard.interval))
            found, after = b.env.forecast(x, own, chosen, patient)
            return after, t.distance(found)

        return jax.lax.scan(interval, state.x, (plan, kappa))[1]

    return jax.vmap(course)(kappa)
