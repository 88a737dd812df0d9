"""A patient's past as stretches that begin with a dose: what beliefs and fits are updated with.

Values from before the first dose belong to the first stretch, at its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from posology.patients.course import Frame, Increment
from posology.patients.model import PatientModel

COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # few sizes, few compilations
SPANS = (24.0, 72.0, 168.0, 336.0, 504.0, 672.0, 1344.0, 2688.0, 8064.0, 26880.0)  # h


class Room(NamedTuple):
    """Room for more than one record needs, so that one compiled program serves many: numbers of stretches and of measurements
    in each that are rounded up to, and what a frame holds at least."""

    stretches: Sequence[int] = COUNTS
    measurements: Sequence[int] = (0, *COUNTS)
    frame: Frame = Frame(0.0, 0.0)


OWN_SIZE = Room()  # no more room than the record needs


class Measurement(NamedTuple):
    """A measured reading; `below`: somewhere below `value`. Time in the model's time unit."""

    time: float
    reading: str
    value: float
    below: bool = False


class Dosed(NamedTuple):
    """A dose in the model's `recorded_unit`, at once or infused over `duration`. Times in the model's time unit."""

    time: float
    amount: float
    duration: float = 0.0


def at_least(wanted: float, sizes: Sequence[float]) -> Any:
    """The smallest of `sizes` that holds `wanted`.

    Raises:
        ValueError: when none does.
    """
    for size in sizes:
        if size >= wanted:
            return size
    raise ValueError(f"{wanted:g} is more than can be followed; at most {sizes[-1]:g}")


def stretches(
    model: PatientModel, doses: Sequence[Dosed], measured: Sequence[Measurement], now: float, room: Room = OWN_SIZE
) -> tuple[Increment, Frame]:
    """The past of a record up to `now`: stacked stretches and the frame that holds each of them.

    Readings without a residual error tell nothing and are left out. Without a dose there is one
    stretch, from the first measurement to `now`, in which the patient is as before treatment. What is padded to make `room`
    changes nothing that follows from the past (`count`).

    Raises:
        ValueError: for an infusion that still runs at the next dose, which a stretch cannot hold.
    """
    given = _merged(sorted(d for d in doses if d.amount > 0 and d.time <= now))
    seen = sorted(m for m in measured if m.reading in model.residuals and m.time <= now)
    starts = [d.time for d in given] or [min([now, *(m.time for m in seen)])]
    ends = [*starts[1:], now]
    names = list(model.reading_units)
    mine = [
        [m for m in seen if m.time <= b and (m.time > a or i == 0)] for i, (a, b) in enumerate(zip(starts, ends, strict=True))
    ]
    most = int(at_least(max(map(len, mine)), room.measurements))
    rows = zip(mine, starts, ends, strict=True)
    parts = [_stretch(names, given[i : i + 1], seen, a, b, most) for i, (seen, a, b) in enumerate(rows)]
    empty = parts[-1]._replace(dose=np.zeros(1), span=0.0, present=np.zeros(most, bool))
    parts += [empty] * (int(at_least(len(parts), room.stretches)) - len(parts))
    longest = at_least(max([room.frame.span, *(b - a for a, b in zip(starts, ends, strict=True))]), SPANS)
    infusion = at_least(max([room.frame.infusion, *(d.duration for d in given)]), (0.0, 1.0, 3.0, *SPANS))
    columns = zip(Increment._fields, zip(*parts, strict=True), strict=True)
    kinds = {"reading": np.int32, "below": bool, "present": bool}
    return Increment(*(np.stack(c).astype(kinds.get(f, np.float32)) for f, c in columns)), Frame(longest, infusion)


def count(past: Increment) -> Any:
    """How many stretches are not padding, at least one; of NumPy or of JAX arrays."""
    real = jnp.any(past.dose > 0, axis=1) | jnp.any(past.present, axis=1) | (past.span > 0)
    return jnp.max(jnp.where(real, jnp.arange(1, len(real) + 1), 1))


