"""The posterior of one patient by Hamiltonian Monte Carlo: the slow reference for MAP and particles.

The density is that of `posterior.objective` over standard normal numbers z. Hoffman MD, Gelman A.
J Mach Learn Res 2014;15:1593, by the library blackjax (extra `bayes`).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.patients import posterior
from posology.patients.course import Frame, Increment
from posology.patients.prior import Prior, Typical

CHAINS, WARMUP, DRAWS = 4, 400, 500


class Sampled(NamedTuple):
    """Draws of z `[C·D, d]`, how many transitions diverged, the largest R̂ of any number of z (1 when
    the chains agree) and the smallest effective number of draws."""

    z: Any
    divergences: Any
    r_hat: Any
    effective: Any


def sample(
    prior: Prior, frame: Frame, typical: Typical, past: Increment, key: Any, draws: int = DRAWS, warmup: int = WARMUP
) -> Sampled:
    """`draws` draws from each of four chains that start at the mode, after `warmup` steps of adaptation.

    Raises:
        ModuleNotFoundError: when blackjax is not installed.
    """
    import blackjax

    density = log_density(prior, frame, typical, past)
    mode = posterior.fit(prior, frame, typical, past).mode

    def chain(key: Any) -> tuple[Any, Any]:
        begin, adapt, go = jax.random.split(key, 3)
        near = mode + 0.1 * jax.random.normal(begin, mode.shape)
        (state, found), _ = blackjax.window_adaptation(blackjax.nuts, density).run(adapt, near, num_steps=warmup)
        kernel = blackjax.nuts(density, **found).step

        def one(state: Any, key: Any) -> Any:
            state, info = kernel(key, state)
            return state, (state.position, info.is_divergent)

        return jax.lax.scan(one, state, jax.random.split(go, draws))[1]

    z, diverged = jax.lax.map(chain, jax.random.split(key, CHAINS))  # each takes as many steps as it needs
    r_hat = blackjax.diagnostics.potential_scale_reduction(z)
    effective = blackjax.diagnostics.effective_sample_size(z)
    return Sampled(z.reshape(-1, z.shape[-1]), jnp.sum(diverged), jnp.max(r_hat), jnp.min(effective))


def log_density(prior: Prior, frame: Frame, typical: Typical, past: Increment) -> Any:
    """ln of the posterior density of z up to a constant, differentiated forwards: z is short, and a
    backward pass would keep every step of the course."""

    def value(z: Any) -> Any:
        return -posterior.objective(prior, frame, typical, z, past)

    @jax.custom_vjp
    def density(z: Any) -> Any:
        return value(z)

    def forward(z: Any) -> tuple[Any, Any]:
        return value(z), jax.jacfwd(value)(z)

    density.defvjp(forward, lambda slope, g: (g * slope,))
    return density
