"""A case: one fixed patient with fixed doses, simulated at fixed times. The file of `posology simulate`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from posology.patients import dosing
from posology.patients.maps import MapModel
from posology.patients.model import Grid, PatientModel, match
from posology.quantities import numbers_of, replace

FIELDS = ("model", "parameters", "individual", "covariates", "initial", "doses", "times")
DOSE_FIELDS = ("time", "amount", "unit", "duration", "into")
LARGEST = 1e12  # of any number: beyond it nothing is a patient, and single precision is left soon after
LONGEST = 1e6  # h, a century: of any time
MG = {"mg": 1.0, "g": 1000.0, "ug": 0.001}


class Case(NamedTuple):
    """A checked case. `individual` holds the patient's final parameters, `doses` (time, duration, amount
    in the entry's unit), times in the model's time unit."""

    model: PatientModel
    individual: Any
    state: Any
    doses: list[tuple[float, float, float]]
    times: list[float]


def number(value: Any, where: str, low: float = -LARGEST, high: float = LARGEST) -> float:
    """`value` as a finite float within [low, high].

    Raises:
        ValueError: naming the field, the value and what is allowed.
    """
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
        raise ValueError(f"{where}: {value!r} is not a finite number")
    if not low <= value <= high:
        allowed = f"at least {low:g}" if value < low else f"at most {high:g}"
        raise ValueError(f"{where}: {value:g} is not allowed; it must be {allowed}")
    return float(value)


def numbers(given: Any, known: Any, what: str) -> dict[str, float]:
    """Named numbers with their symbols matched.

    Raises:
        ValueError: naming what is not a number, or not known.
    """
    if not isinstance(given or {}, Mapping):
        raise ValueError(f"{what}: expected names with numbers, got {type(given).__name__}")
    return {(s := match(k, known, what)): number(v, f"{what} {s}") for k, v in (given or {}).items()}


def _covariates(model: PatientModel | MapModel, given: Any) -> dict[str, float]:
    values = numbers(given, [c.name for c in model.covariates], "covariate")
    for c in model.covariates:
        if c.name in values and values[c.name] < 0:
            raise ValueError(f"covariate {c.name}: {values[c.name]:g} is not allowed; it must be at least 0 {c.unit}")
        if c.name not in values and c.default is not None:
            values[c.name] = c.default
        elif c.name not in values and not c.sets:
            raise ValueError(f"covariate {c.name} ({c.unit}) is missing: {c.meaning}")
    return values


def individual(model: PatientModel | MapModel, parameters: Any, covariates: Any, final: Any) -> Any:
    """One patient's final parameters: typical values, then covariates, then what is given as final."""
    typical = replace(model.Params(), **numbers(parameters, list(numbers_of(model.Params)), "parameter"))
    values = _covariates(model, covariates)
    own = model.individual(typical, values)
    measured = {c.sets: values[c.name] for c in model.covariates if c.sets and c.name in values}
    return replace(own, **measured, **numbers(final, list(numbers_of(model.own)), "individual parameter"))


def _dose(model: PatientModel, raw: Any, i: int) -> tuple[float, float, float]:
    where = f"dose {i + 1}"
    if not isinstance(raw, Mapping):
        raise ValueError(f"{where}: expected an object with time and amount, got {type(raw).__name__}")
    if unknown := [k for k in raw if k not in DOSE_FIELDS]:
        raise ValueError(f"{where}: unknown field '{unknown[0]}'; known: {', '.join(DOSE_FIELDS)}")
    if missing := [k for k in ("time", "amount") if k not in raw]:
        raise ValueError(f"{where}: {missing[0]} is missing")
    entry = model.entries[match(raw.get("into", model.entry), model.entries, "place for a dose")]
    known = [*(MG if entry.per_mg else ()), model.unit_of(entry)]
    unit = raw.get("unit", known[0])
    if unit not in known:
        raise ValueError(f"{where}: unknown unit '{unit}'; known: {', '.join(dict.fromkeys(known))}")
    factor = MG[unit] * entry.per_mg if unit in MG and entry.per_mg else 1.0
    amount = number(raw["amount"], f"{where} amount", 0.0) * factor
    time, duration = (number(raw.get(k, 0), f"{where} {k}", 0.0, LONGEST) for k in ("time", "duration"))
    if not entry.state and not duration:
        raise ValueError(f"{where} duration: 0 is not allowed; what acts as a rate must last for some time")
    return time, duration, amount


