"""How many others look alike: k-anonymity over what somebody could know of a patient without the record.

Age, sex, weight, height, body surface and, where it is kept, the year make a class; k is the size of the smallest one
(Sweeney 2002, doi:10.1142/S0218488502001648). Numbers are put into bands and released as the middle of their band, the last
one as its lower end, so that what is counted is what is released. Not counted: the times and amounts of doses, laboratory
values, conditions and medications, by which somebody who knows them may still find a patient.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from posology.data.record import Measured, Record
from posology.data.units import convert

K = 5
"""Least number of patients that look alike, unless asked otherwise (assumed: what is often asked of health data)."""
OLDEST = 90.0
"""Years that stand for all ages from 90 (45 CFR 164.514(b)(2)(i)(C))."""

# Lower ends of the bands; all but the last age are assumed: narrow where a dose depends on it, wide where few patients are.
BANDS: Mapping[str, tuple[str, tuple[float, ...]]] = {
    "age": ("a", (0, 0.08, 0.5, 1, 2, 6, 12, 18, 30, 40, 50, 60, 70, 80, OLDEST)),
    "weight": ("kg", (0, 1, 1.5, 2, 3, 4, 6, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100, 120, 150)),
    "height": ("cm", (0, 40, 50, 60, 80, 100, 120, 140, 150, 160, 170, 180, 190)),
    "bsa": ("m2", (0, 0.1, 0.15, 0.2, 0.3, 0.5, 0.7, 1.0, 1.3, 1.5, 1.7, 1.9, 2.1, 2.3)),
}
SEXES = ("male", "female", "sex")
QUASI = (*BANDS, "sex", "year")


def band(name: str, value: float) -> tuple[float, float | None]:
    """Lower and upper end of the band of a value in the unit of `BANDS`; None above the last."""
    edges = BANDS[name][1]
    place = max(bisect_right(edges, value) - 1, 0)
    return edges[place], edges[place + 1] if place + 1 < len(edges) else None


def generalised(name: str, measured: Measured) -> Measured:
    """A covariate's value as it is released: the middle of its band, of the last band the lower end."""
    unit = BANDS[name][0]
    low, high = band(name, convert(measured.value, measured.unit, unit, name))
    return Measured(value=low if high is None else round((low + high) / 2, 6), unit=unit, time=measured.time)


def alike(record: Record, names: Iterable[str] = QUASI) -> tuple[Any, ...]:
    """The class of a patient: of each name the bands that occur in the record, missing being a value like others."""
    return tuple(_seen(record, name) for name in names)


def _seen(record: Record, name: str) -> Any:
    if name == "year":
        return record.start.year if record.start else None
    if name == "sex":
        return tuple((sex, m.value) for sex in SEXES for m in record.covariates.get(sex, ()))
    unit = BANDS[name][0]
    values = record.covariates.get(name, ())
    return tuple(sorted({band(name, convert(m.value, m.unit, unit, name))[0] for m in values}))


def below(records: Sequence[Record], k: int, names: Iterable[str] = QUASI) -> list[int]:
    """Places of the patients whose class has fewer than k."""
    classes = [alike(record, names) for record in records]
    sizes = Counter(classes)
    return [i for i, which in enumerate(classes) if sizes[which] < k]


def report(records: Sequence[Record], k: int = K, names: Sequence[str] = QUASI) -> dict[str, Any]:
    """Classes, the smallest of them, how many patients are in one below k, and how many would be without each characteristic."""
    sizes = Counter(alike(record, names) for record in records)
    without = {name: len(below(records, k, [n for n in names if n != name])) for name in names}
    return {
        "k": k,
        "characteristics": list(names),
        "classes": len(sizes),
        "smallest": min(sizes.values(), default=0),
        "below_k": sum(size for size in sizes.values() if size < k),
        "below_k_without": without,
        "not_counted": "times and amounts of doses, laboratory values, conditions, medications, allergies, genotypes",
    }
