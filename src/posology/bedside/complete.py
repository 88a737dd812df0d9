"""What a record still needs before a dose is recommended, told while it is typed: no model runs.

A recommendation says the same with more words and figures (`missing.py`, `consult.outside`); this is what can be known from the
record and the treatment alone.
"""

from __future__ import annotations

from typing import NamedTuple

from posology.bedside.consult import decision_time
from posology.data.history import DAY
from posology.data.record import Record
from posology.environments.records import SIZE_OF, Known, known
from posology.environments.treatment import Treatment

FACTS = {"anc": "neutrophil count", "bilirubin": "bilirubin", "crcl": "creatinine clearance, or creatinine with age and weight"}
"""Facts of limits that somebody has to measure, in words; the others follow from the doses given."""
STANDS_FOR = {"anc": ("anc", "baseline_anc")}


class Gap(NamedTuple):
    """Something that is not in a record, or that the model does not know: `stops` says that no dose is recommended so."""

    name: str
    stops: bool
    sentence: str


def gaps(treatment: Treatment, record: Record) -> list[Gap]:
    """What keeps a dose from being recommended, then what would be assumed.

    Raises:
        ValueError: for a unit or a drug in the record that the treatment cannot read.
    """
    found = known(record, treatment, decision_time(record))
    rows = [_size(treatment, found), *_covariates(treatment, found), *_facts(treatment, found)]
    first: dict[str, Gap] = {}
    for row in sorted((row for row in rows if row), key=lambda row: not row.stops):
        first.setdefault(row.name, row)
    return list(first.values())


def _size(treatment: Treatment, found: Known) -> Gap | None:
    per = treatment.standard.unit.partition("/")[2]
    if not per or SIZE_OF[per] in found.latest:
        return None
    what = "height and weight, or body surface area" if per == "m2" else "weight"
    return Gap(SIZE_OF[per], True, f"{what}: is missing; doses are per {per}")


def _covariates(treatment: Treatment, found: Known) -> list[Gap]:
    rows = []
    for c in treatment.model.covariates:
        unit = "" if c.unit == "1" else f" {c.unit}"
        if c.name not in found.latest:
            said = "it stays uncertain" if c.default is None else f"{c.default:g}{unit} would be assumed"
            rows.append(Gap(c.name, False, f"{c.name} ({c.meaning}): is missing; {said}"))
            continue
        value = found.latest[c.name].value
        if not c.low <= value <= c.high:
            built = f"the model was built on {c.low:g} to {c.high:g}{unit}"
            rows.append(Gap(c.name, True, f"{c.name} {value:.4g}{unit}: {built}; nothing is recommended"))
    return rows


def _facts(treatment: Treatment, found: Known) -> list[Gap]:
    rows = []
    told = {name for name, value in found.told if value == value} | set(found.latest)
    told |= {m.name for m in found.measured}
    now = found.begin + found.now
    for limit in treatment.limits:
        for names in limit.needs:
            name = names[-1]
            if name not in FACTS or limit.when_missing == "ignore":
                continue
            if not told & set(STANDS_FOR.get(name, names)):
                rows.append(Gap(name, limit.when_missing == "block", f"{FACTS[name]}: is missing; the limit {limit.id} needs it"))
            values = (*found.measured, *found.latest.values())
            times = [m.time for m in values if m.name in STANDS_FOR.get(name, ()) and m.time is not None]
            oldest = dict(limit.numbers).get("oldest")  # of a gate: days for which a value counts
            if oldest is not None and times and (age := (now - max(times)) / DAY) > oldest:
                rows.append(Gap(name, True, f"{FACTS[name]}: is {age:.0f} days old; at most {oldest:g} days are used"))
    return rows
