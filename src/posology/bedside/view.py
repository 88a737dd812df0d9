"""What policies and limits see of a record: the observation, the facts, and which doses are open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.data.history import DAY, encode
from posology.environments.facts import facts_of
from posology.environments.records import Known
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.safety.limits import Facts
from posology.safety.shield import amounts_for, offered
from posology.safety.shield import permits as permits_of


class View(NamedTuple):
    """The observation and the facts at the decision; `mask[A]` says which rows of the table are open,
    `free[A]` which would be without hard limits, `none` that neither a dose nor a wait is."""

    observation: Any
    facts: Facts
    mask: Any
    free: Any
    none: Any


class Verdicts(NamedTuple):
    """Per limit and option, `[L, M]`: whether it permits the option, and whether it permits more."""

    permits: np.ndarray
    permits_more: np.ndarray

    @property
    def allowed(self) -> np.ndarray:
        """Whether every limit permits the option, `[M]`."""
        return np.asarray(self.permits.all(axis=0))


@lru_cache(maxsize=32)
def _compiled(treatment: Treatment) -> Any:
    """The view, for a history of any size, and what a record tells beside it."""
    soft = tuple(limit for limit in treatment.limits if limit.offer)

    def view(history: Any, now: Any, told: dict[str, Any]) -> View:
        facts = facts_of(history, now, treatment)
        # where the history knows it too, the lower value; fmin takes the one that is a number
        facts = facts._replace(**{name: jnp.fmin(getattr(facts, name), value) for name, value in told.items()})
        mask, none = offered(treatment.limits, treatment.spec, facts)
        free = offered(soft, treatment.spec, facts)[0]
        return View(encode(history, now, treatment.channels, treatment.days * DAY), facts, mask, free, none)

    return jax.jit(view)


def seen(treatment: Treatment, known: Known) -> View:
    """What policies and limits see of a record."""
    told = {name: jnp.float32(value) for name, value in known.told}
    return _compiled(treatment)(known.history, jnp.float32(known.now), told)


@lru_cache(maxsize=128)
def _judge(treatment: Treatment, kinds: tuple[Action, ...]) -> Any:
    """Verdicts on actions of these kinds, whatever their amounts `[L, M]`: compiled once for all doses given alike."""
    spec = replace(treatment.spec, actions=kinds)

    def judge(facts: Facts, amounts: Any) -> Any:
        return jnp.stack([permits_of(x, spec, facts, amounts[i]) for i, x in enumerate(treatment.limits)])

    return jax.jit(judge)


def _kind(action: Action) -> Action:
    """All of an action but its amount."""
    return replace(action, amount=float(action.amount > 0), label="", wait=0.0)


def _next(action: Action, options: Sequence[Action]) -> float:
    """The next larger dose of the same schedule, or a little more than the largest."""
    larger = [a.amount for a in options if a.interval == action.interval and a.amount > action.amount]
    return min(larger, default=action.amount * 1.001) if action.amount else 0.0


def verdicts(treatment: Treatment, facts: Facts, options: tuple[Action, ...]) -> Verdicts:
    """What each limit says of each option: the shield's own answer, limit by limit."""
    judge = _judge(treatment, tuple(map(_kind, options)))
    more = tuple(replace(a, amount=_next(a, options)) for a in options)
    amounts = (np.array([amounts_for(x, table) for x in treatment.limits], np.float32) for table in (options, more))
    return Verdicts(*(np.asarray(judge(facts, v)) for v in amounts))


def permits(treatment: Treatment, facts: Facts, action: Action) -> np.ndarray:
    """Which limits permit an action, `[L]`."""
    if action in treatment.actions:
        return verdicts(treatment, facts, treatment.actions).permits[:, treatment.actions.index(action)]
    return verdicts(treatment, facts, (action,)).permits[:, 0]


def closing(treatment: Treatment, facts: Facts, action: Action, instead: Action | None = None) -> str | None:
    """The limit that forbids an action: where a wait is chosen `instead`, the one that waiting can open,
    else the first."""
    forbids = [x for x, ok in zip(treatment.limits, permits(treatment, facts, action), strict=True) if not ok]
    gates = [x for x in forbids if x.gate and instead is not None and instead.delay]
    return (gates or forbids)[0].id if forbids else None
