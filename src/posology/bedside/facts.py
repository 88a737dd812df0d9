"""Measured facts of a record that could have been otherwise, each with the range that it may take."""

from __future__ import annotations

from typing import Any, NamedTuple

from posology.bedside.consult import Consultation
from posology.data.names import canonical
from posology.data.record import Measured, Record, calendar
from posology.environments.records import BEFORE
from posology.patients.model import Covariate

CHANGING = ("bilirubin", "alb", "aag", "crcl", "scr", "weight")  # covariates that change; those measured before treatment beside
SEEN: dict[str, tuple[float, float]] = {"anc": (0.1, 25.0), "leukocytes": (0.3, 60.0)}  # 10*9/L, what is seen in clinics; assumed
WIDE = 10.0  # factor around the recorded value of a reading without such a range; assumed


class Fact(NamedTuple):
    """A positive value that was measured, in `unit`, dated as the record is (None: without a date), and its range."""

    name: str
    value: float
    unit: str
    time: Any
    low: float
    high: float
    record: Record
    entry: Any

    def at(self, value: float) -> Record:
        """The record with this value instead."""
        return self.entry(self.record, value)


def facts_to_change(c: Consultation) -> list[Fact]:
    """The latest value of each covariate that can change, and every measurement since the last dose, else the latest."""
    return [f for f in (*_covariates(c), *_readings(c)) if f.value > 0]


def _dated(c: Consultation, time: float | None) -> Any:
    return None if time is None else calendar(c.record, time).isoformat() if c.record.start else time


def _covariates(c: Consultation) -> list[Fact]:
    known: dict[str, Covariate] = {k.name: k for k in c.treatment.model.covariates}
    found = []
    for name, v in c.found.latest.items():
        if name in known and (name in CHANGING or name.startswith(BEFORE)) and v.source == "record":
            low, high = max(known[name].low, 1e-3), known[name].high
            found.append(Fact(name, v.value, v.unit, _dated(c, v.time), low, high, c.record, _set(name, v.unit, v.time)))
    return found


def _set(name: str, unit: str, time: float | None) -> Any:
    """Replaces the latest value of a covariate; earlier ones stay."""
    key = canonical(name)

    def entry(record: Record, value: float) -> Record:
        kept = tuple(m for m in record.covariates.get(key, ()) if m.time != time)
        seen = tuple(o for o in record.observations if not (o.name == key and o.time == time))
        values = (*kept, Measured(value=value, unit=unit, time=time))
        return record.model_copy(update={"covariates": record.covariates | {key: values}, "observations": seen})

    return entry


def _readings(c: Consultation) -> list[Fact]:
    units = {canonical(n): (n, u) for n, u in c.treatment.model.reading_units.items()}
    last = max((d.time for d in c.found.doses), default=float("-inf"))
    first = min((d.time for d in c.found.doses), default=float("inf"))
    found = []
    for i, o in enumerate(c.record.observations):
        if o.name not in units or o.below or not first < o.time <= c.now:
            continue
        newest = max(p.time for p in c.record.observations if p.name == o.name and p.time <= c.now)
        if o.time > last or o.time == newest:
            name, unit = units[o.name]
            value = next(m.value for m in c.found.measured if m.name == name and m.time == o.time)
            low, high = SEEN.get(name, (value / WIDE, value * WIDE))
            found.append(Fact(name, value, unit, _dated(c, o.time), low, high, c.record, _measure(i, unit)))
    return found


def _measure(i: int, unit: str) -> Any:
    """Replaces one measurement."""

    def entry(record: Record, value: float) -> Record:
        rows = list(record.observations)
        rows[i] = rows[i].model_copy(update={"value": value, "unit": unit})
        return record.model_copy(update={"observations": tuple(rows)})

    return entry
