"""NONMEM data sets: ID TIME AMT RATE II ADDL SS EVID MDV CMT DVID CENS DV and covariate columns.

`.` or an empty cell is missing. A NONMEM file has no units and no names, so `NonmemUnits` gives them:
from the caller, or from a file `<data>.units.json` beside the data, or the defaults, which the record
then notes. A column whose unit nobody gave is refused rather than guessed.

A dose with RATE > 0 runs over AMT/RATE. CENS = 1 says that DV is the limit of quantification. EVID = 2
rows only carry covariates. A reset (EVID 3 or 4) is accepted as a patient's first row, where there is
nothing to reset; later it would start a second history, which one record cannot hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from posology.data import times
from posology.data.faults import describe, made_of
from posology.data.names import canonical
from posology.data.readers.text import Row, number, rows, whole
from posology.data.record import Record, from_dict
from posology.data.units import factor

SPECIAL = ("ID", "TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID", "MDV", "CMT", "DVID", "CENS", "BLQ", "DV")
_MISSING = ("", ".", "NA")
Covariates = Mapping[str, tuple[str, str]]


class NonmemUnits(BaseModel):
    """What a NONMEM file leaves out.

    `dvid` maps a value of DVID (or, without that column, of CMT on observations) to (name, unit) and
    replaces `dv_name` and `dv`. `covariates` maps a column to (name, unit); `ignore` lists columns to
    leave unread. `timed` names covariates that were measured at times even where they never changed;
    `routes` maps CMT on doses to a route, `ids` ID to the patient's name, `starts` the patient's name
    to the calendar time of TIME 0.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    time: str = "h"
    amount: str = "mg"
    dv_name: str = "concentration"
    dv: str = "mg/L"
    dvid: Mapping[str, tuple[str, str]] = {}
    covariates: Mapping[str, tuple[str, str]] = {}
    ignore: tuple[str, ...] = ()
    timed: tuple[str, ...] = ()
    routes: Mapping[str, str] = {}
    ids: Mapping[str, str] = {}
    starts: Mapping[str, str] = {}


# Columns whose name says what they are in most data sets; a wrong unit shows as an impossible value.
_USUAL: Mapping[str, tuple[str, str]] = {
    "WT": ("weight", "kg"), "WGT": ("weight", "kg"), "WEIGHT": ("weight", "kg"),
    "HT": ("height", "cm"), "HGT": ("height", "cm"), "HEIGHT": ("height", "cm"),
    "AGE": ("age", "a"), "BSA": ("bsa", "m2"), "MALE": ("male", "1"), "APGR": ("apgar", "1"),
}  # fmt: skip


def units_from(raw: Any, where: str) -> NonmemUnits:
    """`NonmemUnits` from the parsed sidecar file.

    Raises:
        ValueError: naming the field.
    """
    try:
        return NonmemUnits.model_validate(raw)
    except ValidationError as error:
        raise ValueError(describe(error, where).replace("of a record", "of the units file")) from None


def records(
    text: str, where: str, units: NonmemUnits | None = None, refused: list[str] | None = None
) -> list[Record]:
    """All patients of a NONMEM data set; `refused` as in `made_of`.

    Raises:
        ValueError: with file, line and field.
    """
    columns, table = rows(text, where, upper=True)
    for needed in ("ID", "TIME"):
        if needed not in columns:
            raise ValueError(f"{where}, line 1: column {needed} is missing")
    if "AMT" not in columns and "DV" not in columns:
        raise ValueError(f"{where}, line 1: columns AMT and DV are missing; one at least must be there")
    known = units or NonmemUnits()
    covariates = _covariate_columns(columns, known, where)
    patients: dict[str, list[Row]] = {}
    last = ""
    for line, row in table:
        name = _identity(row["ID"], where, line)
        if name in patients and name != last:
            raise ValueError(f"{where}, line {line}, field ID: {name} comes back after other patients; sort by ID")
        patients.setdefault(name, []).append((line, row))
        last = name
    note = () if units else (f"units by default: {_defaults(known, covariates)}",)
    one = lambda name, own: _record(name, own, known, covariates, where).noted(*note)  # noqa: E731
    return made_of((partial(one, name, own) for name, own in patients.items()), refused)


