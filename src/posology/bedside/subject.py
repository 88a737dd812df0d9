"""Between a patient's record and a model alone, without a treatment: covariates, doses, measurements.

Doses after the time asked that are planned are taken as given, so that what follows is the forecast
under the plan. What was measured before the first dose and what it stands for is as in a treatment's records:
the last count before treatment is `baseline_anc`, and that is the model's parameter, known without error.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from posology.data.history import DAY
from posology.data.record import Record, at_hours
from posology.environments.given import Given, course, in_mg
from posology.environments.records import Value, carried, dated, readings_of, split_at, stands_for, values_of
from posology.patients import past
from posology.patients.course import Frame, Increment
from posology.patients.hours import in_hours
from posology.patients.model import PatientModel


class Subject(NamedTuple):
    """What a model needs of one record, as it stood at `at`.

    `past` and `frame` hold all stretches up to `until`, `begins` the start of each that is not
    padding, `[S]`; times in hours of the record. `measured` names the covariates that give a parameter,
    `measurements` what the fit rests on in order of time, `notes` what was assumed or left out.
    """

    id: str
    at: float
    until: float
    covariates: dict[str, float]
    measured: tuple[str, ...]
    doses: tuple[Given, ...]
    measurements: tuple[past.Measurement, ...]
    past: Increment
    frame: Frame
    begins: np.ndarray
    notes: tuple[str, ...]


def last_entry(record: Record) -> float:
    """The time of the last measurement or dose given, 0 for a record without either."""
    times = [o.time for o in record.observations] + [d.last_time for d in record.doses if d.status == "given"]
    return max(times, default=0.0)


def of_records(model: PatientModel) -> PatientModel:
    """The model as records speak of it: time in hours, doses in mg.

    Raises:
        ValueError: for a model whose doses are no amounts of a drug.
    """
    in_mg(model)
    return in_hours(model)


def subject(record: Record, model: PatientModel, at: str | float | None = None, ahead: float = 0.0) -> Subject:
    """A record as it stands at `at` (the last entry unless given), and `ahead` hours of its plan.

    Raises:
        ValueError: naming a covariate that is missing, or a unit, drug or dose that cannot be understood.
    """
    now = last_entry(record) if at is None else at_hours(record, at)
    until = now + ahead
    given = course(_planned_as_given(record, now), model, until)
    before = min([now, *(d.time for d in given.doses)])
    early, later = split_at(readings_of(record, model, now), stands_for(model), before)
    covariates, measured, notes = _covariates(record, model, now, early)
    told = [m for m in later if m.time is not None]
    # as for a history, a value below its limit comes as half of the limit
    seen = [past.Measurement(m.time or 0.0, m.name, (1 + m.below) * m.value, m.below) for m in told]
    used = tuple(sorted(m for m in seen if m.reading in model.residuals))
    doses = [past.Dosed(d.time, d.amount, d.duration) for d in given.doses]
    try:
        stretches, frame = past.stretches(model, doses, used, until)
    except ValueError as error:
        raise ValueError(f"record '{record.id}': {error}") from None
    first = min([d.time for d in doses if d.amount > 0], default=min([until, *(m.time for m in used)]))
    begins = first + np.concatenate([[0.0], np.cumsum(stretches.span, dtype=float)[:-1]])
    real = np.arange(len(begins)) < max(1, len({d.time for d in doses if d.amount > 0}))
    notes = [*record.notes, *given.notes, *notes, *_unused(record, model, seen, now), *_plan(given.doses, now)]
    return Subject(
        record.id, now, until, covariates, measured, given.doses, used, stretches, frame, begins[real],
        tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _planned_as_given(record: Record, now: float) -> Record:
    """The record in which what was given after `now` is unknown and what is planned after it happens."""
    kept = [d for d in record.doses if (d.status == "planned") == (d.time > now)]
    doses = (d.model_copy(update={"status": "given"}) if d.time > now else d for d in kept)
    return record.model_copy(update={"doses": tuple(doses)})


def _covariates(
    record: Record, model: PatientModel, now: float, early: dict[str, list[Value]]
) -> tuple[dict[str, float], tuple[str, ...], list[str]]:
    """Latest values, `early` ones among them, the model's reference value where there is none; what gives
    a parameter; notes."""
    found = {c.name: values_of(record, c.name, c.unit, now) + early.get(c.name, []) for c in model.covariates}
    latest = {name: max(values, key=dated) for name, values in found.items() if values}
    notes = carried(latest, now)
    changed = [name for name, values in found.items() if len({v.value for v in values}) > 1]
    notes += [f"{name} changed; its latest value stands for the whole course" for name in changed]
    values = {name: v.value for name, v in latest.items()}
    for c in model.covariates:
        if c.name in latest:
            if not c.low <= values[c.name] <= c.high:
                range_ = f"{c.low:g} to {c.high:g}, on which the model was built"
                notes.append(f"{c.name} {values[c.name]:.4g} {c.unit} lies outside {range_}")
        elif c.default is not None:
            values[c.name] = c.default
            notes.append(f"{c.name} is not in the record; the model's reference, {c.default:g} {c.unit}, is assumed")
        elif not c.sets:
            raise ValueError(f"record '{record.id}': covariate {c.name} ({c.unit}) is missing: {c.meaning}")
    measured = tuple(c.name for c in model.covariates if c.sets and c.name in latest)
    notes += [f"{name} is taken as {model.covariate(name).sets} without error" for name in measured]
    return values, measured, notes


def _unused(record: Record, model: PatientModel, seen: list[past.Measurement], now: float) -> list[str]:
    silent = dict.fromkeys(m.reading for m in seen if m.reading not in model.residuals)
    notes = [f"{name} was left out: the model gives it no residual error" for name in silent]
    known = {*model.reading_units, *(c.name for c in model.covariates)}
    others = dict.fromkeys(o.name for o in record.observations if o.name not in known and o.time <= now)
    notes += [f"{name} was left out: {model.id} has no such reading" for name in others]
    later = sum(o.time > now for o in record.observations)
    return notes + ([f"{later} measurements after the time asked were not used"] if later else [])


def _plan(doses: tuple[Given, ...], now: float) -> list[str]:
    ahead = [d for d in doses if d.time > now]
    first = (ahead[0].time - now) / DAY if ahead else 0.0
    return [f"planned doses followed as if given: {len(ahead)}, the first {first:.3g} days ahead"] if ahead else []

