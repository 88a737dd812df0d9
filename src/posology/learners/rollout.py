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

    def decide(t: Any, standing: Any) -> tuple[Any, Any]:
        state, observation, mask, memory, _ = standing
        action, extra, memory = act(jax.random.fold_in(choice, t), observation, mask, memory)
        step = env.step(noise, state, action, patient)
        cut = step.truncated & ~step.terminated
        discounted = step_discount(step, env.spec.discount, discount)
        row = (observation, mask, action, extra, step.reward, step.terms, step.costs, step.terminated, cut)
        goes_on = ~(step.terminated | step.truncated)
        return (step.state, _float(step.observation), step.mask, memory, goes_on), (*row, jnp.bool_(True), discounted)

    def one_more(carry: Any) -> Any:
        t, standing, rows = carry
        standing, row = decide(t, standing)
        return t + 1, standing, jax.tree.map(lambda kept, new: kept.at[t].set(new), rows, row)

    def unfinished(carry: Any) -> Any:
        t, standing, _ = carry
        return standing[-1] & (t < env.spec.max_steps)

    first = (state, _float(observation), mask, memory, jnp.bool_(True))
    rows = jax.tree.map(lambda x: jnp.zeros((env.spec.max_steps, *x.shape), x.dtype), _shapes(decide, first))
    # Many patients are played until the last of them has reached an end: courses are often far shorter
    # than the visits there is room for.
    length, last, rows = jax.lax.while_loop(unfinished, one_more, (jnp.int32(0), first, rows))
    return _padded(Episode(*rows), last[1], last[2], length)


def _shapes(decide: Callable[[Any, Any], tuple[Any, Any]], first: Any) -> Any:
    return jax.eval_shape(decide, jnp.int32(0), first)[1]


def _padded(e: Episode, observation: Any, mask: Any, length: Any) -> Episode:
    """After the end the patient stands still: the true last observation stays, the last action is repeated."""
    at = jnp.minimum(jnp.arange(e.alive.shape[0]), length - 1)
    after = jnp.arange(e.alive.shape[0] + 1)

    def stays(rows: Any, last: Any) -> Any:
        rows = jnp.concatenate([rows, last[None]])
        return jax.vmap(lambda t, row: jnp.where(t < length, row, last))(after, rows)

    repeated = {name: jax.tree.map(lambda v: v[at], getattr(e, name)) for name in ("action", "extra", "discount")}
    return e._replace(observation=stays(e.observation, observation), mask=stays(e.mask, mask), **repeated)


def _float(x: Any) -> Any:
    return jnp.asarray(x, jnp.float32)


def courses(env: Environment, act: Act, key: Any, patients: Any, count: int, discount: float = 1.0) -> Episode:
    """Courses of `count` patients drawn from a pool, each with noise of its own; `act` remembers nothing."""
    pool = jax.tree.leaves(patients)[0].shape[0]
    who, keys = jax.random.split(jax.random.fold_in(key, 0))
    chosen = of_patients(patients, jax.random.randint(who, (count,), 0, pool))
    noise, choice = jax.random.split(keys, (2, count))
    one = lambda n, c, patient: rollout(env, act, (), n, c, patient, discount)  # noqa: E731
    return jax.vmap(one)(noise, choice, chosen)


def worthless_after(e: Episode, bootstrap: bool) -> Any:
    """Decisions of one course after which nothing counts any more `[T]`: deaths, and without `bootstrap` the end of
    study and the last decision there is room for."""
    if bootstrap:
        return e.terminated
    last = jnp.arange(e.alive.shape[0]) == e.alive.shape[0] - 1
    return e.terminated | e.truncated | (e.alive & last)


def of_patients(patients: Any, index: Any) -> Any:
    """The patients at `index`, from a pool with leading axis."""
    return jax.tree.map(lambda x: x[index], patients)
