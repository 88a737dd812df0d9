"""Regimens side by side: what is asked of each, and the steps that follow it, laid out before anything is computed.

A regimen is a dose, when it is first given and how long until the next visit; what is given at a visit is given again at the
next ones until the common horizon. Steps are padded to chunks of one size, so that one compiled program follows any of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from posology.data.history import DAY
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.patients import dosing

MOST = 4  # regimens side by side
CHUNK, CHUNKS = 16, 96  # steps followed at once, and how often at most
POINTS = 256  # of a curve, at most
AFTER_DOSE = 8  # points of the first day after each dose
LONGEST = 182.0  # days until the next visit, or of delay, at most
FIELDS = ("dose", "every_days", "start_in_days")


class Regimen(NamedTuple):
    """What is given: an action (its `wait` until the visit after it), first after `start` days."""

    action: Action
    start: float

    @property
    def visit(self) -> float:
        """Days from now to the next visit."""
        return self.start + self.action.wait


class Laid(NamedTuple):
    """The steps of a regimen: lengths (h), and per unit of dose the rate and the bolus of each, `[CHUNKS, CHUNK]`; chunks
    used, and those until the next visit; the step after which each of `times` (days) stands, 0 for now; and the days of
    doses."""

    length: np.ndarray
    rate: np.ndarray
    bolus: np.ndarray
    chunks: int
    until_visit: int
    node: np.ndarray
    times: np.ndarray
    doses: np.ndarray


def regimen(treatment: Treatment, asked: Mapping[str, Any], where: str = "regimen") -> Regimen:
    """A regimen as it was asked for: {"dose": label or amount, "every_days": optional, "start_in_days": optional}.

    Raises:
        ValueError: naming the field, what it says and what is allowed.
    """
    unknown = [k for k in asked if k not in FIELDS]
    if unknown or "dose" not in asked:
        said = ", ".join(map(str, asked)) or "nothing"
        raise ValueError(f"{where}: says {said}; it needs a dose and may have every_days and start_in_days")
    action = action_of(treatment, asked["dose"])
    least = max(action.duration, action.interval if action.amount else 0.0) / DAY
    every = _days(asked.get("every_days"), action.wait, f"{where}, every_days", least)
    start = _days(asked.get("start_in_days"), 0.0, f"{where}, start_in_days", None)
    return Regimen(replace(action, wait=every), start)


def _days(value: Any, default: float, name: str, least: float | None) -> float:
    if value is None:
        return default
    try:
        days = float(value)
    except (TypeError, ValueError):
        days = math.nan
    if not (days <= LONGEST and (days >= 0 if least is None else days > 0 and days >= least)):
        allowed = "from 0" if least is None else f"from {least:.3g}" if least > 0 else "more than 0 and"
        raise ValueError(f"{name}: '{value}' is not allowed; it must be a number of days {allowed} to {LONGEST:g}")
    return days


def action_of(treatment: Treatment, dose: str | float) -> Action:
    """The row of that label, or a dose of that amount given as the standard is.

    Raises:
        ValueError: naming the labels there are.
    """
    for action in treatment.actions:
        if dose == action.label:
            return action
    try:
        amount = float(dose)
    except (TypeError, ValueError):
        labels = ", ".join(a.label for a in treatment.actions)
        raise ValueError(f"dose '{dose}': is neither an amount in {treatment.standard.unit} nor one of: {labels}") from None
    if not 0 <= amount < float("inf"):
        raise ValueError(f"dose {amount:g}: is not allowed; it must be a finite amount of at least 0 {treatment.standard.unit}")
    return replace(treatment.standard, amount=amount, label=f"{amount:g} {treatment.standard.unit}")


def lay_out(env: TreatmentEnvironment, r: Regimen, horizon: float) -> Laid:
    """The steps of a regimen until `horizon` (days), which is not before its next visit.

    Raises:
        ValueError: when that is more than can be followed.
    """
    doses, end, visit = _doses(r, horizon), horizon * DAY, r.visit * DAY
    times = _times(doses, r, horizon)
    if len(times) > POINTS:
        raise ValueError(f"{horizon:g} days with {len(doses)} doses are more than can be shown; ask for fewer days")
    parts, ends, chunks = [], [], []
    for begin, stop in ((0.0, visit), (visit, end)):
        if stop - begin < 1e-6:
            continue
        mine = [(d - begin, env.infusion if r.action.duration else 0.0) for d in doses if begin - 1e-9 <= d < stop - 1e-9]
        own = dosing.step_ends(env.model.grid, mine, [t - begin for t in times if begin < t <= stop], stop - begin)
        rate, bolus = dosing.fractions(own, mine)
        steps = np.stack([np.diff(own, prepend=0.0), rate.sum(axis=1), bolus.sum(axis=1)])
        chunks.append(math.ceil(len(own) / CHUNK))
        missing = chunks[-1] * CHUNK - len(own)
        parts.append(np.pad(steps, [(0, 0), (0, missing)]))
        ends.append(begin + np.concatenate([own, np.full(missing, own[-1])]))
    if sum(chunks) > CHUNKS:
        raise ValueError(f"{horizon:g} days with {len(doses)} doses are more than can be followed; ask for fewer days")
    whole, every = np.concatenate(parts, axis=1), np.concatenate(ends)
    node = np.where(times > 0, np.searchsorted(every, times - 1e-6) + 1, 0)
    padded = np.pad(whole, [(0, 0), (0, CHUNKS * CHUNK - whole.shape[1])]).reshape(3, CHUNKS, CHUNK).astype(np.float32)
    node = np.pad(node, (0, POINTS - len(node)), mode="edge").astype(np.int32)
    length, rate, bolus = padded
    return Laid(length, rate, bolus, sum(chunks), chunks[0], node, times / DAY, doses / DAY)


def _doses(r: Regimen, horizon: float) -> np.ndarray:
    """Hours from now of all doses before the horizon."""
    if not r.action.amount:
        return np.zeros(0)
    every = r.action.interval or r.action.wait * DAY
    return np.arange(r.start * DAY, horizon * DAY - 1e-6, every)


def _times(doses: np.ndarray, r: Regimen, horizon: float) -> np.ndarray:
    """Hours at which a curve is shown: now, every day, visit and horizon, and closer in the first day after each dose."""
    close = DAY * (np.arange(AFTER_DOSE) / AFTER_DOSE) ** 2
    gap = min([r.action.interval or r.action.wait * DAY, DAY])
    close = np.append(close, r.action.duration)
    after = doses[:, None] + close[close < gap]
    daily = DAY * np.arange(math.floor(horizon + 1e-9) + 1)
    found = np.round(np.concatenate([daily, after.ravel(), [r.visit * DAY, horizon * DAY]]), 4)
    return np.unique(found[found <= horizon * DAY + 1e-9])


def horizon_of(regimens: Sequence[Regimen], days: float | None) -> float:
    """Days to follow all regimens: to the last of their next visits, or longer.

    Raises:
        ValueError: for days that are none, or before that visit.
    """
    last = max(r.visit for r in regimens)
    if days is None:
        return last
    asked = _days(days, last, "days", None)
    if asked < last:
        raise ValueError(f"days: {asked:g} is not allowed; it must reach the last of the next visits, in {last:g} days")
    return asked
