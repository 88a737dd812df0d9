"""Published patients that move in steps: maps and Markov chains, where the others move by differential equations.

    x_{k+1} = transition(key, x_k, p, inputs_k)

`key` draws what is left to chance; without one (None) nothing is: noise is 0 and no event happens. A chain of grades is carried
as its probabilities, so that its course is exact without a draw.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from posology.patients.hazards import Hazards
from posology.patients.model import HOURS, Covariate, spread
from posology.quantities import numbers_of


@dataclass(frozen=True, eq=False)
class MapModel:
    """A patient in steps of length `step` in `time_unit`, or in generations (`time_unit` "1").

    `inputs` says what can be given in each step and in which unit; `transition` takes them as a mapping by name. `usual` are the
    inputs that the model is known for, one mapping per step. Everything else is as in `PatientModel`.
    """

    id: str
    title: str
    Params: type
    State: type
    baseline: Callable[[Any], Any]
    transition: Callable[[Any, Any, Any, Mapping[str, Any]], Any]
    readings: Callable[[Any, Any], dict[str, Any]]
    reading_units: Mapping[str, str]
    inputs: Mapping[str, str]
    step: float
    time_unit: str
    usual: Callable[[int], Mapping[str, float]]
    Individual: type | None = None
    individual: Callable[[Any, Mapping[str, Any]], Any] = field(default=lambda p, c: p)
    covariates: tuple[Covariate, ...] = ()
    correlations: Mapping[tuple[str, str], float] = field(default_factory=dict)
    credibility: str = "not ranked"
    source: str = ""
    not_for: str = ""
    hazards: Hazards | None = None

    @property
    def kind(self) -> str:
        """How the model is written."""
        return "map"

    @property
    def own(self) -> type:
        """The table of one patient's final values."""
        return self.Individual or self.Params

    @property
    def random_effects(self) -> dict[str, float]:
        """Individual parameter → variance of its logarithm between patients."""
        return spread(self.Params, "variance")

    @property
    def occasion_effects(self) -> dict[str, float]:
        """Individual parameter → variance of its logarithm between occasions of one patient."""
        return spread(self.Params, "occasion_variance")

    def covariate(self, name: str) -> Covariate:
        """The covariate of that name."""
        return next(c for c in self.covariates if c.name == name)

    @property
    def days(self) -> float:
        """Length of a step; a generation has none that is known."""
        return self.step * HOURS.get(self.time_unit, float("nan")) / 24

    @property
    def status(self) -> str:
        """The weakest status among the model's numbers."""
        present = {n.status for n in numbers_of(self.Params).values()}
        return next((weakest for weakest in ("unverified", "assumed") if weakest in present), "verified")


def follow(model: MapModel, p: Any, x: Any, given: Mapping[str, Any], key: Any = None) -> Any:
    """States `[K + 1]` of one patient from `x` under inputs `[K]` each, names that are left out being 0.

    A pure function that compiles; step k draws from `fold_in(key, k)`.
    """
    import jax
    import jax.numpy as jnp

    like = jnp.asarray(next(iter(given.values())))
    inputs = {name: jnp.asarray(given.get(name, 0 * like), like.dtype) for name in model.inputs}
    start = jax.tree.map(lambda v: jnp.asarray(v, like.dtype), x)

    def one(x: Any, now: Any) -> tuple[Any, Any]:
        k, u = now
        after = model.transition(None if key is None else jax.random.fold_in(key, k), x, p, u)
        after = jax.tree.map(lambda v: jnp.asarray(v, like.dtype), after)
        return after, after

    states = jax.lax.scan(one, start, (jnp.arange(len(like)), inputs))[1]
    return jax.tree.map(lambda a, b: jnp.concatenate([a[None], b]), start, states)


def plain(model: MapModel, p: Any, x: Any, given: Sequence[Mapping[str, float]]) -> list[Any]:
    """The same without chance on Python's numbers: the reference that compiled courses are compared with."""
    states = [x]
    for u in given:
        states.append(model.transition(None, states[-1], p, {name: u.get(name, 0.0) for name in model.inputs}))
    return states
