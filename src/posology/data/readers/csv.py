"""Patients as a long CSV: one row for each thing that was recorded.

Columns, in any order; `id`, `kind` and `value` must be there, others where they are needed:

    id        the patient
    time      hours, or ISO 8601 with a zone; empty for a constant covariate
    kind      covariate | dose | observation | genotype | condition | medication | allergy | start
    name      of the covariate, observation or gene; for a dose the drug (may be empty)
    value     the number; for a dose its amount; text for genotype, condition, medication, allergy
    unit      UCUM, for covariate, dose and observation
    below     true where an observation lies below `value`; `<0.2` as a value says the same
    duration  of a dose in hours; route, ss, ii, addl, status: as in the JSON record

A row of kind `start` gives in `time` the calendar time of hour 0.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from functools import partial
from typing import Any

from posology.data.faults import made_of
from posology.data.names import canonical
from posology.data.readers.text import Row, number, rows, whole
from posology.data.record import Record, from_dict

COLUMNS = ("id", "time", "kind", "name", "value", "unit", "below", "duration", "route", "ss", "ii", "addl", "status")
_LISTS = {"condition": "conditions", "medication": "medications", "allergy": "allergies"}
KINDS = ("covariate", "dose", "observation", "genotype", *_LISTS, "start")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet takes for the beginning of a formula, or skips before one
_TRUE, _FALSE = ("true", "1", "yes"), ("", "false", "0", "no")


def records(text: str, where: str, refused: list[str] | None = None) -> list[Record]:
    """All patients of a long CSV, in order of first appearance; `refused` as in `made_of`.

    Raises:
        ValueError: with file, line and field.
    """
    columns, table = rows(text, where)
    for needed in ("id", "kind", "value"):
        if needed not in columns:
            raise ValueError(f"{where}, line 1: column {needed} is missing")
    unknown = [c for c in columns if c not in COLUMNS]
    if unknown:
        raise ValueError(f"{where}, line 1: column {unknown[0]} is not known; known: {', '.join(COLUMNS)}")
    patients: dict[str, list[Row]] = {}
    for line, row in table:
        if not row["id"]:
            raise ValueError(f"{where}, line {line}, field id: is missing")
        patients.setdefault(_unguarded(row["id"]), []).append((line, row))
    return made_of((partial(_record, name, own, where) for name, own in patients.items()), refused)


def _record(patient: str, table: list[Row], where: str) -> Record:
    raw: dict[str, Any] = {"id": patient, "covariates": {}, "doses": [], "observations": [], "genotypes": {}}
    lines: dict[tuple[str | int, ...], int | str] = {("id",): table[0][0]}
    for line, row in table:
        at = _add(raw, row, where, line)
        lines[at] = line
    return from_dict(raw, where, lines)


def _add(raw: dict[str, Any], row: dict[str, str], where: str, line: int) -> tuple[str | int, ...]:
    """Put one row into the raw record; returns where it went."""
    kind, name = row["kind"].lower(), _unguarded(row.get("name", ""))
    if kind not in KINDS:
        raise ValueError(
            f"{where}, line {line}, field kind: must be one of {', '.join(KINDS)}, got '{row['kind']:.40}'"
        )
    if kind == "start":
        raw["start"] = row.get("time") or None
        return ("start",)
    if kind == "dose":
        raw["doses"].append(_dose(row, name, where, line))
        return ("doses", len(raw["doses"]) - 1)
    if kind in _LISTS:
        entries = raw.setdefault(_LISTS[kind], [])
        entries.append(_unguarded(row["value"]) or name)
        return (_LISTS[kind], len(entries) - 1)
    if not name or (kind != "genotype" and not any(c.isalnum() and c.isascii() for c in name)):
        raise ValueError(f"{where}, line {line}, field name: is missing or has no letters, got '{name:.40}'")
    if kind == "genotype":
        if name in raw["genotypes"]:
            raise ValueError(f"{where}, line {line}, field name: genotype {name} is there twice")
        raw["genotypes"][name] = _unguarded(row["value"])
        return ("genotypes", name)
    measured, below = _measured(row, where, line)
    if kind == "covariate":
        if below:
            raise ValueError(
                f"{where}, line {line}, field value: a covariate must be a number, got '{row['value']:.40}'"
            )
        name = canonical(name)
        values = raw["covariates"].setdefault(name, [])
        values.append(measured)
        return ("covariates", name, len(values) - 1)
    raw["observations"].append({**measured, "name": name, "below": below})
    return ("observations", len(raw["observations"]) - 1)


def _measured(row: dict[str, str], where: str, line: int) -> tuple[dict[str, Any], bool]:
    cell = row["value"]
    below = cell.startswith("<") or _flag(row, "below", where, line)
    measured: dict[str, Any] = {
        "value": number(cell.removeprefix("<"), where, line, "value"),
        "unit": row.get("unit", ""),
    }
    if row.get("time"):
        measured["time"] = _time(row["time"])
    return measured, below


def _dose(row: dict[str, str], drug: str, where: str, line: int) -> dict[str, Any]:
    dose: dict[str, Any] = {
        "amount": number(row["value"], where, line, "value"),
        "unit": row.get("unit", ""),
        "drug": drug,
    }
    if row.get("time"):
        dose["time"] = _time(row["time"])
    for field in ("duration", "ii"):
        if row.get(field):
            dose[field] = number(row[field], where, line, field)
    if row.get("addl"):
        dose["addl"] = whole(row["addl"], where, line, "addl")
    dose["ss"] = _flag(row, "ss", where, line)
    return {**dose, **{f: row[f].lower() for f in ("route", "status") if row.get(f)}}


def _time(cell: str) -> float | str:
    try:
        return float(cell)
    except ValueError:
        return cell


def _flag(row: dict[str, str], field: str, where: str, line: int) -> bool:
    cell = row.get(field, "").lower()
    if cell not in _TRUE + _FALSE:
        raise ValueError(f"{where}, line {line}, field {field}: must be true or false, got '{cell:.40}'")
    return cell in _TRUE


def _guarded(text: str) -> str:
    # A spreadsheet would run a cell that begins like a formula.
    return "'" + text if text.lstrip("'").startswith(FORMULAS) else text


def _unguarded(text: str) -> str:
    return text[1:] if text.startswith("'") and text.lstrip("'").startswith(FORMULAS) else text


def to_long_csv(records: Record | Iterable[Record]) -> str:
    """Records as a long CSV that `read_cohort` gives back, notes apart."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for record in [records] if isinstance(records, Record) else records:
        for row in _rows(record):
            writer.writerow({"id": _guarded(record.id), **row})
    return out.getvalue()


