"""The oracle of a return: knows a patient's parameters and state, and plans every visit that is left.

Where the return speaks of the end of a course, what is best now depends on what comes later, and the greedy oracle is none. The
plan is a row of the table for each visit. At a visit it begins with the better of the plan so far and of those that give the
standard row a number of times and then nothing, and goes once through the coming visits, each time taking the row that makes the
whole rest of the course worth most. Variability between occasions is not foreseen. What it reaches is a lower bound
on the best return, for a plan that no single change improves need not be the best.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from posology.environments.protocol import State, TreatmentEnvironment


def nothing_planned(env: TreatmentEnvironment) -> Any:
    """A plan without a dose, `[T]` rows."""
    return jnp.full(env.spec.max_steps, _idle(env), jnp.int32)


def _idle(env: TreatmentEnvironment) -> int:
    """The row without a dose; of several the first, of none the smallest dose."""
    return min(range(len(env.amount)), key=lambda row: (env.amount[row], row))


def improved(env: TreatmentEnvironment, state: State, mask: Any, patient: Any, plan: Any) -> Any:
    """A plan `[T]` that is worth at least as much as `plan` from `state` on; `mask` says what may be given now."""
    visits, rows = jnp.arange(env.spec.max_steps), jnp.arange(len(env.amount))
    worth = lambda p: jnp.where(mask[p[state.step]], value(env, state, patient, p), -jnp.inf)  # noqa: E731
    standard = env.treatment.actions.index(env.treatment.standard)
    spans = jnp.arange(env.spec.max_steps + 1)
    begun = jax.vmap(lambda n: jnp.where(visits < state.step + n, standard, _idle(env)))(spans).astype(jnp.int32)
    starts = jnp.concatenate([plan[None], begun])
    best = starts[jnp.argmax(jax.lax.map(worth, starts))]

    def visit(p: Any, t: Any) -> tuple[Any, None]:
        each = jax.vmap(lambda row: p.at[t].set(row.astype(jnp.int32)))(rows)
        worths = jax.lax.map(worth, each)
        better = jnp.max(worths) > worth(p)
        return jnp.where((t >= state.step) & better, each[jnp.argmax(worths)], p), None

    return jax.lax.scan(visit, best, visits)[0]


def value(env: TreatmentEnvironment, state: State, patient: Any, plan: Any) -> Any:
    """Return of the visits that are left, without variability between occasions."""

    def visit(carry: Any, k: Any) -> tuple[Any, Any]:
        x, day, given, alive = carry
        chosen = env.chosen(plan[k])
        interval, after = env.forecast(x, patient.own, chosen, patient)
        reward = env.reward(env.terms(interval))
        now = alive & (k >= state.step)
        x = jax.tree.map(lambda a, b: jnp.where(now, a, b), after, x)
        day, given = day + jnp.where(now, chosen.wait, 0.0), given + (now & (chosen.amount > 0))
        stopped, over = env.ended(interval, given, day)
        return (x, day, given, alive & ~(now & (over | stopped))), jnp.where(now, reward, 0.0)

    start = (state.x, state.day, state.given, jnp.ones((), bool))
    return jax.lax.scan(visit, start, jnp.arange(env.spec.max_steps))[1].sum()
