"""Draws patients: covariates, and each patient's own parameters with random effects.

Patient i depends on (key, i) alone, whatever the size of the population and the order of drawing.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from posology.patients.maps import MapModel
from posology.patients.model import PatientModel
from posology.quantities import replace


class Patient(NamedTuple):
    """One patient: number, covariates, own parameters (random effects between patients included)
    and the standard deviations of the logarithm by which they vary between occasions."""

    id: Any
    covariates: dict[str, Any]
    own: Any
    occasion_sd: dict[str, Any]


@dataclass(frozen=True)
class Bernoulli:
    """1 with probability `p`, else 0."""

    p: float

    def sample(self, key: Any) -> Any:
        import jax

        return (jax.random.uniform(key) < self.p).astype(np.float32)


@dataclass(frozen=True)
class Uniform:
    """Even between `low` and `high`."""

    low: float
    high: float

    def sample(self, key: Any) -> Any:
        import jax

        return self.low + (self.high - self.low) * jax.random.uniform(key)


@dataclass(frozen=True)
class Normal:
    """Normal, values outside [low, high] set to the nearer bound."""

    mean: float
    sd: float
    low: float
    high: float

    def sample(self, key: Any) -> Any:
        import jax

        return jax.numpy.clip(self.mean + self.sd * jax.random.normal(key), self.low, self.high)


@dataclass(frozen=True)
class LogNormal:
    """`median`·exp(`ln_sd`·z), within [low, high]."""

    median: float
    ln_sd: float
    low: float = 0.0
    high: float = float("inf")

    def sample(self, key: Any) -> Any:
        import jax

        value = self.median * jax.numpy.exp(self.ln_sd * jax.random.normal(key))
        return jax.numpy.clip(value, self.low, self.high)


@dataclass(frozen=True)
class Categorical:
    """One of `values`, with the probabilities `shares`."""

    values: tuple[float, ...]
    shares: tuple[float, ...]

    def sample(self, key: Any) -> Any:
        import jax

        return jax.random.choice(key, np.array(self.values, np.float32), p=np.array(self.shares, np.float32))


@dataclass(frozen=True)
class Along:
    """exp(`ln_sd`·z) times a median that goes straight from one of `medians` to the next along the covariate `of`, drawn
    before, whose values are `at`; the end values hold beyond the ends."""

    of: str
    at: tuple[float, ...]
    medians: tuple[float, ...]
    ln_sd: float

    def sample(self, key: Any, given: Any) -> Any:
        import jax

        median = jax.numpy.interp(given, np.array(self.at, np.float32), np.array(self.medians, np.float32))
        return median * jax.numpy.exp(self.ln_sd * jax.random.normal(key))


@dataclass(frozen=True)
class Unless:
    """1 with probability `p`, but never where the covariate `of`, drawn before, is 1."""

    of: str
    p: float

    def sample(self, key: Any, given: Any) -> Any:
        import jax

        return ((jax.random.uniform(key) < self.p) & (given < 1)).astype(np.float32)


Distribution = Bernoulli | Uniform | Normal | LogNormal | Categorical | Along | Unless


def sampled(distribution: Distribution, key: Any, covariates: Mapping[str, Any]) -> Any:
    """One value, in float32; `covariates` are those drawn before."""
    import jax.numpy as jnp

    given = (covariates[distribution.of],) if isinstance(distribution, Along | Unless) else ()
    return jnp.float32(distribution.sample(key, *given))


def middle(distribution: Distribution, covariates: Mapping[str, float]) -> float:
    """Its median or commonest value, without drawing; `covariates` are those of the patient so far."""
    match distribution:
        case Bernoulli(p):
            return float(p >= 0.5)  # noqa: PLR2004
        case Uniform(low, high):
            return (low + high) / 2
        case Normal(mean, _, low, high):
            return min(max(mean, low), high)
        case LogNormal(median, _, low, high):
            return min(max(median, low), high)
        case Categorical(values, shares):
            return max(zip(shares, values, strict=True))[1]
        case Along(of, at, medians, _):
            return float(np.interp(covariates[of], at, medians))
        case Unless(of, p):
            return float(p >= 0.5 and covariates[of] < 1)  # noqa: PLR2004


def effect_factor(model: PatientModel | MapModel) -> np.ndarray:
    """Cholesky factor of the covariance of the random effects, in the order of `random_effects`."""
    names = list(model.random_effects)
    sd = np.sqrt(list(model.random_effects.values()))
    correlation = np.eye(len(names))
    for (a, b), r in model.correlations.items():
        correlation[names.index(a), names.index(b)] = correlation[names.index(b), names.index(a)] = r
    return np.linalg.cholesky(correlation * np.outer(sd, sd))


def apply_effects(own: Any, effects: Mapping[str, Any]) -> Any:
    """Individual parameters times exp(effect)."""
    import jax.numpy as jnp

    return replace(own, **{name: getattr(own, name) * jnp.exp(e) for name, e in effects.items()})


def drawing(
    model: PatientModel | MapModel, distributions: Mapping[str, Distribution], measured: tuple[str, ...] = ()
) -> Callable[[Any, Any], Patient]:
    """`(key, numbers[n]) -> Patient`, compiled once per n: the patients of these numbers (see `draw`)."""
    import jax
    import jax.numpy as jnp

    factor = np.asarray(effect_factor(model), np.float32)
    effects = list(model.random_effects)
    unread = sorted(set(distributions) - {c.name for c in model.covariates})

    def one(key: Any, i: Any) -> Patient:
        mine = jax.random.fold_in(key, i)
        covariates: dict[str, Any] = {}
        for j, c in enumerate(model.covariates):
            if c.name in distributions:
                covariates[c.name] = sampled(distributions[c.name], jax.random.fold_in(mine, j), covariates)
            elif c.default is not None:
                covariates[c.name] = jnp.float32(c.default)
        for name in unread:
            stream = zlib.crc32(name.encode())  # of its own, whatever else is drawn
            covariates[name] = sampled(distributions[name], jax.random.fold_in(mine, stream), covariates)
        eta = jnp.asarray(factor) @ jax.random.normal(jax.random.fold_in(mine, 1000), (len(effects),))
        typical = jax.tree.map(jnp.float32, model.Params())
        own = apply_effects(model.individual(typical, covariates), dict(zip(effects, eta, strict=True)))
        for name in measured:
            covariates[name] = getattr(own, model.covariate(name).sets)
        spread = {k: jnp.float32(v**0.5) for k, v in model.occasion_effects.items()}
        return Patient(i, covariates, own, spread)

    return jax.jit(jax.vmap(one, in_axes=(None, 0)))


def draw(
    model: PatientModel | MapModel, distributions: Mapping[str, Distribution], key: Any, n: int, measured: tuple[str, ...] = ()
) -> Patient:
    """`n` patients with covariates from `distributions` (defaults where none is given), also those that
    the model does not read.

    `measured` names covariates that read an individual parameter directly (`Covariate.sets`).
    """
    return drawing(model, distributions, measured)(key, np.arange(n, dtype=np.int32))
