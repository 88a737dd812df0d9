"""An environment behind a shield: a forbidden dose is corrected before the patient gets it.

    given = correct(observation, mask, action);   what follows is what follows `given`

A shield behind the learner, which chooses freely and meets a patient that cannot be given what the shield forbids:
Alshiekh 2018, doi:10.1609/aaai.v32i1.11797 (post-posed shielding). One more term, of no weight, tells the row given.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec, Step

GIVEN = "row given"

Correct = Callable[[Any, Any, Any], Any]  # (observation, mask, row) -> row


class State(NamedTuple):
    """The patient, and what the shield sees of it."""

    inner: Any
    observation: Any
    mask: Any


class ShieldedEnvironment:
    """The environment of a table of doses whose rows `correct` may exchange; it must keep to the mask."""

    def __init__(self, env: Environment, correct: Correct) -> None:
        if not env.spec.discrete:
            raise ValueError(f"{env.spec.id} has a continuous dose; a shield corrects rows of a table")
        self.env, self.correct, self.draw = env, correct, env.draw
        terms, weights = (*env.spec.terms, GIVEN), (*env.spec.weights, 0.0)
        self.spec: Spec = replace(env.spec, terms=terms, weights=weights)

    def reset(self, key: Any, patient: Any) -> tuple[State, Any, Any]:
        """Start of an episode."""
        inner, observation, mask = self.env.reset(key, patient)
        return State(inner, jnp.asarray(observation, jnp.float32), mask), observation, mask

    def step(self, key: Any, state: State, action: Any, patient: Any) -> Step:
        """One decision, corrected."""
        given = self.correct(state.observation, state.mask, action)
        step = self.env.step(key, state.inner, given, patient)
        after = State(step.state, jnp.asarray(step.observation, jnp.float32), step.mask)
        return step._replace(state=after, terms=jnp.append(step.terms, given.astype(jnp.float32)))
