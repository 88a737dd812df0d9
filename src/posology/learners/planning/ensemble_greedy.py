"""Ensemble-greedy: the dose with the best expected reward of the next interval under the belief.

It weighs every particle's outcome, tails included, where a plan for the most likely patient sees
one nadir. One step ahead: what a dose would teach is not counted.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from posology.environments.belief import Believer
from posology.patients import particles
from posology.patients.particles import Belief

PARTICLES = 512  # that follow the patient
AHEAD = 128  # that look ahead, chosen among them by weight
WORST = -10.0  # reward of an outcome that is no number


def values(b: Believer, patient: Any, belief: Belief) -> Any:
    """Expected reward of each row of the action table, `[A]`."""
    belief = particles.thinned(belief, AHEAD) if b.count > AHEAD else belief
    expected = b.expected(patient, belief)
    reward = sum(t.weight * t.of(expected) for t in b.treatment.terms if t.weight)
    return jnp.exp(belief.log_weight) @ jnp.where(jnp.isfinite(reward), reward, WORST)


def choose(b: Believer, patient: Any, belief: Belief, mask: Any) -> Any:
    """The allowed row with the highest expected reward."""
    return jnp.argmax(jnp.where(mask, values(b, patient, belief), -jnp.inf))
