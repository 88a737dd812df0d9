"""What searches for a whole course share: courses laid down in advance, tried on the same patients and noise.

A course is one row or dose per decision and looks at nothing on the way. For one patient whose fate is known it is as
good as any policy, which makes the best course found a lower bound on what can be reached there; for many patients
at once it is the best that needs no measurement.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment
from posology.environments.spec import Spec
from posology.learners.rollout import of_patients, rollout, step_discount
from posology.policies.course import Course, allowed_row


class State(NamedTuple):
    """`courses[n, T]` with what they returned, best first; `memory` of an optimiser, where there is one."""

    courses: Any
    worth: Any
    memory: Any
    key: Any
    updates: Any
    decisions: Any


def form(learner: Any, spec: Spec) -> Course:
    """A course of the longest length."""
    return Course(spec.size, len(spec.actions), spec.max_steps)


def tried(env: Environment, patients: Any, count: int, courses: Any, discount: float) -> tuple[Any, Any]:
    """Mean discounted return of each course `[n]` over the first `count` patients, and how many decisions it took.

    Patients and noise are the same for every course and every update: what is compared is the course.
    """
    people = of_patients(patients, jnp.arange(count))
    keys = jax.random.split(jax.random.key(0), count)

    def one(course: Any, key: Any, patient: Any) -> tuple[Any, Any]:
        def act(_: Any, observation: Any, mask: Any, t: Any) -> tuple[Any, Any, Any]:
            return allowed_row(course[t], mask), (), t + 1

        e = rollout(env, act, jnp.int32(0), key, key, patient, discount)
        before = jnp.concatenate([jnp.ones(1), jnp.cumprod(e.discount)[:-1]])
        return jnp.sum(e.reward * before), jnp.sum(e.alive, dtype=jnp.int32)

    every = jax.vmap(jax.vmap(one, (None, 0, 0)), (0, None, None))
    worth, length = every(courses, keys, people)
    return jnp.mean(worth, axis=1), jnp.sum(length)


def smooth(env: Environment, patients: Any, count: int, discount: float) -> Any:
    """A differentiable `course[T] -> mean discounted return` for a continuous dose."""
    people = of_patients(patients, jnp.arange(count))
    keys = jax.random.split(jax.random.key(0), count)

    def one(course: Any, key: Any, patient: Any) -> Any:
        def decide(carry: Any, dose: Any) -> tuple[Any, Any]:
            state, weight, alive = carry
            step = env.step(key, state, dose, patient)
            gained = jnp.where(alive, weight * step.reward, 0.0)
            goes_on = alive & ~(step.terminated | step.truncated)
            return (step.state, weight * step_discount(step, env.spec.discount, discount), goes_on), gained

        first = (env.reset(key, patient)[0], jnp.float32(1.0), jnp.bool_(True))
        return jnp.sum(jax.lax.scan(decide, first, course)[1])

    return lambda course: jnp.mean(jax.vmap(one, (None, 0, 0))(course, keys, people))


def ranked(state: State, courses: Any, worth: Any, keep: int) -> tuple[Any, Any]:
    """The best `keep` of the courses so far and the new ones."""
    every, values = jnp.concatenate([state.courses, courses]), jnp.concatenate([state.worth, worth])
    best = jnp.argsort(-jnp.where(jnp.isfinite(values), values, -jnp.inf))[:keep]
    return every[best], values[best]
