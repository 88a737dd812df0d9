"""A belief over one patient's parameters and state: weighted particles, updated stretch by stretch.

    w_k ∝ w_k · p(measured | particle k)

When the effective number of particles falls below half, they are resampled systematically and their
parameters moved as Liu and West propose, by a shrunken kernel that keeps mean and covariance:

    η_k ← m + a·(η_k − m) + √(1 − a²)·V^½·z,   a = (3δ − 1)/2δ

Gordon NJ et al. IEE Proc F 1993;140:107; Liu J, West M, in: Sequential Monte Carlo Methods in Practice,
2001, ch. 10. Random numbers depend on the number of stretches seen alone: a belief is a function of
what is known of the patient, wherever it is computed.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from scipy.stats import norm, qmc

from posology.patients.course import Followed, Frame, Increment, follow
from posology.patients.likelihood import log_likelihood
from posology.patients.prior import Prior, Typical

DISCOUNT = 0.98  # δ of Liu and West


class Belief(NamedTuple):
    """`K` particles: ln weights `[K]` that sum to one, effects `[K, R]` on ln parameters, states `[K]`
    each, and the number of stretches with a dose seen."""

    log_weight: Any
    effects: Any
    x: Any
    seen: Any


def normal_points(n: int, dimensions: int) -> np.ndarray:
    """`n` standard normal points that fill space evenly (scrambled Sobol), `[n, dimensions]`.

    In the sequence's own order every second point lies in one half of space. They come in the order of
    their bits reversed, so that equally spaced ones (`thinned`) fill space as well.
    """
    if dimensions == 0:
        return np.zeros((n, 0))
    sample = qmc.Sobol(dimensions, rng=np.random.default_rng(20010401)).random_base2(int(np.ceil(np.log2(max(n, 2)))))
    spread = sample[:n][np.argsort(qmc.Halton(1, scramble=False).random(n).ravel())]
    return np.asarray(norm.ppf(np.clip(spread, 1e-6, 1 - 1e-6)))


def start(prior: Prior, typical: Typical, particles: int) -> Belief:
    """The belief before anything was given or measured."""
    points = normal_points(particles, len(prior.names)) @ prior.factor.T
    effects = typical.mean + jnp.asarray(points, jnp.float32)
    x = jax.vmap(lambda e: prior.model.baseline(prior.individual(typical, e)))(effects)
    x = jax.tree.map(lambda v: jnp.broadcast_to(jnp.asarray(v, jnp.float32), (particles,)), x)
    return Belief(jnp.full(particles, -np.log(particles), jnp.float32), effects, x, jnp.int32(0))


def occasions(prior: Prior, particles: int, seen: Any) -> Any:
    """Occasion effects of each particle for the coming stretch, `[K, O]`."""
    key = jax.random.fold_in(jax.random.key(7), seen)
    z = jax.random.normal(key, (particles, len(prior.occasional)))
    return z * jnp.asarray(prior.occasion_sd, jnp.float32)


def ahead(prior: Prior, frame: Frame, typical: Typical, belief: Belief, i: Increment, key: str | None = None) -> Followed:
    """What each particle expects of a stretch, occasion variability included; arrays `[K, …]`."""
    kappa = occasions(prior, len(belief.log_weight), belief.seen)

    def one(effects: Any, x: Any, occasion: Any) -> Followed:
        return follow(prior.model, frame, prior.individual(typical, effects, occasion), x, i, key)

    return jax.vmap(one)(belief.effects, belief.x, kappa)


def assimilate(prior: Prior, frame: Frame, typical: Typical, belief: Belief, i: Increment) -> Belief:
    """The belief after a stretch: what was given moved the particles, what was measured weighs them."""
    return with_course(prior, frame, typical, belief, i, i.time[:0])[0]


def with_course(
    prior: Prior, frame: Frame, typical: Typical, belief: Belief, i: Increment, times: Any
) -> tuple[Belief, Any, Any]:
    """The belief after a stretch, and how it came there.

    Args:
        times: from the start of the stretch `[G]`, at which every reading is kept.

    Returns:
        the belief; the readings of each particle before it, `[K, readings, G]`; and which of these each particle goes on, `[K]`.
    """
    names, most = list(prior.model.reading_units), len(i.time)
    extra = len(names) * len(times)
    asked = {"time": jnp.tile(times, len(names)), "reading": jnp.repeat(jnp.arange(len(names)), len(times)),
             "value": jnp.ones(extra), "below": jnp.zeros(extra, bool), "present": jnp.ones(extra, bool)}  # fmt: skip
    joined = {k: jnp.concatenate([getattr(i, k), v.astype(jnp.asarray(getattr(i, k)).dtype)]) for k, v in asked.items()}
    followed = ahead(prior, frame, typical, belief, i._replace(**joined) if extra else i)
    course = followed.predicted[:, most:].reshape(len(belief.log_weight), len(names), len(times))
    followed = followed._replace(predicted=followed.predicted[:, :most])
    told = jax.vmap(lambda predicted: log_likelihood(prior.model, predicted, i))(followed.predicted)
    # a particle that left the range of numbers explains nothing
    sound = jnp.isfinite(told) & jnp.isfinite(followed.end)
    told = jnp.where(sound, told, -1e4)
    x = jax.tree.map(lambda new, old: jnp.where(sound, new, old), followed.x, belief.x)
    log_weight = jax.nn.log_softmax(belief.log_weight + told)
    dosed = jnp.any(i.dose > 0).astype(jnp.int32)
    after, chosen = _resampling(Belief(log_weight, belief.effects, x, belief.seen + dosed))
    return after, course, chosen


def _resampled(belief: Belief) -> Belief:
    """Equal weights again when fewer than half of the particles count."""
    return _resampling(belief)[0]


def _resampling(belief: Belief) -> tuple[Belief, Any]:
    """`_resampled`, and of each particle the one that it goes on."""
    weight, k = jnp.exp(belief.log_weight), len(belief.log_weight)
    key = jax.random.fold_in(jax.random.key(11), belief.seen)
    place = (jnp.arange(k) + jax.random.uniform(key)) / k
    chosen = jnp.minimum(jnp.searchsorted(jnp.cumsum(weight), place), k - 1)
    a = (3 * DISCOUNT - 1) / (2 * DISCOUNT)
    mean, factor = moments(belief)
    noise = jax.random.normal(jax.random.fold_in(key, 1), belief.effects.shape) @ factor.T
    moved = mean + a * (belief.effects[chosen] - mean) + np.sqrt(1 - a * a) * noise
    few = 1.0 / jnp.sum(weight**2) < k / 2
    x = jax.tree.map(lambda v: jnp.where(few, v[chosen], v), belief.x)
    log_weight = jnp.where(few, -np.log(k), belief.log_weight)
    after = Belief(log_weight, jnp.where(few, moved, belief.effects), x, belief.seen)
    return after, jnp.where(few, chosen, jnp.arange(k))


def thinned(belief: Belief, count: int) -> Belief:
    """The belief as `count` equally likely particles, each taken as often as its weight says."""
    place = (jnp.arange(count) + 0.5) / count
    chosen = jnp.minimum(jnp.searchsorted(jnp.cumsum(jnp.exp(belief.log_weight)), place), len(belief.log_weight) - 1)
    x = jax.tree.map(lambda v: v[chosen], belief.x)
    return Belief(jnp.full(count, -np.log(count), jnp.float32), belief.effects[chosen], x, belief.seen)


def moments(belief: Belief) -> tuple[Any, Any]:
    """Mean `[R]` of the effects and the Cholesky factor of their covariance `[R, R]`."""
    weight = jnp.exp(belief.log_weight)
    mean = weight @ belief.effects
    d = belief.effects - mean
    covariance = (d * weight[:, None]).T @ d
    # fewer particles that count than effects: singular but for rounding, which may be on either side
    ridge = 1e-5 * jnp.diag(covariance) + 1e-8
    return mean, jnp.linalg.cholesky(covariance + jnp.diag(ridge))


def quantiles(values: Any, log_weight: Any, q: tuple[float, ...]) -> Any:
    """Weighted quantiles `[Q]` of values `[K]`, see `weighted_quantiles`."""
    return weighted_quantiles(jnp.asarray(values), jnp.exp(log_weight), q)


def weighted_quantiles(values: Any, weight: Any, q: tuple[float, ...]) -> Any:
    """Quantiles `[Q]` of values `[K]` whose weights sum to one, with linear interpolation between the middles
    of their weights; of JAX or of NumPy arrays."""
    array = np if isinstance(values, np.ndarray) else jnp
    order = array.argsort(values)
    sorted_weight = weight[order]
    middle = array.cumsum(sorted_weight) - sorted_weight / 2
    return array.interp(array.asarray(q), middle, values[order])


def columns(values: np.ndarray, weight: np.ndarray, q: tuple[float, ...]) -> np.ndarray:
    """The same of each column of `values[K, N]`, all at once: `[Q, N]`."""
    order = np.argsort(values, axis=0)
    ordered, own = np.take_along_axis(values, order, axis=0), weight[order]
    middle = np.cumsum(own, axis=0) - own / 2
    found = []
    for wanted in q:
        above = np.clip((middle < wanted).sum(axis=0), 1, len(values) - 1)[None]
        low, high = (np.take_along_axis(middle, at, axis=0) for at in (above - 1, above))
        share = np.clip((wanted - low) / np.maximum(high - low, 1e-300), 0.0, 1.0)
        below, beyond = (np.take_along_axis(ordered, at, axis=0) for at in (above - 1, above))
        found.append((below + share * (beyond - below))[0])
    return np.stack(found)
