"""Records as a NONMEM data set, and the units that it needs to be read back."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

from posology.data.readers.nonmem import SPECIAL, NonmemUnits
from posology.data.record import Record
from posology.data.units import convert


def units_of(records: Iterable[Record]) -> NonmemUnits:
    """The units, names and identities with which `to_nonmem` writes these records."""
    written = list(records)
    amounts = [d.unit for r in written for d in r.doses]
    dvs = {o.name: o.unit for r in reversed(written) for o in reversed(r.observations)}
    covariates = {n: v[0].unit for r in reversed(written) for n, v in r.covariates.items()}
    routes = list(dict.fromkeys(d.route for r in written for d in r.doses))
    return NonmemUnits(
        amount=amounts[0] if amounts else "mg",
        dvid={str(i): (name, unit) for i, (name, unit) in enumerate(sorted(dvs.items()), 1)},
        covariates={_column(name): (name, unit) for name, unit in sorted(covariates.items())},
        timed=tuple(sorted({n for r in written for n, v in r.covariates.items() if v[0].time is not None})),
        routes={str(i): route for i, route in enumerate(routes, 1)},
        ids={str(i): r.id for i, r in enumerate(written, 1)},
        starts={r.id: r.start.isoformat() for r in written if r.start is not None},
    )


def _column(name: str) -> str:
    usual = {"weight": "WT", "height": "HT"}
    column = usual.get(name, name.upper())
    return column + "_" if column in SPECIAL else column


def to_nonmem(records: Record | Iterable[Record], lossy: bool = False) -> str:
    """Records as a NONMEM data set; read it back with `units_of(records)`.

    Raises:
        ValueError: when a record holds what NONMEM cannot (planned and missed doses, several drugs,
            genotypes, conditions, medications, allergies), unless `lossy` leaves it out.
    """
    written = [records] if isinstance(records, Record) else list(records)
    units = units_of(written)
    covariates = {name: column for column, (name, _) in units.covariates.items()}
    out = io.StringIO()
    fields = ["ID", "TIME", "AMT", "RATE", "II", "ADDL", "SS", "EVID", "MDV", "CMT", "DVID", "CENS", "DV"]
    writer = csv.DictWriter(out, [*fields, *covariates.values()], restval=".", lineterminator="\n")
    writer.writeheader()
    for number_of, record in enumerate(written, 1):
        if not lossy:
            _check_held(record)
        for time, row in _events(record, units):
            known = {
                column: _known(record, name, time, units.covariates[column][1]) for name, column in covariates.items()
            }
            writer.writerow({"ID": number_of, "TIME": repr(time), **row, **known})
    return out.getvalue()


def _check_held(record: Record) -> None:
    lost = [f for f in ("genotypes", "conditions", "medications", "allergies") if getattr(record, f)]
    lost += sorted({f"{d.status} doses" for d in record.doses if d.status != "given"})
    lost += ["names of drugs"] if any(d.drug for d in record.doses) else []
    if lost:
        raise ValueError(f"record '{record.id}': NONMEM cannot hold {', '.join(lost)}; write JSON, or accept the loss")


def _events(record: Record, units: NonmemUnits) -> list[tuple[float, dict[str, Any]]]:
    """Rows in order of time; at one time covariate rows, then observations, then doses."""
    events: list[tuple[float, int, dict[str, Any]]] = []
    for stamp in {m.time for values in record.covariates.values() for m in values if m.time is not None}:
        events.append((stamp, 0, {"EVID": 2, "MDV": 1}))
    codes = {name: code for code, (name, _) in units.dvid.items()}
    routes = {route: code for code, route in units.routes.items()}
    for o in record.observations:
        value = convert(o.value, o.unit, units.dvid[codes[o.name]][1], o.name)
        row = {"EVID": 0, "MDV": 0, "DVID": codes[o.name], "CENS": int(o.below), "DV": repr(value)}
        events.append((o.time, 1, row))
    for d in record.doses:
        if d.status == "given":
            amount = convert(d.amount, d.unit, units.amount)
            rate = repr(amount / d.duration) if d.duration and amount else 0
            row = {"EVID": 1, "MDV": 1, "AMT": repr(amount), "RATE": rate, "CMT": routes[d.route], "SS": int(d.ss)}
            events.append((d.time, 2, {**row, "II": repr(d.ii), "ADDL": d.addl}))
    if not events:
        events.append((0.0, 0, {"EVID": 2, "MDV": 1}))
    return [(time, row) for time, _, row in sorted(events, key=lambda e: e[:2])]


def _known(record: Record, name: str, time: float, unit: str) -> str:
    past = [m for m in record.covariates.get(name, ()) if m.time is None or m.time <= time]
    return repr(convert(past[-1].value, past[-1].unit, unit, name)) if past else "."
