"""What is believed of a patient before anything was measured: random effects around the typical
values of his covariates. Effects that a covariate measures directly are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from posology.patients.model import PatientModel
from posology.patients.population import apply_effects, effect_factor
from posology.quantities import replace


class Typical(NamedTuple):
    """The centre of one patient's prior: individual parameters of the covariates, measured ones set,
    and the mean of ln of each uncertain parameter relative to them."""

    own: Any
    mean: Any


@dataclass(frozen=True, eq=False)
class Prior:
    """The prior of a model's random effects. `measured` names the covariates (`Covariate.sets`)
    that are known to give a parameter without error."""

    model: PatientModel
    measured: tuple[str, ...] = ()

    @cached_property
    def fixed(self) -> tuple[str, ...]:
        """Parameters that are measured."""
        return tuple(self.model.covariate(m).sets for m in self.measured)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Parameters that are uncertain, in the order of all effects here."""
        return tuple(n for n in self.model.random_effects if n not in self.fixed)

    @cached_property
    def occasional(self) -> tuple[str, ...]:
        """Parameters that vary between occasions."""
        return tuple(self.model.occasion_effects)

    @cached_property
    def _conditional(self) -> tuple[np.ndarray, np.ndarray]:
        """Factor of the covariance of the uncertain effects given the measured ones, and the gain."""
        every = list(self.model.random_effects)
        whole = effect_factor(self.model) @ effect_factor(self.model).T
        free, known = [every.index(n) for n in self.names], [every.index(n) for n in self.fixed if n in every]
        gain = whole[np.ix_(free, known)] @ np.linalg.inv(whole[np.ix_(known, known)])
        left = whole[np.ix_(free, free)] - gain @ whole[np.ix_(known, free)]
        return np.linalg.cholesky(left) if free else left, gain

    @property
    def factor(self) -> np.ndarray:
        """Cholesky factor of the covariance of the uncertain effects, `[R, R]`."""
        return self._conditional[0]

    @property
    def occasion_sd(self) -> np.ndarray:
        """SD of each occasion effect, `[O]`."""
        return np.sqrt(list(self.model.occasion_effects.values()))

    def typical(self, covariates: Mapping[str, Any]) -> Typical:
        """The centre of the prior for these covariates; those without a value take their default."""
        import jax
        import jax.numpy as jnp

        given = {c.name: c.default for c in self.model.covariates if c.default is not None} | dict(covariates)
        own = self.model.individual(jax.tree.map(jnp.float32, self.model.Params()), given)
        values = {self.model.covariate(m).sets: given[m] for m in self.measured}
        known = [n for n in self.model.random_effects if n in values]
        shift = jnp.array([jnp.log(values[n] / getattr(own, n)) for n in known], jnp.float32)
        mean = jnp.asarray(self._conditional[1], jnp.float32) @ shift
        return Typical(jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), replace(own, **values)), mean)

    def individual(self, typical: Typical, effects: Any, occasion: Any = None) -> Any:
        """Individual parameters for effects `[R]` around the typical values, and occasion effects `[O]`."""
        own = apply_effects(typical.own, dict(zip(self.names, effects, strict=True)))
        return own if occasion is None else apply_effects(own, dict(zip(self.occasional, occasion, strict=True)))