def _merged(given: Sequence[Dosed]) -> list[Dosed]:
    """Doses in order of time; those that are given together are one."""
    found: list[Dosed] = []
    for d in given:
        last = found[-1] if found else None
        if last and (last.time, last.duration) == (d.time, d.duration):
            found[-1] = d._replace(amount=last.amount + d.amount)
            continue
        if last and (last.time == d.time or last.time + last.duration > d.time + 1e-3):
            raise ValueError(f"the dose at {last.time:g} h over {last.duration:g} h still runs at the next one, at {d.time:g} h")
        found.append(d)
    return found


def _stretch(
    names: list[str], dose: Sequence[Dosed], mine: Sequence[Measurement], start: float, end: float, most: int
) -> Increment:
    missing = most - len(mine)
    amount, duration = (dose[0].amount, dose[0].duration) if dose else (0.0, 0.0)
    return Increment(
        np.zeros(1), np.array([amount]), np.array([duration]), end - start,
        np.array([max(m.time - start, 0.0) for m in mine] + [0.0] * missing),
        np.array([names.index(m.reading) for m in mine] + [0] * missing),
        np.array([m.value for m in mine] + [1.0] * missing),
        np.array([m.below for m in mine] + [False] * missing, bool),
        np.array([True] * len(mine) + [False] * missing, bool),
    )  # fmt: skip


def together(pasts: Sequence[tuple[Increment, Frame]]) -> tuple[Increment, Frame]:
    """The pasts of many patients as one, with a leading axis, padded to the longest."""
    stretches, most = (max(p.present.shape[axis] for p, _ in pasts) for axis in (0, 1))

    def padded(name: str, v: Any, p: Increment) -> Any:
        t, m = stretches - p.present.shape[0], most - p.present.shape[1]
        width = m if name in ("time", "reading", "value", "below", "present") else 0
        v = np.pad(v, [(0, 0), (0, width)] if v.ndim == 2 else [(0, 0)], constant_values=1 if name == "value" else 0)
        return np.pad(v, [(0, t)] + [(0, 0)] * (v.ndim - 1), constant_values=1 if name == "value" else 0)

    whole = (np.stack([padded(name, getattr(p, name), p) for p, _ in pasts]) for name in Increment._fields)
    frames = [f for _, f in pasts]
    return Increment(*whole), Frame(max(f.span for f in frames), max(f.infusion for f in frames))


def by_dose(
    time: Any, value: Any, duration: Any, is_dose: Any, reading: Any, is_measured: Any, now: Any, doses: int, most: int
) -> Increment:
    """The same inside a compiled program, from entries `[E]` in any order of time.

    Args:
        time: of each entry; `value` in mg for a dose, `duration` of an infusion.
        is_dose: whether it is a dose that was given; `is_measured` whether a measurement of `reading`.
        doses: stretches to make room for; `most` measurements in each, the earliest are kept.
    """
    given = jnp.where(is_dose & (value > 0) & (time <= now), time, jnp.inf)
    when = jnp.sort(jnp.append(given, jnp.full(doses, jnp.inf)))[:doses]
    known = jnp.isfinite(when)
    start = jnp.where(known, when, now)
    end = jnp.append(start[1:], now)

    def one(k: Any, start: Any, end: Any, known: Any) -> Increment:
        here = is_dose & (time == start) & (value > 0) & known
        mine = is_measured & (time <= end) & ((time > start) | (k == 0)) & (known | (k == 0))
        order = jnp.argsort(jnp.where(mine, time, jnp.inf))[:most]
        at = jnp.maximum(time[order] - start, 0.0)
        present = mine[order]
        amount = jnp.sum(jnp.where(here, value, 0.0), keepdims=True)
        infused = jnp.max(jnp.where(here, duration, 0.0), keepdims=True)  # doses given together are one
        return Increment(
            jnp.zeros(1), amount, infused, end - start, jnp.where(present, at, 0.0), reading[order],
            jnp.where(present, value[order], 1.0), jnp.zeros_like(present), present,
        )  # fmt: skip

    return jax.vmap(one)(jnp.arange(doses), start, end, known)
