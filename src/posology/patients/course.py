"""What happened to one patient, stretch by stretch, and how a model follows it at any times.

A record has doses and measurements at times of its own, so the steps of the solver are laid out
inside the compiled program: a `Frame` fixes how many there may be, an `Increment` says when. A value
measured at the time of a dose is the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from posology.patients import dosing, integrate
from posology.patients.dosing import Schedule
from posology.patients.model import Grid, PatientModel


class Increment(NamedTuple):
    """One stretch of a patient's time: what was given and what was measured. Times in the model's
    time unit from the start of the stretch.

    `dose_time`, `dose` (mg) and `duration`, `[D]` each, are the doses; `time`, `reading` (index into
    the model's readings), `value` and the flags `below` (the value is a limit of quantification) and
    `present`, `[M]` each, the measurements. `span` is the length of the stretch.
    """

    dose_time: Any
    dose: Any
    duration: Any
    span: Any
    time: Any
    reading: Any
    value: Any
    below: Any
    present: Any


@dataclass(frozen=True)
class Frame:
    """How long a stretch and an infusion may last, which fixes the number of steps."""

    span: float
    infusion: float

    def offsets(self, grid: Grid) -> tuple[np.ndarray, np.ndarray]:
        """Step ends after the start of an infusion and after its end (or after a bolus)."""
        none = np.zeros(0)
        return dosing.graded(grid, self.infusion) if self.infusion > 0 else none, dosing.graded(grid, self.span)


def step_ends(frame: Frame, grid: Grid, i: Increment) -> Any:
    """Ends of all steps of a stretch, sorted; unused ones fall together at its end."""
    import jax.numpy as jnp

    during, after = (jnp.asarray(v, jnp.asarray(i.span).dtype) for v in frame.offsets(grid))
    following = jnp.minimum(jnp.append(i.dose_time[1:], i.span), i.span)[:, None]
    start, stop = i.dose_time[:, None], (i.dose_time + i.duration)[:, None]
    ends = [jnp.minimum(start, following), jnp.minimum(start + during, jnp.minimum(stop, following)), stop, stop + after]
    doses = jnp.concatenate([jnp.minimum(e, following).ravel() for e in ends])
    measured = jnp.where(i.present, jnp.clip(i.time, 0.0, i.span), i.span)
    return jnp.sort(jnp.concatenate([doses, measured, jnp.atleast_1d(i.span)]))


def schedule(model: PatientModel, ends: Any, i: Increment) -> Schedule:
    """Lengths, infusion rates and boluses of the steps, in the unit of the model's entry."""
    import jax.numpy as jnp

    starts = jnp.concatenate([jnp.zeros_like(ends[:1]), ends[:-1]])
    middle = (starts + ends) / 2
    amount = i.dose * model.entries[model.entry].scale
    running = (middle[:, None] > i.dose_time) & (middle[:, None] < i.dose_time + i.duration)
    rate = jnp.sum(running * jnp.where(i.duration > 0, amount / jnp.where(i.duration > 0, i.duration, 1.0), 0.0), axis=1)
    last = jnp.searchsorted(starts, i.dose_time, side="right") - 1  # after a value measured at that time
    at_once = jnp.where((i.duration > 0) | (i.dose_time >= i.span), 0.0, amount)
    return Schedule(ends - starts, rate, jnp.zeros_like(ends).at[last].add(at_once))


class Followed(NamedTuple):
    """The state at the end of a stretch, the model's value of each measurement `[M]`, and the lowest
    value of the key reading in the stretch and its value at the end."""

    x: Any
    predicted: Any
    lowest: Any
    end: Any


def follow(model: PatientModel, frame: Frame, p: Any, x: Any, i: Increment, key: str | None = None) -> Followed:
    """One patient through one stretch.

    Args:
        p: individual parameters during the stretch.
        x: state at its start.
        key: the reading whose lowest value is kept (the model's first unless given).
    """
    import jax.numpy as jnp

    grid = model.coarse or model.grid
    ends = step_ends(frame, grid, i)
    trace = integrate.advance(model, p, x, schedule(model, ends, i), key)
    before, names = model.readings(x, p), list(model.reading_units)  # what comes out of a compiled loop is in another order
    along = lambda r: jnp.concatenate([jnp.atleast_1d(before[r] + 0 * trace.readings[r][0]), trace.readings[r]])  # noqa: E731
    values = jnp.stack([along(r) for r in names])
    node = jnp.where(i.time > 0, jnp.searchsorted(ends, jnp.clip(i.time, 0.0, i.span)) + 1, 0)
    return Followed(trace.state, values[i.reading, node], trace.lowest, trace.readings[key or names[0]][-1])

