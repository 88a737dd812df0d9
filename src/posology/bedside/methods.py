"""Three ways to a patient's posterior, each giving the same: parameters with intervals, and draws of
what was to be expected at any times.

- `map`: the mode with Laplace intervals; draws from that normal.
- `particles`: weighted particles that take the record dose by dose; what they expect of a stretch is
  what was known at its start.
- `nuts`: Hamiltonian Monte Carlo, the slow reference.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.patients import nuts, particles, posterior
from posology.patients.course import Frame, Increment
from posology.patients.likelihood import observed_each
from posology.patients.model import PatientModel
from posology.patients.particles import normal_points
from posology.patients.prior import Prior, Typical

DRAWS = 512
NORMAL_90 = 1.6448536  # SDs on each side of a normal that hold 90 %
FLAT = 0.05  # length of a gradient in SDs of the prior: the mode is at most as far away
KEY = 1985


class Bands(NamedTuple):
    """Weighted quantiles at the times of dense stretches, `[3, T, M]` each: 10, 50 and 90 % of the true
    value, and 5, 50 and 95 % of a measured one, residual error included."""

    true: Any
    measured: Any


class Estimated(NamedTuple):
    """The posterior of ln of each uncertain parameter over its typical value, `[R]` each, what was to
    be expected under it, and before anything was measured."""

    centre: Any
    sd: Any
    lower: Any
    upper: Any
    bands: Bands
    prior: Bands
    convergence: dict[str, Any]


def replayed(prior: Prior, frame: Frame, typical: Typical, dense: Increment, z: Any) -> Any:
    """What draws `z[K, d]` predict of all stretches, `[T, K, M]`."""
    return jax.vmap(lambda one: posterior.replay(prior, frame, typical, one, dense)[1], out_axes=1)(z)


def before(prior: Prior, stretches: int) -> Any:
    """Draws of z from the prior."""
    return jnp.asarray(normal_points(DRAWS, posterior.size(prior, stretches)), jnp.float32)


def both(prior: Prior, frame: Frame, typical: Typical, dense: Increment, z: Any) -> dict[str, Any]:
    """What `DRAWS` draws of the posterior and as many of the prior expect: followed together."""
    expected = replayed(prior, frame, typical, dense, jnp.concatenate([z, before(prior, dense.span.shape[0])]))
    even = jnp.full((len(expected), DRAWS), -np.log(DRAWS))
    return {"expected": expected[:, :DRAWS], "log_weight": even, "prior": expected[:, DRAWS:]}


def by_map(prior: Prior, frame: Frame, typical: Typical, past: Increment, dense: Increment) -> dict[str, Any]:
    """Mode and Laplace intervals."""
    fitted = posterior.fit(prior, frame, typical, past)
    z = posterior.draws(fitted, jax.random.key(KEY), DRAWS)
    spread = jnp.asarray(prior.factor, jnp.float32) @ fitted.factor[: len(prior.names)]
    centre, sd = posterior.effects(prior, typical, fitted.mode), jnp.sqrt(jnp.sum(spread**2, axis=1))
    bounds = {"lower": centre - NORMAL_90 * sd, "upper": centre + NORMAL_90 * sd}
    told = {"gradient": fitted.slope, "minus_ln_posterior": fitted.objective}
    return {"centre": centre, "sd": sd, **bounds, **both(prior, frame, typical, dense, z), "told": told}


def by_nuts(prior: Prior, frame: Frame, typical: Typical, past: Increment, dense: Increment) -> dict[str, Any]:
    """Four chains; the predictions from an even choice of their draws."""
    sampled = nuts.sample(prior, frame, typical, past, jax.random.key(KEY))
    effects = jax.vmap(lambda z: posterior.effects(prior, typical, z))(sampled.z)
    log_weight = jnp.full(len(effects), -np.log(len(effects)))
    chosen = np.linspace(0, len(sampled.z) - 1, DRAWS).round().astype(int)
    told = {"r_hat": sampled.r_hat, "effective_draws": sampled.effective, "divergences": sampled.divergences}
    return {**_weighted(effects, log_weight), **both(prior, frame, typical, dense, sampled.z[chosen]), "told": told}


def by_particles(prior: Prior, frame: Frame, typical: Typical, past: Increment, dense: Increment) -> dict[str, Any]:
    """Dose by dose."""

    def stretch(belief: particles.Belief, step: tuple[Increment, Increment]) -> Any:
        real, fine = step
        expected = particles.ahead(prior, frame, typical, belief, fine).predicted
        return particles.assimilate(prior, frame, typical, belief, real), (expected, belief.log_weight)

    first = particles.start(prior, typical, DRAWS)
    last, (expected, log_weight) = jax.lax.scan(stretch, first, (past, dense))
    told = {"effective_draws": jnp.exp(-jax.nn.logsumexp(2 * last.log_weight))}
    unmeasured = replayed(prior, frame, typical, dense, before(prior, dense.span.shape[0]))
    rows = {"expected": expected, "log_weight": log_weight, "prior": unmeasured}
    return {**_weighted(last.effects, last.log_weight), **rows, "told": told}


def _weighted(effects: Any, log_weight: Any) -> dict[str, Any]:
    """Mean, SD and 90 % interval of weighted effects `[K, R]`."""
    weight = jnp.exp(log_weight)
    centre = weight @ effects
    bounds = jax.vmap(lambda v: particles.quantiles(v, log_weight, (0.05, 0.95)), in_axes=1, out_axes=1)(effects)
    sd = jnp.sqrt(weight @ (effects - centre) ** 2)
    return {"centre": centre, "sd": sd, "lower": bounds[0], "upper": bounds[1]}


METHODS: dict[str, Callable[..., dict[str, Any]]] = {"map": by_map, "particles": by_particles, "nuts": by_nuts}
ENOUGH: dict[str, Callable[[dict[str, float]], bool]] = {
    "map": lambda told: told["gradient"] < FLAT and np.isfinite(told["minus_ln_posterior"]),
    "particles": lambda told: told["effective_draws"] >= 50,
    "nuts": lambda told: told["r_hat"] < 1.05 and told["effective_draws"] >= 100 and told["divergences"] == 0,
}
AFTER_ALL = {"map": True, "particles": False, "nuts": True}  # whether predictions know all measurements


def bands(model: PatientModel, reading: Any, expected: Any, log_weight: Any) -> Bands:
    """Bands of what weighted draws expect, `[T, K, M]`, of readings `[T, M]`."""

    def column(values: Any, log_weight: Any, q: tuple[float, ...]) -> Any:
        return jax.vmap(lambda v: particles.quantiles(v, log_weight, q), in_axes=1, out_axes=1)(values)

    noise = jax.random.normal(jax.random.key(KEY), (3, *expected.shape))
    measured = observed_each(model, reading[:, None, :], expected, noise)
    rows = ((expected, (0.1, 0.5, 0.9)), (measured, (0.05, 0.5, 0.95)))
    return Bands(*(jax.vmap(partial(column, q=q), out_axes=1)(v, log_weight) for v, q in rows))


@lru_cache(maxsize=32)
def _compiled(model: PatientModel, measured: tuple[str, ...], frame: Frame, method: str) -> Any:
    prior = Prior(model, measured)

    def run(typical: Typical, past: Increment, dense: Increment) -> tuple[dict[str, Any], Bands]:
        found = METHODS[method](prior, frame, typical, past, dense)
        expected, log_weight, first = (found.pop(name) for name in ("expected", "log_weight", "prior"))
        even = jnp.full(first.shape[:2], -np.log(DRAWS))
        after = bands(model, dense.reading, expected, log_weight)
        return {**found, "bands": after}, bands(model, dense.reading, first, even)

    return jax.jit(run)


def estimate(prior: Prior, frame: Frame, typical: Typical, past: Increment, dense: Increment, method: str) -> Estimated:
    """The posterior of one patient by one of `METHODS`; `dense` are the stretches of `past` with the
    times at which bands are wanted."""
    found, first = jax.tree.map(np.asarray, _compiled(prior.model, prior.measured, frame, method)(typical, past, dense))
    told = {name: float(value) for name, value in found.pop("told").items()}
    return Estimated(**found, prior=first, convergence={**told, "converged": bool(ENOUGH[method](told))})
