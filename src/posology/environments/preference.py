"""An environment seen with a preference: what counts how much is drawn for each patient and observed.

    reward = Σ_k w_k·term_k,   w ≥ 0, Σ w = 1 drawn evenly,   observation = (o, w)

Weights are of the terms in their own units and with the sign that the treatment gives them (a term whose default
weight is negative counts as −term): nothing is scaled behind the reader's back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Feature, Spec, Step

PREFERENCE = 7  # stream of random numbers


class State(NamedTuple):
    """The patient, and what counts for him."""

    inner: Any
    weights: Any


def objectives_of(spec: Spec, names: tuple[str, ...]) -> tuple[str, ...]:
    """The terms that a preference weighs: those named, else all.

    Raises:
        ValueError: for an unknown term, or fewer than two.
    """
    for name in names:
        if name not in spec.terms:
            raise ValueError(f"unknown term '{name}' of {spec.id}; known: {', '.join(spec.terms)}")
    chosen = names or spec.terms
    if len(chosen) < 2:
        raise ValueError(f"{spec.id} has the terms {', '.join(chosen)}; a preference needs at least two")
    return chosen


def signs(spec: Spec, objectives: tuple[str, ...]) -> tuple[float, ...]:
    """+1 or −1 for each objective: more of it is better, or worse."""
    return tuple(-1.0 if spec.weights[spec.terms.index(name)] < 0 else 1.0 for name in objectives)


class PreferenceEnvironment:
    """The environment whose policies see what counts; `objectives` are names of terms."""

    def __init__(self, env: Environment, objectives: tuple[str, ...] = ()) -> None:
        self.env, self.objectives = env, objectives_of(env.spec, objectives)
        self.draw = env.draw
        self.at = tuple(env.spec.terms.index(name) for name in self.objectives)
        self.signs = signs(env.spec, self.objectives)
        seen = (*env.spec.observation, *(Feature(f"weight of {name}", "1") for name in self.objectives))
        self.spec: Spec = replace(env.spec, observation=seen)

    def reset(self, key: Any, patient: Any) -> tuple[State, Any, Any]:
        """Start of an episode; an even draw from the simplex."""
        inner, observation, mask = self.env.reset(key, patient)
        own = jax.random.fold_in(jax.random.fold_in(key, PREFERENCE), patient.id)
        drawn = jax.random.exponential(own, (len(self.objectives),))
        weights = drawn / jnp.sum(drawn)
        return State(inner, weights), jnp.concatenate([observation, weights]), mask

    def step(self, key: Any, state: State, action: Any, patient: Any) -> Step:
        """One decision, rewarded by the patient's preference."""
        step = self.env.step(key, state.inner, action, patient)
        wanted = step.terms[jnp.array(self.at)] * jnp.array(self.signs)
        after = State(step.state, state.weights)
        seen = jnp.concatenate([step.observation, state.weights])
        return step._replace(state=after, observation=seen, reward=jnp.sum(wanted * state.weights))
