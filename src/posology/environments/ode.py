"""Published control problems whose patient is an ordinary differential equation under a control that is
held between decisions: x' = f(x, p, u), in equal steps by Runge-Kutta 4, or by RODAS where it is stiff."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.spec import Spec, Step
from posology.patients.integrate import rosenbrock, runge_kutta
from posology.quantities import numbers_of, replace


class Person(NamedTuple):
    """A patient: a number, and the parameters of the equations."""

    id: Any
    p: Any


class State(NamedTuple):
    """What the equations hold, and after how many decisions."""

    x: Any
    step: Any


class Outcome(NamedTuple):
    """Of one decision: terms of the reward, costs, and whether the patient died."""

    terms: tuple[Any, ...]
    costs: tuple[Any, ...]
    dead: Any


@dataclass(frozen=True, eq=False)
class Equations:
    """What a problem of this kind says.

    `control(action)` is what the equations and `outcome(before, after, u, p)` call u; `observe(x)` is a vector.
    `days` pass between two decisions, in `steps` equal steps; where the equations are `stiff` an explicit step
    would fail abruptly. `spread` gives ranges from which parameters are
    drawn evenly for each patient; the others are the same for all.
    """

    spec: Spec
    params: type[Any]
    start: Callable[[Any], Any]
    rates: Callable[[Any, Any, Any], Any]
    control: Callable[[Any], Any]
    outcome: Callable[[Any, Any, Any, Any], Outcome]
    observe: Callable[[Any], Any]
    days: float
    steps: int
    stiff: bool = False
    spread: Mapping[str, tuple[float, float]] = field(default_factory=dict)


class OdeEnvironment:
    """The environment of some equations."""

    def __init__(self, equations: Equations) -> None:
        e = self.equations = equations
        self.spec = e.spec
        content = [repr(e.spec), repr(numbers_of(e.params)), e.days, e.steps, e.stiff, sorted(e.spread.items())]
        self.fingerprint = hashlib.sha256(repr(content).encode()).hexdigest()[:16]

    def draw(self, key: Any, n: int) -> Person:
        """`n` patients; patient i depends on (key, i) alone."""
        e, ids = self.equations, jnp.arange(n, dtype=jnp.int32)
        p = jax.tree.map(lambda v: jnp.full(n, v, float), e.params())

        def own(i: Any) -> dict[str, Any]:
            keys = jax.random.split(jax.random.fold_in(key, i), len(e.spread))
            ranges = zip(keys, e.spread.items(), strict=True)
            return {name: jax.random.uniform(k, minval=low, maxval=high) for k, (name, (low, high)) in ranges}

        return Person(ids, replace(p, **jax.vmap(own)(ids)) if e.spread else p)

    def reset(self, key: Any, patient: Person) -> tuple[State, Any, Any]:
        """The start of a course."""
        x = jax.tree.map(jnp.asarray, self.equations.start(patient.p))
        return State(x, jnp.int32(0)), self.equations.observe(x), self._mask()

    def step(self, key: Any, state: State, action: Any, patient: Person) -> Step:
        """The control is held until the next decision."""
        e = self.equations
        u = e.control(action)
        advance = rosenbrock if e.stiff else runge_kutta
        x = advance(lambda y: e.rates(y, patient.p, u), state.x, e.days / e.steps, e.steps)
        found = e.outcome(state.x, x, u, patient.p)
        terms = jnp.stack([jnp.asarray(t, x[0].dtype) for t in found.terms])
        costs = jnp.stack([jnp.asarray(c, x[0].dtype) for c in found.costs]) if found.costs else jnp.zeros(0)
        reward = jnp.sum(terms * jnp.asarray(self.spec.weights, terms.dtype))
        after = State(x, state.step + 1)
        cut = (after.step >= self.spec.max_steps) & jnp.logical_not(found.dead)
        return Step(after, e.observe(x), reward, terms, costs, jnp.asarray(found.dead), cut, self._mask())

    def _mask(self) -> Any:
        return jnp.ones(max(len(self.spec.actions), 1), bool)
