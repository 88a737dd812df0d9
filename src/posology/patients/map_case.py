"""A case of a model in steps: one fixed patient with fixed inputs. The same file as for differential equations (`case.py`).

Times are whole steps. A dose with a duration is given again in every step that begins within it; `into` names the input. With
`seed` chance is drawn, without it nothing is left to chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from posology.patients import case, maps
from posology.patients.maps import MapModel
from posology.patients.model import match
from posology.quantities import numbers_of, replace

FIELDS = (*case.FIELDS, "seed")
DOSE_FIELDS = ("time", "amount", "unit", "duration", "into")
MOST_STEPS = 100_000


def whole(model: MapModel, value: Any, where: str) -> int:
    """A time as a number of steps.

    Raises:
        ValueError: for a time that is no whole number of steps, or too late.
    """
    steps = case.number(value, where, 0.0, MOST_STEPS * model.step) / model.step
    if abs(steps - round(steps)) > 1e-9:
        raise ValueError(f"{where}: {value} is not allowed; the model moves in steps of {model.step:g} {model.time_unit}")
    return round(steps)


def given(model: MapModel, doses: Any, steps: int) -> dict[str, np.ndarray]:
    """What goes in at each step, by input.

    Raises:
        ValueError: naming the dose, the field and what is allowed.
    """
    if not isinstance(doses, list):
        raise ValueError("doses: expected a list")
    found = {name: np.zeros(steps) for name in model.inputs}
    for i, dose in enumerate(doses):
        where = f"dose {i + 1}"
        if not isinstance(dose, Mapping) or "time" not in dose or "amount" not in dose:
            raise ValueError(f"{where}: expected an object with time and amount, got {dose!r:.60}")
        if unknown := [k for k in dose if k not in DOSE_FIELDS]:
            raise ValueError(f"{where}: unknown field '{unknown[0]}'; known: {', '.join(DOSE_FIELDS)}")
        name = match(dose.get("into", next(iter(model.inputs))), list(model.inputs), "input")
        if dose.get("unit", model.inputs[name]) != model.inputs[name]:
            raise ValueError(f"{where}: unknown unit '{dose['unit']}'; {name} is given in {model.inputs[name]}")
        first = whole(model, dose["time"], f"{where} time")
        last = first + max(whole(model, dose.get("duration", 0), f"{where} duration"), 1)
        found[name][first:last] += case.number(dose["amount"], f"{where} amount", 0.0)
    return found


def simulate(model: MapModel, raw: Mapping[str, Any], precise: bool = False) -> dict[str, Any]:
    """States and readings at the case's times, before what is given at those times.

    Raises:
        ValueError: one sentence that names the field, the value and what is allowed.
    """
    if unknown := [k for k in raw if k not in FIELDS]:
        raise ValueError(f"unknown field '{unknown[0]}' in the case; known: {', '.join(FIELDS)}")
    own = case.individual(model, raw.get("parameters"), raw.get("covariates"), raw.get("individual"))
    start = replace(model.baseline(own), **case.numbers(raw.get("initial"), list(numbers_of(model.State)), "state"))
    times = raw.get("times")
    if not isinstance(times, list) or not times:
        raise ValueError("times: expected a list with at least one time")
    nodes = [whole(model, t, f"times[{i}]") for i, t in enumerate(times)]
    seed = raw.get("seed")
    if seed is not None:
        seed = int(case.number(seed, "seed", 0, 2**31 - 1))
    return _simulated(model, own, start, given(model, raw.get("doses") or [], max([*nodes, 1])), nodes, times, seed, precise)


def _simulated(
    model: MapModel, own: Any, start: Any, inputs: Any, nodes: list[int], times: list[float], seed: int | None, precise: bool
) -> dict[str, Any]:
    import jax

    from posology.patients import events

    with jax.enable_x64(precise):
        key = None if seed is None else jax.random.key(seed)
        real = np.float64 if precise else np.float32
        own, start, inputs = jax.tree.map(lambda v: jax.numpy.asarray(v, real), (own, start, inputs))
        states = jax.jit(lambda p, x, u: maps.follow(model, p, x, u, key))(own, start, inputs)
        readings = jax.jit(jax.vmap(lambda x: model.readings(x, own)))(states)
        survival = {}
        if model.hazards:
            along = jax.jit(lambda p, x: events.cumulative_in_steps(model, p, x))(own, states)
            survival["survival"] = events.told(along, nodes)
        found = {k: np.asarray(v) for k, v in states._asdict().items()}
        read = {k: np.asarray(v) for k, v in readings.items()}
    if not all(np.isfinite(v).all() for v in [*found.values(), *read.values()]):
        raise ValueError(f"{model.id}: the simulation left the range of numbers; check doses, parameters and start")
    return {
        "model": model.id,
        "time_unit": model.time_unit,
        "times": times,
        "states": {k: [float(v[i]) for i in nodes] for k, v in found.items()},
        "readings": {k: [float(v[i]) for i in nodes] for k, v in read.items()},
        "units": {k: n.unit for k, n in numbers_of(model.State).items()} | dict(model.reading_units),
        **survival,
    }
