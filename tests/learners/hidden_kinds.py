"""Patients of a hidden kind, for learners that adapt within one course."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.spec import Action, Feature, Spec, Step

DOSES = tuple(Action(f"{i} mg", float(i), "mg") for i in range(3))


class Person(NamedTuple):
    """`right` is 1 for the dose that helps and 0 for the others."""

    id: Any
    right: Any


@dataclass(frozen=True)
class HiddenKinds:
    """One of three doses helps a patient (reward 1), each in a third of all; only the time is observed.

    The optimum tries one dose after the other until one helps and stays with it: over T decisions it returns
    (T + (T − 1) + (T − 2))/3 = T − 1. Who does not remember what he tried gets T/3.
    """

    steps: int = 5
    spec: Spec = Spec("hidden-kinds", (Feature("time", "1"),), DOSES, ("reward",), (1.0,), max_steps=5)

    def draw(self, key: Any, n: int) -> Person:
        index = jnp.arange(n, dtype=jnp.int32)
        kinds = jax.vmap(lambda i: jax.random.randint(jax.random.fold_in(key, i), (), 0, 3))(index)
        return Person(index, jax.nn.one_hot(kinds, 3))

    def reset(self, key: Any, patient: Person) -> tuple[Any, Any, Any]:
        return jnp.int32(0), jnp.zeros(1), jnp.ones(3, bool)

    def step(self, key: Any, state: Any, action: Any, patient: Person) -> Step:
        t, reward = state + 1, patient.right[action]
        ended, never = t == self.steps, jnp.bool_(False)
        return Step(t, t.astype(jnp.float32)[None], reward, reward[None], jnp.zeros(0), ended, never, jnp.ones(3, bool))
