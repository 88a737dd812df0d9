"""Between a patient's record and what a treatment knows of him: its history, and back.

`known` reads a record as it stands at one time. Calendar time becomes hours since the course began
(the first dose given, or due and missed; the time asked when there is none), units become those of
the treatment's channels, and whatever was assumed is said. `record_of` writes a simulated episode as
a record; read back, it gives the same history, observation and dose.

A value below its limit of quantification enters the history as half of the limit (Beal, J Pharmacokinet
Pharmacodyn 2001;28:481, method M5); likelihoods read from `Known.measured` that it was censored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from posology.data.history import DAY, History
from posology.data.names import canonical
from posology.data.record import Measured, Record, from_dict
from posology.data.units import convert
from posology.environments.derived import derived
from posology.environments.given import Given, course, drug_of
from posology.environments.treatment import Treatment
from posology.patients.model import PatientModel

SIZES = (128, 512, 2048, 4096)  # of a history: few sizes, few compilations
UNDATED = -1e5  # h: a value without a date is never fresh
BEFORE = "baseline_"  # a covariate that stands for a reading before treatment
COUNTED_FROM = {"anc": 0.1}  # 10*9/L: the step in which counts are reported, a design choice
SIZE_OF = {"m2": "bsa", "kg": "weight"}


class Value(NamedTuple):
    """A value in the unit the treatment uses; `time` in hours of the record, None without a date."""

    name: str
    value: float
    unit: str
    time: float | None
    source: str
    below: bool = False


class Known(NamedTuple):
    """A record as it stands at `at`.

    `begin` is the hour of the record at which the course began, `now` hours since then. `latest` holds
    the latest value of each covariate, `measured` all values of the model's readings, `doses` what was
    given, times in hours of the record. `notes` say what was assumed, left out or carried forward. `told` holds facts that limits
    read and no history has, by name.
    """

    history: History
    begin: float
    now: float
    latest: dict[str, Value]
    measured: tuple[Value, ...]
    doses: tuple[Given, ...]
    notes: tuple[str, ...]
    told: tuple[tuple[str, float], ...] = ()


def history_of(record: Record, treatment: Treatment, at: float) -> tuple[History, tuple[str, ...]]:
    """The history of a record at hour `at` of the record, and what was assumed; see `known`."""
    found = known(record, treatment, at)
    return found.history, found.notes


def known(record: Record, treatment: Treatment, at: float, room: int = 0) -> Known:
    """What a record holds at hour `at`, in the treatment's units; later entries are not read.

    `room` entries are left free at the end of the history.

    Raises:
        ValueError: for a unit, a drug or a code that cannot be understood, naming record and field.
    """
    given = course(record, treatment.model, at)
    begin = at if given.begin is None else given.begin
    first = given.doses[0].time if given.doses else at
    before = _stands_for(treatment)
    every = readings_of(record, treatment.model, at)
    early, later = split_at(every, before, first)
    values = {name: values_of(record, name, unit, at) + early.get(name, []) for name, unit in _wanted(treatment).items()}
    latest = {name: max(found, key=dated) for name, found in values.items() if found}
    history = _history(treatment, [*(v for found in values.values() for v in found), *later], given.doses, begin, room)
    notes = (*record.notes, *given.notes, *carried(latest, at), *_censored(every))
    return Known(history, begin, at - begin, latest, every, given.doses, notes)


def stands_for(model: PatientModel) -> dict[str, str]:
    """Covariates that stand for a reading before treatment, with that reading."""
    names = [c.name for c in model.covariates if c.name.startswith(BEFORE)]
    return {n: r for n in names if (r := n.removeprefix(BEFORE)) in model.reading_units}


def _stands_for(treatment: Treatment) -> dict[str, str]:
    """The same, unless the treatment samples the reading there."""
    at_start = {s.reading for s in treatment.samples if s.at_start}
    return {name: reading for name, reading in stands_for(treatment.model).items() if reading not in at_start}


def split_at(measured: Sequence[Value], before: Mapping[str, str], first: float) -> tuple[dict[str, list[Value]], list[Value]]:
    """Measurements up to the first dose as values of the covariate that they stand for, and all others.

    A count before treatment is the baseline, as in the environments: it is not measured once more.
    """
    names = {reading: name for name, reading in before.items()}
    early: dict[str, list[Value]] = {name: [] for name in before}
    later = []
    for m in measured:
        if m.name in names and m.time is not None and m.time <= first:
            early[names[m.name]].append(m._replace(name=names[m.name], source=f"last {m.name} before the first dose"))
        elif m.name not in names or m.time is not None:
            later.append(m)
    return early, later


def _wanted(treatment: Treatment) -> dict[str, str]:
    """Covariates of the model, of the channels and of the unit of dose, with their units."""
    wanted = {c.name: c.unit for c in treatment.model.covariates}
    wanted |= {c.name: c.unit for c in treatment.channels if c.kind == "covariate"}
    for unit, name in SIZE_OF.items():
        if unit in treatment.standard.unit.split("/"):
            wanted.setdefault(name, unit)
    return wanted


def dated(value: Value) -> float:
    """The time of a value; before all others without one."""
    return -np.inf if value.time is None else value.time


def values_of(record: Record, name: str, unit: str, at: float) -> list[Value]:
    """All values of a covariate up to `at`, also those recorded as observations, in `unit`."""
    own = canonical(name)
    found = [_converted(record, name, m, unit) for m in record.covariates.get(own, ()) if m.time is None or m.time <= at]
    for o in record.observations:
        if o.name == own and o.time <= at:
            found.append(_converted(record, name, o, unit))
    return found or [Value(name, *v) for v in derived(record, own, unit, at, values_of)]


def _converted(record: Record, name: str, seen: Any, unit: str) -> Value:
    try:
        value = convert(seen.value, seen.unit, unit, canonical(name))
    except ValueError as error:
        raise ValueError(f"record '{record.id}': {error}") from None
    below = getattr(seen, "below", False)
    return Value(name, value / 2 if below else value, unit, seen.time, "record", below)


def readings_of(record: Record, model: PatientModel, at: float) -> tuple[Value, ...]:
    """All measurements of the model's readings up to `at`, in the model's units."""
    units = {canonical(name): (name, unit) for name, unit in model.reading_units.items()}
    seen = [o for o in record.observations if o.name in units and o.time <= at]
    return tuple(_counted(_converted(record, units[o.name][0], o, units[o.name][1])) for o in seen)


def _counted(v: Value) -> Value:
    """A count of nothing is one below the smallest that is reported: none has no logarithm."""
    least = COUNTED_FROM.get(v.name)
    if least is None or v.value > 0:
        return v
    return v._replace(value=least / 2, below=True, source=f"{v.source}: 0, taken as below {least:g}")


def carried(latest: dict[str, Value], at: float) -> list[str]:
    """Which values are older than `at`, and which were derived."""
    notes = []
    for v in latest.values():
        if v.time is not None and v.time < at and not v.name.startswith(BEFORE):
            notes.append(f"{v.name} {v.value:.4g} {v.unit} was measured {(at - v.time) / DAY:.3g} days before; carried forward")
        if v.source != "record":
            notes.append(f"{v.name}: {v.source}")
    return notes


def _censored(measured: tuple[Value, ...]) -> list[str]:
    names = dict.fromkeys(m.name for m in measured if m.below)
    return [f"{name} below its limit of quantification is shown to the policy as half of it" for name in names]


def size_for(entries: int) -> int:
    """The size of a history with room for so many entries.

    Raises:
        ValueError: for more than the largest.
    """
    fitting = [size for size in SIZES if size >= entries]
    if not fitting:
        raise ValueError(f"the record has {entries} entries; at most {SIZES[-1]} can be used")
    return fitting[0]


def _history(treatment: Treatment, values: list[Value], doses: tuple[Given, ...], begin: float, room: int) -> History:
    units = {c.name: (i, c.unit) for i, c in enumerate(treatment.channels)}
    rows = []
    for v in values:
        if v.name in units:
            i, unit = units[v.name]
            undated = UNDATED if v.name.startswith(BEFORE) else 0.0
            time = undated if v.time is None else v.time - begin
            rows.append((time, i, convert(v.value, v.unit, unit, v.name), 0.0))
    if "dose" in units:
        rows += [(d.time - begin, units["dose"][0], d.amount, d.duration) for d in doses]
    rows.sort(key=lambda row: row[0])
    size = size_for(len(rows)) + room
    columns = np.zeros((4, size), np.float32)
    columns[:, : len(rows)] = np.array(rows, np.float32).reshape(-1, 4).T
    return History(columns[0], columns[1].astype(np.int32), columns[2], columns[3], np.arange(size) < len(rows))


# From an episode to a record.


def record_of(treatment: Treatment, history: History, now: float, patient: str) -> Record:
    """A simulated episode as a record, at hour `now` of the course.

    The covariates that stand for a reading before treatment are dated, all others are constant. When
    the course began with a wait, the dose that was put off is recorded as missed, so that the calendar
    starts where the episode did.
    """
    rows = [r for r in zip(*(np.asarray(column).tolist() for column in history), strict=True) if r[4] and r[0] <= now]
    raw: dict[str, Any] = {"id": patient, "covariates": {}, "observations": []}
    drug, unit, doses = drug_of(treatment.model), treatment.model.recorded_unit, list[dict[str, Any]]()
    for time, what, value, duration, _ in rows:
        channel = treatment.channels[what]
        if channel.kind == "dose":
            dose = {"time": time, "amount": value, "unit": unit, "duration": duration, "drug": drug}
            doses.append(dose)
        elif channel.kind == "covariate":
            raw["covariates"][channel.name] = _exported(treatment, channel.name, channel.unit, time, value)
        else:
            raw["observations"].append(_observed(treatment, channel.name, channel.unit, time, value))
    if now > 0 and not any(dose["time"] == 0 for dose in doses):
        due = {"time": 0.0, "amount": 0.0, "unit": unit, "drug": drug, "status": "missed"}
        doses.insert(0, due)
    return from_dict({**raw, "doses": doses}, "episode")


def _exported(treatment: Treatment, name: str, unit: str, time: float, value: float) -> dict[str, Any]:
    dated = {"time": time} if name in _stands_for(treatment) else {}
    return Measured(value=value, unit=unit, **dated).model_dump(exclude_none=True)


def _observed(treatment: Treatment, name: str, unit: str, time: float, value: float) -> dict[str, Any]:
    lloq = treatment.model.residuals[name].lloq
    below = value < lloq
    return {"time": time, "name": name, "value": lloq if below else value, "unit": unit, "below": below}
