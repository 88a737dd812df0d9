"""Published control problems whose patient moves in steps: x' = transition(key, x, p, u), several steps from one decision to
the next. What has differential equations joins them where its steps are made by Runge-Kutta 4 (`stepped`).

Every random number is a function of (key, patient, stream, step): whoever is treated alike meets the same noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.ode import Outcome
from posology.environments.spec import Spec, Step
from posology.patients.integrate import runge_kutta
from posology.patients.maps import MapModel
from posology.patients.model import PatientModel
from posology.quantities import numbers_of

CHANCE, SEEN = 0, 1  # streams of random numbers


class Person(NamedTuple):
    """A patient: a number, and the parameters of the model."""

    id: Any
    p: Any


class State(NamedTuple):
    """What the model holds, after how many decisions, and what the problem remembers beside it."""

    x: Any
    step: Any
    kept: Any


@dataclass(frozen=True, eq=False)
class Mapped:
    """What a problem of this kind says.

    `draw(key)` gives one patient's parameters, `start(p)` the state at the first decision (the model's own unless said).
    `inputs(action, k)` goes in at the k-th of the `steps` steps after a decision. `outcome(before, along, given, p)` has the
    environment's state at the decision, and the model's states and inputs of all steps since. `observe(key, state, p)` is a
    vector, whose noise, if any, comes from that key. `first(x)` and `keep(before, along, given)` make what is remembered,
    `mask(state)` says which rows may be chosen. `said` are numbers that stand in none of the tables.
    """

    spec: Spec
    model: MapModel
    draw: Callable[[Any], Any]
    inputs: Callable[[Any, Any], Mapping[str, Any]]
    outcome: Callable[[State, Any, Any, Any], Outcome]
    observe: Callable[[Any, State, Any], Any]
    steps: int = 1
    start: Callable[[Any], Any] | None = None
    first: Callable[[Any], Any] = lambda x: ()
    keep: Callable[[State, Any, Any], Any] = lambda before, along, given: ()
    mask: Callable[[State], Any] | None = None
    said: tuple[Any, ...] = ()


class MappedEnvironment:
    """The environment of such a problem."""

    def __init__(self, mapped: Mapped) -> None:
        m = self.mapped = mapped
        self.spec = m.spec
        content = [repr(m.spec), repr(numbers_of(m.model.Params)), m.model.id, m.model.step, m.steps, m.said]
        self.fingerprint = hashlib.sha256(repr(content).encode()).hexdigest()[:16]
        own = lambda key, i: m.draw(jax.random.fold_in(key, i))  # noqa: E731
        self._drawn = jax.jit(jax.vmap(own, in_axes=(None, 0)))  # compiled once however often patients are drawn

    def draw(self, key: Any, n: int) -> Person:
        """`n` patients; patient i depends on (key, i) alone."""
        ids = jnp.arange(n, dtype=jnp.int32)
        return Person(ids, jax.tree.map(lambda v: jnp.asarray(v, float), self._drawn(key, ids)))

    def reset(self, key: Any, patient: Person) -> tuple[State, Any, Any]:
        """The first decision."""
        m = self.mapped
        x = jax.tree.map(lambda v: jnp.asarray(v, float), (m.start or m.model.baseline)(patient.p))
        state = State(x, jnp.int32(0), m.first(x))
        return state, self._observed(key, state, patient), self._mask(state)

    def step(self, key: Any, state: State, action: Any, patient: Person) -> Step:
        """All steps until the next decision."""
        m = self.mapped

        def one(x: Any, k: Any) -> tuple[Any, Any]:
            given = m.inputs(action, k)
            after = m.model.transition(stream(key, patient, CHANCE, m.steps * state.step + k), x, patient.p, given)
            after = jax.tree.map(lambda new, old: jnp.asarray(new, old.dtype), after, x)
            return after, (after, given)

        x, (along, given) = jax.lax.scan(one, state.x, jnp.arange(m.steps))
        found = m.outcome(state, along, given, patient.p)
        terms, costs = (jnp.stack([jnp.asarray(v, float) for v in part]) if part else jnp.zeros(0) for part in found[:2])
        reward = jnp.sum(terms * jnp.asarray(self.spec.weights, terms.dtype))
        after = State(x, state.step + 1, m.keep(state, along, given))
        dead = jnp.asarray(found.dead, bool)
        cut = (after.step >= self.spec.max_steps) & ~dead
        return Step(after, self._observed(key, after, patient), reward, terms, costs, dead, cut, self._mask(after))

    def _observed(self, key: Any, state: State, patient: Person) -> Any:
        seen = self.mapped.observe(stream(key, patient, SEEN, state.step), state, patient.p)
        return jnp.stack([jnp.asarray(v, float) for v in seen])

    def _mask(self, state: State) -> Any:
        every = jnp.ones(max(len(self.spec.actions), 1), bool)
        return every if self.mapped.mask is None else self.mapped.mask(state)


def stream(key: Any, patient: Person, which: int, when: Any) -> Any:
    """The key of one patient's random numbers of one kind at one step."""
    own = jax.random.fold_in(jax.random.fold_in(key, patient.id), which)
    return jax.random.fold_in(own, jnp.asarray(when, jnp.int32))


def last(along: Any) -> Any:
    """The last of the states of an interval."""
    return jax.tree.map(lambda v: v[-1], along)


def stepped(model: PatientModel, length: float, parts: int) -> MapModel:
    """A model of differential equations in steps of `length` of its time unit, each made of `parts` by Runge-Kutta 4. What
    goes in is a rate, by the name of its entry."""

    def transition(key: Any, x: Any, p: Any, given: Mapping[str, Any]) -> Any:
        return runge_kutta(lambda y: model.rates(0.0, y, p, given[model.entry]), x, length / parts, parts)

    return MapModel(
        id=model.id,
        title=model.title,
        Params=model.Params,
        State=model.State,
        baseline=model.baseline,
        transition=transition,
        readings=model.readings,
        reading_units=model.reading_units,
        inputs={model.entry: f"{model.dose_unit}/{model.time_unit}"},
        step=length,
        time_unit=model.time_unit,
        usual=lambda k: {},
        Individual=model.Individual,
        individual=model.individual,
        covariates=model.covariates,
        credibility=model.credibility,
        source=model.source,
        not_for=model.not_for,
    )
