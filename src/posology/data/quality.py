"""What a file of patients holds and what is odd about it, before anybody learns from it. One pass over the records.

Numbers of one name that come in several units are put into its most frequent one. `far_out` counts values further than three
times the interquartile range outside the quartiles (Tukey 1977): where they are all on one side, look for a wrong unit. What is
impossible is refused by the readers, with its place.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from posology.data.deidentify import Terms, key
from posology.data.readers import NonmemUnits, read_cohort
from posology.data.readers.text import load
from posology.data.readers.text import rows as table_of
from posology.data.record import Record
from posology.data.units import convert

LARGEST = 50_000_000
"""Bytes of a cohort (assumed: a hundred times that of the public ones)."""
ROWS = 200_000
"""Rows, or objects of JSON, of a cohort (assumed: what is read within a minute)."""
SHOWN = 100
"""Refused patients that are named; the others are counted (assumed: more than anybody mends by hand)."""
ENOUGH = 20
"""Fewer values have no fences (assumed: quartiles of fewer say little)."""


class Value(NamedTuple):
    """A measured number of a patient: the place of the patient among the records, and whether it lies below `value`."""

    patient: int
    value: float
    unit: str
    below: bool = False


def size(text: str) -> int:
    """Rows of a table; objects of JSON, of a bundle its resources.

    Raises:
        ValueError: for more than a cohort may have.
    """
    if text.lstrip()[:1] in ("{", "["):
        counted = text.count('"resourceType"') or text.count("{")
    else:
        counted = sum(1 for line in text.splitlines() if line.strip() and not line.startswith("#")) - 1
    if counted > ROWS:
        raise ValueError(f"has {counted} rows; a cohort may have {ROWS}: split it")
    return counted


def quality(path: Path, units: NonmemUnits | None = None) -> dict[str, Any]:
    """The report, as plain data.

    Raises:
        ValueError: for a file that is too large, or of which no patient can be read.
    """
    text, refused = load(path), list[str]()
    counted = size(text)
    if len(text.encode()) > LARGEST:
        raise ValueError(f"is larger than {LARGEST // 1_000_000} MB; split it")
    records = read_cohort(path, units, refused)
    said = [one.removeprefix(str(path)).lstrip(", :") for one in refused]
    if not records:
        raise ValueError(said[0] if said else "holds no patient")
    seen = ((o.name, Value(i, o.value, o.unit, o.below)) for i, r in enumerate(records) for o in r.observations)
    known = ((n, Value(i, m.value, m.unit)) for i, r in enumerate(records) for n, ms in r.covariates.items() for m in ms)
    return {
        "patients": len(records),
        "rows": counted,
        "doses": _doses(records),
        "observations": _numbers(seen, len(records)),
        "covariates": _numbers(known, len(records)),
        "duplicates": _duplicates(records),
        "out_of_order": _disordered(text),
        "notes": dict(Counter(note for r in records for note in r.notes).most_common(SHOWN)),
        "refused": len(refused),
        "sentences": said[:SHOWN],
    }


def masked(report: dict[str, Any], terms: Terms) -> dict[str, Any]:
    """The report for those who see no patient: names and drugs that are no known terms are "unknown 1" …, only the places of
    what cannot be read stay, and no note."""
    others: dict[str, str] = {}

    def call(name: str) -> str:
        safe = not name or key(name) in terms.names | terms.drugs
        return name if safe else others.setdefault(name, f"unknown {len(others) + 1}")

    named = {kind: {call(n): told for n, told in report[kind].items()} for kind in ("observations", "covariates")}
    doses = {**report["doses"], "drugs": {call(n): count for n, count in report["doses"]["drugs"].items()}}
    return {**report, **named, "doses": doses, "notes": {}, "sentences": [_place(said) for said in report["sentences"]]}


def _place(said: str) -> str:
    """Where something cannot be read, without what was read there."""
    found = re.match(r"(?:line|record|entry) \d+(?: \(\w+\))?(?:, (?:doses|observations) row \d+)?(?:, field \w+)?", said)
    return f"{found[0] if found else 'a patient'}: cannot be read"


def _numbers(values: Iterable[tuple[str, Value]], patients: int) -> dict[str, dict[str, Any]]:
    """Of each name: how many, of how many patients, in which unit, where they lie."""
    named: dict[str, list[Value]] = {}
    for name, value in values:
        named.setdefault(name, []).append(value)
    return {name: _of_name(name, found, patients) for name, found in sorted(named.items())}


def _of_name(name: str, found: Sequence[Value], patients: int) -> dict[str, Any]:
    units = Counter(v.unit for v in found)
    unit = units.most_common(1)[0][0]
    same, strange = list[float](), 0
    for v in found:
        try:
            same.append(v.value if v.unit == unit else convert(v.value, v.unit, unit, name))
        except ValueError:  # it measures something else
            strange += 1
    with_one = len({v.patient for v in found})
    told: dict[str, Any] = {"count": len(found), "patients": with_one, "missing": patients - with_one, "unit": unit}
    told |= {"converted": {u: n for u, n in units.items() if u != unit}, "not_convertible": strange}
    low, middle, high = (float(v) for v in np.percentile(same, (25, 50, 75)))
    far = sum(1 for v in same if not low - 3 * (high - low) <= v <= high + 3 * (high - low)) if len(same) >= ENOUGH else 0
    told |= {"min": min(same), "median": middle, "max": max(same), "far_out": far}
    return told | {"below_limit": sum(v.below for v in found)}


def _doses(records: Sequence[Record]) -> dict[str, Any]:
    doses = [(i, d) for i, r in enumerate(records) for d in r.doses]
    return {
        "count": len(doses),
        "patients": len({i for i, _ in doses}),
        "missing": len(records) - len({i for i, _ in doses}),
        "status": dict(Counter(d.status for _, d in doses)),
        "drugs": dict(Counter(d.drug for _, d in doses)),
        "units": dict(Counter(d.unit for _, d in doses)),
    }


def _duplicates(records: Sequence[Record]) -> dict[str, int]:
    """Patients whose id an earlier one has; doses and observations that stand twice in one record."""
    twice = lambda entries: len(entries) - len(set(entries))  # noqa: E731
    return {
        "patients": twice([r.id for r in records]),
        "doses": sum(twice([(d.time, d.amount, d.unit, d.route, d.drug) for d in r.doses]) for r in records),
        "observations": sum(twice([(o.time, o.name, o.value, o.unit) for o in r.observations]) for r in records),
    }


def _disordered(text: str) -> int | None:
    """Rows of a table that stand below a later one of the same patient and kind; None for JSON, whose order means nothing."""
    if text.lstrip()[:1] in ("{", "["):
        return None
    last: dict[tuple[str, str], float] = {}
    found = 0
    for _, row in table_of(text, "")[1]:
        try:
            time = float(row.get("time", ""))
        except ValueError:  # a calendar time, or none
            continue
        whose = (row["id"], row.get("kind", "") + row.get("name", ""))
        found += time < last.get(whose, time)
        last[whose] = max(time, last.get(whose, time))
    return found
