"""A record as a form, and a form as a record: what is typed is checked by the same readers as a file.

A form is a set of fields, each a column of values; the rows of `covariates`, `observations` and `doses` are what stands at one
place of their columns. A row without a value is not there. Times are dates (`2026-03-02 08:00`, in the form's zone) or hours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from posology.data.record import Record, calendar, from_dict
from posology.data.times import hours_between

Form = Mapping[str, Sequence[str]]
PARTS: Mapping[str, tuple[str, ...]] = {
    "covariates": ("name", "value", "unit", "time"),
    "observations": ("name", "value", "unit", "time", "below"),
    "doses": ("time", "amount", "unit", "duration", "route", "drug", "status", "ii", "addl", "ss"),
}
"""The columns of each part; a field's name is that of the part and of the column, as in `doses.amount`."""
FIRST = {"covariates": "value", "observations": "value", "doses": "amount"}  # the column without which a row is not there
NUMBERS = ("value", "amount", "duration", "ii")
LISTS = ("conditions", "medications", "allergies")
ROWS = 500
"""Rows of a part that a form may have."""


class Slip(NamedTuple):
    """What is wrong in a form: the field (`part.column` and its row, or a field of its own) and a sentence."""

    field: str
    row: int | None
    sentence: str


def filled(form: Form, part: str) -> list[tuple[int, dict[str, str]]]:
    """The rows of a part that have a value, with their places.

    Raises:
        ValueError: when there are too many.
    """
    columns = {column: form.get(f"{part}.{column}", ()) for column in PARTS[part]}
    length = len(columns[FIRST[part]])
    if length > ROWS:
        raise ValueError(f"{part}: {length} rows; a form has at most {ROWS}, import a file instead")
    rows = []
    for i in range(length):
        row = {column: values[i].strip() for column, values in columns.items() if i < len(values) and values[i].strip()}
        if FIRST[part] in row:
            rows.append((i, row))
    return rows


def raw_of(form: Form) -> dict[str, Any]:
    """Plain data as `from_dict` reads it, from what was typed."""
    zone = one(form, "zone") or "+00:00"
    covariates: dict[str, list[dict[str, Any]]] = {}
    for _, row in filled(form, "covariates"):
        covariates.setdefault(row.pop("name", "").casefold(), []).append(typed(row, zone))
    raw: dict[str, Any] = {
        "id": one(form, "id"),
        "start": stamped(one(form, "start"), zone) or None,
        "covariates": {name: rows[0] if len(rows) == 1 else rows for name, rows in covariates.items()},
        "observations": [typed(row, zone) for _, row in filled(form, "observations")],
        "doses": [typed(row, zone) for _, row in filled(form, "doses")],
        "genotypes": dict(_pairs(one(form, "genotypes"))),
    }
    return raw | {name: lines(one(form, name)) for name in LISTS}


def typed(row: Mapping[str, str], zone: str) -> dict[str, Any]:
    """A row with numbers as numbers and times with a zone; what is no number stays text, which the reader refuses."""
    found: dict[str, Any] = dict(row)
    for name in NUMBERS:
        if name in row:
            found[name] = number(row[name])
    if "time" in row:
        time = number(row["time"])
        found["time"] = time if isinstance(time, float) else stamped(row["time"], zone)
    if "addl" in row:
        found["addl"] = int(row["addl"]) if row["addl"].isdigit() else row["addl"]
    for name in ("below", "ss"):
        if name in row:
            found[name] = row[name] == "yes"
    return found


def number(text: str) -> float | str:
    """The number that was typed, a decimal comma allowed; else the text."""
    try:
        return float(text.replace(",", ".") if text.count(",") == 1 and "." not in text else text)
    except ValueError:
        return text


def stamped(text: str, zone: str) -> str:
    """A date and time with the form's zone where it has none of its own."""
    plain = text.strip().replace(" ", "T", 1)
    if re.fullmatch(r"\d{4}-\d\d-\d\d", plain):
        plain += "T00:00"
    return plain + zone if re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?", plain) else plain


def one(form: Form, name: str) -> str:
    """The only value of a field; empty where there is none."""
    values = form.get(name, ())
    return values[0].strip() if values else ""


def lines(text: str) -> list[str]:
    """The lines of a field that are not empty."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def _pairs(text: str) -> list[tuple[str, str]]:
    found = []
    for line in lines(text):
        gene, colon, said = line.partition(":")
        if not colon or not said.strip():
            raise ValueError(f"genotypes: '{line[:60]}' must be a gene and what was found, such as DPYD: *1/*2A")
        found.append((gene.strip(), said.strip()))
    return found


def slips(form: Form) -> list[Slip]:
    """What is wrong in a form, row by row; the whole is read when every row is right."""
    found: list[Slip] = []
    zone = one(form, "zone") or "+00:00"
    for part in PARTS:
        for i, row in filled(form, part):
            entry: dict[str, Any] = typed(row, zone)
            raw = {"id": "x", part: {entry.pop("name", ""): entry} if part == "covariates" else [entry]}
            if sentence := said(raw):
                column = sentence.partition(":")[0]
                found.append(Slip(f"{part}.{column if column in PARTS[part] else FIRST[part]}", i, sentence))
    if not one(form, "id"):
        found.append(Slip("id", None, "id: is empty; give the patient one, such as a study number (no name)"))
    if not found:
        try:
            from_dict(raw_of(form), "record")
        except ValueError as error:
            found.append(Slip("", None, str(error).removeprefix("record, ").removeprefix("record: ")))
    return found


def said(raw: dict[str, Any]) -> str:
    """Why a row is none of a record, without its place, which the form shows; empty when it is one."""
    try:
        from_dict(raw, "")
    except ValueError as error:
        told = str(error).removeprefix(", ").removeprefix(": ")
        return re.sub(r"^((observations|doses) row 1|field covariates(\.[^:.]*)?)[,.:]? ?(field )?", "", told)
    return ""


def form_of(record: Record) -> dict[str, list[str]]:
    """What a form shows of a record; read back, it is the same record."""
    form: dict[str, list[str]] = {"id": [record.id], "zone": ["+00:00"]}
    form["start"] = [record.start.isoformat() if record.start else ""]
    for part, columns in PARTS.items():
        for column in columns:
            form[f"{part}.{column}"] = []
    rows: list[tuple[str, dict[str, Any]]] = [
        ("covariates", {"name": name} | m.model_dump()) for name, values in record.covariates.items() for m in values
    ]
    rows += [("observations", o.model_dump()) for o in record.observations]
    rows += [("doses", d.model_dump()) for d in record.doses]
    for part, row in rows:
        for column in PARTS[part]:
            form[f"{part}.{column}"].append(_shown(record, column, row.get(column)))
    form["genotypes"] = ["\n".join(f"{gene}: {found}" for gene, found in record.genotypes.items())]
    return form | {name: ["\n".join(getattr(record, name))] for name in LISTS}


def _shown(record: Record, column: str, value: Any) -> str:
    if value is None or value == "" or (column in ("duration", "ii", "addl") and not value):
        return ""
    if column == "time":
        return _time(record, value)
    if isinstance(value, bool):
        return "yes" if value else ""
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _time(record: Record, hours: float) -> str:
    """A time as a date to the minute where that is all of it, else as hours."""
    if record.start is not None:
        at = calendar(record, hours)
        if not (at.second or at.microsecond) and hours_between(record.start, at) == hours:
            return at.strftime("%Y-%m-%d %H:%M")
    return repr(hours).removesuffix(".0")