def _rows(record: Record) -> Iterable[dict[str, Any]]:
    if record.start is not None:
        yield {"kind": "start", "time": record.start.isoformat()}
    for name, values in record.covariates.items():
        for m in values:
            yield {"kind": "covariate", "name": name, "value": repr(m.value), "unit": m.unit, "time": _cell(m.time)}
    for d in record.doses:
        dose = {
            "duration": _cell(d.duration or None),
            "ii": _cell(d.ii or None),
            "addl": d.addl or "",
            "ss": "true" if d.ss else "",
        }
        dose |= {"route": d.route, "status": d.status, "name": _guarded(d.drug), "time": repr(d.time)}
        yield {"kind": "dose", "value": repr(d.amount), "unit": d.unit, **dose}
    for o in record.observations:
        measured = {"value": repr(o.value), "unit": o.unit, "below": "true" if o.below else ""}
        yield {"kind": "observation", "name": o.name, "time": repr(o.time), **measured}
    for gene, genotype in record.genotypes.items():
        yield {"kind": "genotype", "name": _guarded(gene), "value": _guarded(genotype)}
    for kind, entries in ((k, getattr(record, field)) for k, field in _LISTS.items()):
        for entry in entries:
            yield {"kind": kind, "value": _guarded(entry)}


def _cell(value: float | None) -> str:
    return "" if value is None else repr(value)