def _identity(cell: str, where: str, line: int) -> str:
    if cell in _MISSING:
        raise ValueError(f"{where}, line {line}, field ID: is missing")
    head, _, tail = cell.partition(".")
    return head if head.isdigit() and not tail.strip("0") else cell


def _defaults(units: NonmemUnits, covariates: Covariates) -> str:
    said = [f"TIME {units.time}", f"AMT {units.amount}", f"DV {units.dv_name} {units.dv}"]
    return ", ".join(said + [f"{column} {name} {unit}" for column, (name, unit) in covariates.items()])


def _covariate_columns(columns: list[str], units: NonmemUnits, where: str) -> dict[str, tuple[str, str]]:
    given = {column.upper(): named for column, named in units.covariates.items()}
    ignored = {column.upper() for column in units.ignore}
    chosen: dict[str, tuple[str, str]] = {}
    for column in columns:
        if column in SPECIAL or column in ignored:
            continue
        named = given.get(column) or _USUAL.get(column)
        if named is None:
            raise ValueError(
                f"{where}, line 1: column {column} has no unit; give its name and unit under covariates, or ignore it"
            )
        chosen[column] = (canonical(named[0]), named[1])
    return chosen


def _record(name: str, table: list[Row], units: NonmemUnits, covariates: Covariates, where: str) -> Record:
    reader = _Reader(units, where, factor(units.time, "h"))
    patient = units.ids.get(name, name)
    raw: dict[str, Any] = {"id": patient, "covariates": {}, "doses": [], "observations": []}
    if patient in units.starts:
        raw["start"] = units.starts[patient]
    lines: dict[times.Location, int | str] = {("id",): table[0][0]}
    clock = float("-inf")
    for index, (line, row) in enumerate(table):
        time = reader.value(row, "TIME", line) * reader.hours
        if time < clock:
            raise ValueError(f"{where}, line {line}, field TIME: goes back in time within ID {name}")
        clock = time
        event = reader.event(row, line, first=index == 0)
        if event == 1:
            raw["doses"].append(reader.dose(row, time, line))
            lines[("doses", len(raw["doses"]) - 1)] = line
        elif event == 0:
            raw["observations"].append(reader.observation(row, time, line))
            lines[("observations", len(raw["observations"]) - 1)] = line
        for column, (covariate, unit) in covariates.items():
            _carry(raw["covariates"].setdefault(covariate, []), row[column], unit, time, reader, column, line)
            lines.setdefault(("covariates", covariate, len(raw["covariates"][covariate]) - 1), line)
    raw["covariates"] = _constant(raw["covariates"], table, reader, units)
    return from_dict(raw, where, lines)


def _carry(
    values: list[dict[str, Any]], cell: str, unit: str, time: float, reader: _Reader, column: str, line: int
) -> None:
    """Note a covariate where it changes: NONMEM repeats it on every row."""
    if cell in _MISSING:
        return
    value = number(cell, reader.where, line, column)
    if values and values[-1]["value"] == value:
        return
    if values and values[-1]["time"] == time:
        values.pop()  # NONMEM uses the later of two rows of one time
    values.append({"value": value, "unit": unit, "time": time})


def _constant(
    covariates: dict[str, list[dict[str, Any]]], table: list[Row], reader: _Reader, units: NonmemUnits
) -> dict[str, Any]:
    """Covariates that never change and are there from the first row have no time."""
    first = reader.value(table[0][1], "TIME", table[0][0]) * reader.hours
    timed = {canonical(name) for name in units.timed}
    made: dict[str, Any] = {}
    for name, values in covariates.items():
        if len(values) == 1 and values[0]["time"] == first and name not in timed:
            made[name] = [{k: v for k, v in values[0].items() if k != "time"}]
        elif values:
            made[name] = values
    return made