def read(model: PatientModel, raw: Mapping[str, Any]) -> Case:
    """A case from its JSON object.

    Raises:
        ValueError: one sentence that names the field, the value and what is allowed.
    """
    if unknown := [k for k in raw if k not in FIELDS]:
        raise ValueError(f"unknown field '{unknown[0]}' in the case; known: {', '.join(FIELDS)}")
    own = individual(model, raw.get("parameters"), raw.get("covariates"), raw.get("individual"))
    initial = numbers(raw.get("initial"), list(numbers_of(model.State)), "state")
    state = replace(model.baseline(own), **initial)
    doses = raw.get("doses") or []
    times = raw.get("times")
    if not isinstance(doses, list):
        raise ValueError("doses: expected a list")
    if not isinstance(times, list) or not times:
        raise ValueError("times: expected a list with at least one time")
    return Case(
        model,
        own,
        state,
        sorted(_dose(model, d, i) for i, d in enumerate(doses)),
        [number(t, f"times[{i}]", 0.0, LONGEST) for i, t in enumerate(times)],
    )


def simulate(case: Case, precise: bool = False) -> dict[str, Any]:
    """States and readings at the case's times; a value at the time of a dose is the one before it.
    `precise`: in float64, on steps cut in `dosing.FINER`."""
    import jax

    with jax.enable_x64(precise):
        return _simulated(case, dosing.finer(case.model.grid, dosing.FINER) if precise else case.model.grid)


def _simulated(case: Case, grid: Grid) -> dict[str, Any]:
    import jax
    import jax.numpy as jnp

    from posology.patients import events, integrate

    model, hazards = case.model, case.model.hazards
    until = max([*case.times, 1e-6])
    doses = [d for d in case.doses if d[0] < until]
    shape = [(t, duration) for t, duration, _ in doses]
    ends = dosing.step_ends(grid, shape, [*case.times, *([hazards.landmark] if hazards else [])], until)
    ends = events.cut(ends) if hazards else ends
    rate, bolus = dosing.fractions(ends, shape)
    amounts = np.array([a for *_, a in doses])
    real = jnp.zeros(()).dtype
    schedule = dosing.Schedule(*(jnp.asarray(v, real) for v in (np.diff(ends, prepend=0.0), rate @ amounts, bolus @ amounts)))
    run = jax.jit(lambda own, x, s: integrate.advance(model, own, x, s, states=True))
    own, x = jax.tree.map(lambda v: jnp.asarray(v, real), (case.individual, case.state))
    trace = run(own, x, schedule)
    # at time 0 nothing has happened yet
    nodes = [int(np.argmin(np.abs(ends - t))) + 1 if t > 0 else 0 for t in case.times]
    states = {k: np.concatenate([[getattr(x, k)], v]) for k, v in trace.states._asdict().items()}
    first = model.readings(x, own)
    readings = {k: np.concatenate([[first[k]], v]) for k, v in trace.readings.items()}
    if not all(np.isfinite(v).all() for v in [*states.values(), *readings.values()]):
        raise ValueError(f"{model.id}: the simulation left the range of numbers; check doses, parameters and start")
    units = {k: n.unit for k, n in numbers_of(model.State).items()} | dict(model.reading_units)
    found = {}
    if hazards:
        whole = model.State(**{k: jnp.asarray(v) for k, v in states.items()})
        along = jax.jit(lambda p, t, x: events.cumulative(model, p, t, x))(own, np.concatenate([[0.0], ends]), whole)
        found["survival"] = events.told(along, [i // events.PARTS for i in nodes])
    return {
        "model": model.id,
        "time_unit": model.time_unit,
        "times": case.times,
        "states": {k: [float(v[i]) for i in nodes] for k, v in states.items()},
        "readings": {k: [float(v[i]) for i in nodes] for k, v in readings.items()},
        "units": units,
        **found,
    }
