"""What tells one patient from another, and an environment whose observation goes on with a context.

The simulator knows every patient: all numbers of a drawn patient, standardised over the pool, are what a context is to say.
Those that are the same in everybody say nothing and count for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Feature, Spec, Step
from posology.policies import network as net
from posology.policies.contextual import Contextual

SAME = 1e-4  # SD, in units of the size of a number, below which it does not differ between patients


class Known(NamedTuple):
    """A patient, and what the simulator knows of him, standardised over the pool `[k]`."""

    patient: Any
    truth: Any


class State(NamedTuple):
    """The patient's state, and what the encoder remembers of the course."""

    inner: Any
    memory: Any


def numbers_of(patient: Any) -> Any:
    """All numbers of one patient, in a row `[k]`; one 0 where there are none."""
    leaves = [jnp.ravel(v) for v in jax.tree.leaves(patient) if jnp.issubdtype(v.dtype, jnp.floating)]
    return jnp.concatenate(leaves).astype(jnp.float32) if leaves else jnp.zeros(1, jnp.float32)


def known(patients: Any) -> tuple[Known, Any]:
    """The pool with what is known of each, and which numbers differ between patients `[k]`.

    A number that is above 0 in everybody is taken as its logarithm: clearances and volumes spread by factors.
    """
    raw = jax.vmap(numbers_of)(patients)
    positive = jnp.min(raw, axis=0, keepdims=True) > 0
    values = jnp.where(positive, jnp.log(jnp.where(positive, raw, 1.0)), raw)
    mean, sd = (f(values, axis=0, keepdims=True) for f in (jnp.mean, jnp.std))
    differs = sd > SAME * (1.0 + jnp.abs(mean))
    return Known(patients, jnp.where(differs, (values - mean) / jnp.where(differs, sd, 1.0), 0.0)), differs[0]


class ContextEnvironment:
    """The environment as the actor of a `form` sees it, with the encoder's weights and the scale of what the actor sees.

    What is known of a patient rides along behind the terms, which no loss of an actor reads.
    """

    def __init__(self, env: Environment, form: Contextual, encoder: Mapping[str, Any], scale: tuple[Any, Any]) -> None:
        self.env, self.form, self.encoder, self.scale = env, form, encoder, scale
        self.spec = spec_of(env.spec, form.context)

    def draw(self, key: Any, n: int) -> Known:
        """`n` patients and what is known of them."""
        return known(self.env.draw(key, n))[0]

    def reset(self, key: Any, patient: Known) -> tuple[State, Any, Any]:
        """Start of an episode; the context knows the first observation."""
        inner, observation, mask = self.env.reset(key, patient.patient)
        seen, memory = self._seen(observation, net.start(self.form.encoder_network()))
        return State(inner, memory), seen, mask

    def step(self, key: Any, state: State, action: Any, patient: Known) -> Step:
        """One decision; the context follows."""
        step = self.env.step(key, state.inner, action, patient.patient)
        seen, memory = self._seen(step.observation, state.memory)
        terms = jnp.concatenate([step.terms, patient.truth])
        return step._replace(state=State(step.state, memory), observation=seen, terms=terms)

    def _seen(self, observation: Any, memory: Any) -> tuple[Any, Any]:
        z, memory = self.form.summed_up(self.encoder, self.scale, observation, memory)
        return jnp.concatenate([jnp.asarray(observation, jnp.float32), z]), memory


def spec_of(spec: Spec, size: int) -> Spec:
    """The spec with a context of that size."""
    return replace(spec, observation=(*spec.observation, *(Feature(f"context {i + 1}", "1") for i in range(size))))