class _Reader:
    """Cells of one file, with its units."""

    def __init__(self, units: NonmemUnits, where: str, hours: float) -> None:
        self.units, self.where, self.hours = units, where, hours

    def value(self, row: dict[str, str], field: str, line: int, default: float | None = None) -> float:
        cell = row.get(field, "")
        if cell in _MISSING:
            if default is None:
                raise ValueError(f"{self.where}, line {line}, field {field}: is missing")
            return default
        return number(cell, self.where, line, field)

    def event(self, row: dict[str, str], line: int, first: bool) -> int:
        """0 observation, 1 dose, 2 neither."""
        amount = self.value(row, "AMT", line, 0.0)
        code = self.value(row, "EVID", line, 1.0 if amount else 0.0)
        if code in (3, 4) and not first:
            raise ValueError(
                f"{self.where}, line {line}, field EVID: {code:g} resets the patient, which one record cannot hold;"
                " give each part its own ID"
            )
        if code not in (0, 1, 2, 3, 4):
            raise ValueError(f"{self.where}, line {line}, field EVID: must be 0, 1, 2, 3 or 4, got {row['EVID']}")
        if code == 0 and amount:
            raise ValueError(f"{self.where}, line {line}, field AMT: must be 0 where EVID is 0, got {amount:g}")
        if code == 0:
            missing = self.value(row, "MDV", line, 0.0) != 0 or ("DV" not in row)
            return 2 if missing or ("MDV" not in row and row["DV"] in _MISSING) else 0
        return {1: 1, 2: 2, 3: 2, 4: 1}[int(code)]

    def dose(self, row: dict[str, str], time: float, line: int) -> dict[str, Any]:
        amount = self.value(row, "AMT", line)
        rate = self.value(row, "RATE", line, 0.0)
        if rate < 0:
            raise ValueError(
                f"{self.where}, line {line}, field RATE: {rate:g} asks for a modelled rate or duration; give the rate"
            )
        if rate and not amount:
            raise ValueError(f"{self.where}, line {line}, field AMT: RATE {rate:g} without AMT never ends; give AMT")
        steady = self.value(row, "SS", line, 0.0)
        if steady not in (0, 1):
            raise ValueError(f"{self.where}, line {line}, field SS: must be 0 or 1, got {row['SS']}")
        dose: dict[str, Any] = {"time": time, "amount": amount, "unit": self.units.amount, "ss": steady == 1}
        dose["duration"] = amount / rate * self.hours if rate else 0.0
        dose["ii"] = self.value(row, "II", line, 0.0) * self.hours
        dose["addl"] = 0 if row.get("ADDL", "") in _MISSING else whole(row["ADDL"], self.where, line, "ADDL")
        return {**dose, "route": self.units.routes.get(row.get("CMT", ""), "")}

    def observation(self, row: dict[str, str], time: float, line: int) -> dict[str, Any]:
        column = "DVID" if "DVID" in row else "CMT"
        name, unit = self.units.dv_name, self.units.dv
        if self.units.dvid or "DVID" in row:
            code = row.get(column, "")
            if code not in self.units.dvid:
                known = ", ".join(self.units.dvid) or "none"
                raise ValueError(
                    f"{self.where}, line {line}, field {column}: '{code}' has no name and unit under dvid; known: {known}"
                )
            name, unit = self.units.dvid[code]
        field = "CENS" if "CENS" in row else "BLQ"
        below = self.value(row, field, line, 0.0)
        if below not in (0, 1):
            raise ValueError(f"{self.where}, line {line}, field {field}: must be 0 or 1, got {row[field]}")
        return {"time": time, "name": name, "value": self.value(row, "DV", line), "unit": unit, "below": below == 1}
