"""Weekly decisions on androgen deprivation in virtual men of `prostate-strobl2021`, until progression or the end of follow-up."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.environments.spec import Spec, Step
from posology.patients import prostate_cohort
from posology.patients.integrate import runge_kutta
from posology.patients.models.prostate_strobl2021 import MODEL
from posology.quantities import numbers_of

YEAR, WEEK = 365.25, 7  # d
LEAST = 1e-3  # size that is told apart
NEAR = 5.0  # sizes within 2/5 of progression are told apart finely


class Man(NamedTuple):
    """A number, and the man's own parameters."""

    id: Any
    p: Any


class State(NamedTuple):
    """The tumour, weeks so far, its size now and a week ago, the smallest so far, whether he was on treatment, and what ln size
    changed by in the last week without and with it (0 before the first)."""

    x: Any
    week: Any
    size: Any
    before: Any
    lowest: Any
    on: Any
    changes: tuple[Any, Any]


class AdaptiveProstate:
    """The functional environment: row 1 of the table is a week on treatment, row 0 one without."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        cohort = [prostate_cohort.BETAS, prostate_cohort.CORRELATION, prostate_cohort.AT_BOUND, prostate_cohort.LOG10_FR]
        content = [spec, numbers_of(MODEL.Params), cohort, prostate_cohort.PROGRESSED, WEEK]
        self.fingerprint = hashlib.sha256(repr(content).encode()).hexdigest()[:16]

    def draw(self, key: Any, n: int) -> Man:
        """`n` men; man i depends on (key, i) alone."""
        return Man(jnp.arange(n, dtype=jnp.int32), prostate_cohort.draw(key, n))

    def reset(self, key: Any, patient: Man) -> tuple[State, Any, Any]:
        """The day on which treatment can begin."""
        x = jax.tree.map(lambda v: jnp.asarray(v, jnp.float32), MODEL.baseline(patient.p))
        one = jnp.float32(1.0)
        state = State(x, jnp.int32(0), one, one, one, 0 * one, (0 * one, 0 * one))
        return state, self.observe(state), self._mask()

    def step(self, key: Any, state: State, action: Any, patient: Man) -> Step:
        """A week, day by day; the first day with a size above that of progression ends the course."""
        on = jnp.asarray(action, jnp.float32)

        def day(x: Any, _: Any) -> tuple[Any, Any]:
            x = runge_kutta(lambda x: MODEL.rates(0.0, x, patient.p, on), x, 1.0, 1)
            return x, MODEL.readings(x, patient.p)["size"]

        x, sizes = jax.lax.scan(day, state.x, None, length=WEEK)
        above = sizes > prostate_cohort.PROGRESSED
        progressed = jnp.any(above)
        days = jnp.where(progressed, jnp.argmax(above) + 1, WEEK).astype(jnp.float32)
        off, treated = state.changes
        change = _ln(sizes[-1]) - _ln(state.size)
        changes = (jnp.where(on > 0, off, change), jnp.where(on > 0, change, treated))
        after = State(x, state.week + 1, sizes[-1], state.size, jnp.minimum(state.lowest, sizes[-1]), on, changes)
        terms = jnp.stack([days, days * on]) / YEAR
        reward = jnp.asarray(self.spec.weights, jnp.float32) @ terms
        over = (after.week >= self.spec.max_steps) & ~progressed
        cost = progressed.astype(jnp.float32)[None]
        return Step(after, self.observe(after), reward, terms, cost, progressed, over, self._mask())

    def observe(self, state: State) -> Any:
        """What PSA tells: ln size now, its change in a week, the lowest so far; how near progression is; treatment, time, and the
        last change without and with treatment."""
        near = jnp.clip(NEAR * (prostate_cohort.PROGRESSED - state.size), -2.0, 2.0)
        told = (_ln(state.size), 10 * (_ln(state.size) - _ln(state.before)), _ln(state.lowest), state.on)
        changes = (10 * change for change in state.changes)
        return jnp.stack([*told, state.week / self.spec.max_steps, near, *changes]).astype(jnp.float32)

    def _mask(self) -> Any:
        return jnp.ones(2, bool)


def _ln(size: Any) -> Any:
    return jnp.log(jnp.maximum(size, LEAST))
