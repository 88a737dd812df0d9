"""One patient from first to last decision, padded to `max_steps`; the caller vmaps over patients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.environment import Environment


class Episode(NamedTuple):
    """Arrays of one patient, T = `spec.max_steps`; after the end `alive` is false and rewards are 0.

    `observation` and `mask` have T + 1 rows: row t + 1 follows decision t. `extra` is what `act`
    gave besides the action; `discount` is that of each decision.
    """

    observation: Any
    mask: Any
    action: Any
    extra: Any
    reward: Any
    terms: Any
    costs: Any
    terminated: Any
    truncated: Any
    alive: Any
    discount: Any


Act = Callable[[Any, Any, Any, Any], tuple[Any, Any, Any]]


def step_discount(step: Any, daily: float, otherwise: float) -> Any:
    """Discount of one decision: per day when the step tells its `days`, else a fixed one."""
    days = getattr(step, "days", None)
    return jnp.float32(otherwise) if days is None else jnp.float32(daily) ** days


def rollout(
    env: Environment, act: Act, memory: Any, noise: Any, choice: Any, patient: Any, discount: float = 1.0
) -> Episode:
    """An episode of one patient.

    Args:
        act: `(key, observation, mask, memory) -> (action, extra, memory)`.
        memory: the memory before the first observation.
        noise, choice: keys of what befalls the patient and of what the policy draws.
        discount: of a decision whose step does not tell its days.
    """
    state, observation, mask = env.reset(noise, patient)

    def decide(carry: Any, t: Any) -> tuple[Any, Any]:
        state, observation, mask, memory, alive = carry
        action, extra, memory = act(jax.random.fold_in(choice, t), observation, mask, memory)
        step = env.step(noise, state, action, patient)
        ended = step.terminated | step.truncated
        # After the end the patient stands still: the true last observation stays, nothing can overflow.
        hold = (state, observation, mask)
        now = jax.tree.map(
            lambda new, old: jnp.where(alive, new, old), (step.state, _float(step.observation), step.mask), hold
        )
        record = (
            observation,
            mask,
            action,
            extra,
            jnp.where(alive, step.reward, 0.0),
            jnp.where(alive, step.terms, 0.0),
            jnp.where(alive, step.costs, 0.0),
            alive & step.terminated,
            alive & step.truncated & ~step.terminated,
            alive,
            step_discount(step, env.spec.discount, discount),
        )
        return (*now, memory, alive & ~ended), record

    carry = (state, _float(observation), mask, memory, jnp.bool_(True))
    last, record = jax.lax.scan(decide, carry, jnp.arange(env.spec.max_steps))
    observations, masks, *rest = record
    join = lambda rows, end: jax.tree.map(lambda a, b: jnp.concatenate([a, b[None]]), rows, end)  # noqa: E731
    return Episode(join(observations, last[1]), join(masks, last[2]), *rest)


def _float(x: Any) -> Any:
    return jnp.asarray(x, jnp.float32)


def of_patients(patients: Any, index: Any) -> Any:
    """The patients at `index`, from a pool with leading axis."""
    return jax.tree.map(lambda x: x[index], patients)
