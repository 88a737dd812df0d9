"""What a policy sees, in the units that a clinic writes: an observation taken apart again.

Of every covariate the latest value; of every reading the latest value, its age, and the lowest one since the last dose; of the
doses the last one and how long ago. NaN for what is not known.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from posology.data.history import DAY, Channel
from posology.environments.treatment import Treatment


class Readable(NamedTuple):
    """Features with units, `values[N, F]`, in the order of `names`."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    values: np.ndarray


def readable(treatment: Treatment, observations: Any) -> Readable:
    """The observations `[N, …]` of a treatment (without what a belief adds to them) as features with units."""
    rows = np.atleast_2d(np.asarray(observations, np.float64))
    horizon = treatment.days * DAY
    columns: list[tuple[str, str, np.ndarray]] = [("day of the course", "d", rows[:, 0] * treatment.days)]
    parts = _channels(treatment.channels, rows, horizon)
    since = next(age[:, 0] for c, (_, age) in parts.items() if c.kind == "dose")
    for c, (value, age) in parts.items():
        unit = f"{c.unit}/{treatment.standard.unit.partition('/')[2]}" if c.per else c.unit
        if c.kind == "covariate":
            columns.append((c.name, unit, value[:, 0]))
            continue
        latest = f"latest {c.name}" if c.kind == "reading" else "last dose"
        columns += [(latest, unit, value[:, 0]), (f"age of the {latest}", "d", age[:, 0] / DAY)]
        if c.kind == "reading":
            mine = (age < since[:, None]) & np.isfinite(value)
            lowest = np.where(mine.any(axis=1), np.min(np.where(mine, value, np.inf), axis=1), np.nan)
            columns.append((f"lowest {c.name} since the last dose", unit, lowest))
    names, units, values = zip(*columns, strict=True)
    return Readable(names, units, np.stack(values, axis=1))


def _channels(channels: tuple[Channel, ...], rows: np.ndarray, horizon: float) -> dict[Channel, tuple[np.ndarray, np.ndarray]]:
    """Values and ages in hours of each channel, `[N, keep]`, newest first: the inverse of `data.history.encode`."""
    found, at = {}, 1
    for c in channels:
        keep = slice(at, at + c.keep)
        aged = c.kind != "covariate"
        at += c.keep * (3 if aged else 2)
        known = rows[:, at - c.keep : at] > 0.5
        scaled = rows[:, keep] * c.scale + c.centre
        value = np.where(known, np.exp(scaled) if c.log else scaled, np.nan)
        age = rows[:, keep.stop : keep.stop + c.keep] * horizon if aged else np.zeros_like(value)
        found[c] = (value, np.where(known, age, np.nan))
    return found
