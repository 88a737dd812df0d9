"""Printed values of a model, and what is computed for them: by SciPy at a relative tolerance of 1e-10, by the engine as shipped.

Beside the file of each model lies one with its checks, `patients/models/<model>.toml`: named cases (who, which doses, until
when) and for each the values that a paper or an independent solver gives, with the tolerance that its last digit leaves:

    ["100 mg, continuous"]
    doses = [{ amount = 100, duration = 1, every = 24, times = 7 }]     # also time; in mg, or the entry's unit
    end = 168
    covariates = { weight = 70 }                                        # also parameters, own, initial
    values = [["concentration at 24", 1.234, 0.0005, "Smith 2020, Table 2"]]

All times are in the model's unit. The words of a value are those of `measure`.
"""

from __future__ import annotations

import functools
import math
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.integrate import solve_ivp
from scipy.interpolate import CubicHermiteSpline
from scipy.optimize import brentq, minimize_scalar

from posology.patients import case, dosing, models
from posology.patients.model import PatientModel
from posology.quantities import numbers_of, replace

FOLDER = Path(models.__file__).parent
Dose = tuple[float, float, float]  # start, amount (mg or the entry's unit), duration (0: at once), in the model's time unit
SHIPPED = 1e-3  # relative error that the engine may add to a printed value
CYCLE = 504.0  # h
INTEGRALS = ("auc", "trapezoids", "hours", "peak")  # what the engine does not follow: by SciPy alone
ROUND = 64  # steps of a course are filled up to a multiple of this, so that courses share a compiled program


@dataclass(frozen=True)
class Course:
    """A solved course: one interpolant of the states per piece between changes of input, and the area under a reading."""

    model: PatientModel
    p: Any
    edges: tuple[float, ...]
    pieces: tuple[Callable[[float], Any], ...]

    def at(self, t: float) -> Any:
        """States and area at `t`; at a change of input, those before it."""
        i = min(max(int(np.searchsorted(self.edges, t, side="left")) - 1, 0), len(self.pieces) - 1)
        return self.pieces[i](t)

    def reading(self, name: str, t: float) -> float:
        """The reading at `t`."""
        return float(self.model.readings(self.model.State(*self.at(t)[:-1].tolist()), self.p)[name])

    def value(self, name: str, t: float) -> float:
        """The reading or the state at `t`."""
        fields = list(numbers_of(self.model.State))
        return self.reading(name, t) if name in self.model.reading_units else float(self.at(t)[fields.index(name)])

    def reaches(self, name: str, level: float) -> float:
        """The first time at which a reading or state is at a level, looked for at a thousand times between the ends."""
        times = np.linspace(self.edges[0], self.edges[-1], 1001)
        gaps = np.array([self.value(name, t) - level for t in times])
        k = int(np.argmax(np.sign(gaps) != np.sign(gaps[0])))
        return float(brentq(lambda t: self.value(name, t) - level, times[k - 1], times[k]))

    def auc(self, t: float) -> float:
        """Area under the concentration, or the first reading, from 0 to `t`."""
        return float(self.at(t)[-1])

    def extreme(self, name: str, start: float, end: float, sign: float = 1.0) -> tuple[float, float]:
        """The minimum (sign −1: maximum) of a reading or state between two times, and when."""
        times = np.linspace(start, end, max(int(end - start), 50) + 1)
        values = [sign * self.value(name, t) for t in times]
        k = int(np.argmin(values))
        around = (times[max(k - 1, 0)], times[min(k + 1, len(times) - 1)])
        best = minimize_scalar(lambda t: sign * self.value(name, t), bounds=around, options={"xatol": 1e-6})
        at, value = (best.x, best.fun) if best.fun < values[k] else (times[k], values[k])
        return sign * float(value), float(at)

    def hours_above(self, level: float, end: float) -> float:
        """When the concentration, after its single peak, falls through `level`, less when it rose through it."""
        _, peak = self.extreme("concentration", 0.0, 24.0, sign=-1.0)
        gap = lambda t: self.reading("concentration", t) - level  # noqa: E731
        return float(brentq(gap, peak, end) - brentq(gap, 0.0, peak))


def measure(course: Course, quantity: str) -> float:
    """What the words of a printed value say. A cycle is three weeks in hours.

    Raises:
        ValueError: for words that say nothing.
    """
    match quantity.split():
        case ["parameter", "sl", "per", "mg"]:
            return float(course.p.sl / course.p.molar_mass)
        case ["parameter", name]:
            return float(getattr(course.p, name))
        case ["half-life"]:
            return math.log(2) * course.p.v / course.p.cl
        case [name, "at", t]:
            return course.value(name, float(t))
        case ["lowest" | "highest" as which, name, "from", start, "to", end]:
            return course.extreme(name, float(start), float(end), -1.0 if which == "highest" else 1.0)[0]
        case ["time", "of", "lowest" | "highest" as which, name, "from", start, "to", end]:
            return course.extreme(name, float(start), float(end), -1.0 if which == "highest" else 1.0)[1]
        case ["time", name, "reaches", level]:
            return course.reaches(name, float(level))
        case ["auc", "to", t]:
            return course.auc(float(t))
        case ["trapezoids", "of", step, "h", "to", end]:
            times = np.arange(0.0, float(end) + 1e-9, float(step))
            return float(np.trapezoid([course.reading("concentration", t) for t in times], times))
        case ["hours", "above", level]:
            return course.hours_above(float(level), 200.0)
        case ["peak"]:
            return course.extreme("concentration", 0.0, 24.0, sign=-1.0)[0]
        case ["nadir", "on", "a", "6", "h", "grid", cycle]:
            first = CYCLE * (int(cycle) - 1)
            return min(course.reading("anc", t) for t in np.arange(first, first + CYCLE + 0.1, 6.0))
        case ["nadir", "overall"]:
            return course.extreme("anc", 0.0, course.edges[-1])[0]
        case ["nadir", "day", "overall"]:
            return course.extreme("anc", 0.0, course.edges[-1])[1] / 24
        case ["nadir", "day", cycle]:
            first = CYCLE * (int(cycle) - 1)
            return (course.extreme("anc", first, first + CYCLE)[1] - first) / 24
        case ["nadir", cycle]:
            return course.extreme("anc", CYCLE * (int(cycle) - 1), CYCLE * int(cycle))[0]
    raise ValueError(f"no way to measure '{quantity}'")


# cases -------------------------------------------------------------------------------------------


def cases_of(model: PatientModel) -> dict[str, Any]:
    """The cases beside the model's file."""
    return tomllib.loads((FOLDER / f"{model.id.replace('-', '_')}.toml").read_text(encoding="utf-8"))


def doses_of(given: Sequence[Mapping[str, float]]) -> list[Dose]:
    """(start, amount, duration) of each dose; `times` of them, one after every `every`."""
    every = lambda d: [d.get("time", 0.0) + d.get("every", 0.0) * k for k in range(int(d.get("times", 1)))]  # noqa: E731
    return sorted((t, d["amount"], d.get("duration", 0.0)) for d in given for t in every(d))


def patient(model: PatientModel, who: Mapping[str, Any]) -> tuple[Any, Any]:
    """Individual parameters and start of a case."""
    p = case.individual(model, who.get("parameters"), who.get("covariates"), who.get("own"))
    return p, replace(model.baseline(p), **who.get("initial", {}))


def changes(doses: Sequence[Dose], end: float) -> list[float]:
    """Times at which the input changes, and both ends."""
    marks = {0.0, float(end), *(d[0] for d in doses), *(d[0] + d[2] for d in doses)}
    return sorted(t for t in marks if t <= end)


def inputs(model: PatientModel, doses: Sequence[Dose], start: float) -> tuple[float, float]:
    """What is given at once at `start`, and the rate from there to the next change."""
    per = model.entries[model.entry].scale
    at_once = sum(per * amount for t, amount, duration in doses if duration == 0 and t == start)
    return at_once, sum(per * amount / duration for t, amount, duration in doses if duration > 0 and t <= start < t + duration)


def followed(model: PatientModel) -> str:
    """The reading whose area is kept."""
    return "concentration" if "concentration" in model.reading_units else next(iter(model.reading_units))


def solve(model: PatientModel, p: Any, doses: Sequence[Dose], end: float, method: str = "LSODA", start: Any = None) -> Course:
    """The course by SciPy in float64, piecewise between changes of input, to rtol 1e-10.

    Raises:
        ValueError: with the solver's own words, when it gives up.
    """
    p, name = type(p)(*(float(v) for v in p)), followed(model)
    y = np.array([*map(float, start or model.baseline(p)), 0.0])
    edges, pieces = changes(doses, end), []
    for a, b in zip(edges, edges[1:], strict=False):
        at_once, rate = inputs(model, doses, a)
        if model.receives is not None:
            y[model.receives] += at_once

        def slope(t: float, y: Any, rate: float = rate) -> list[float]:
            x = model.State(*y[:-1].tolist())
            return [*model.rates(t, x, p, rate), model.readings(x, p)[name]]

        got = solve_ivp(slope, (a, b), y, method=method, rtol=1e-10, atol=1e-12, dense_output=True)
        if not got.success:
            raise ValueError(f"{model.id}: {method} of SciPy gave up: {got.message}")
        pieces.append(got.sol)
        y = got.y[:, -1].copy()
    return Course(model, p, tuple(edges), tuple(pieces))


# the engine as shipped ---------------------------------------------------------------------------


@functools.cache
def program(model: PatientModel) -> Callable[..., Any]:
    """The engine on one patient and a schedule, compiled; returns the states at all step ends."""
    import jax

    from posology.patients import integrate

    return jax.jit(lambda p, x, schedule: integrate.advance(model, p, x, schedule, states=True).states)


def shipped(model: PatientModel, p: Any, doses: Sequence[Dose], end: float, stops: Sequence[float], start: Any = None) -> Course:
    """The course by the engine in float32 on the model's grid and at `stops`; in between the cubic through ends and slopes."""
    import jax

    doses = [d for d in doses if d[0] < end]
    ends = dosing.step_ends(model.grid, [(t, d) for t, _, d in doses], stops, end)
    rate, bolus = dosing.fractions(ends, [(t, d) for t, _, d in doses]) if doses else (np.zeros((len(ends), 1)),) * 2
    amounts = np.array([a for _, a, _ in doses] or [0.0]) * model.entries[model.entry].scale
    steps = [np.diff(ends, prepend=0.0), rate @ amounts, bolus @ amounts]
    filled = [np.pad(v, (0, -len(ends) % ROUND)).astype(np.float32) for v in steps]
    x = start or model.baseline(p)
    own, first = jax.tree.map(np.float32, (p, x))
    states = np.stack([np.asarray(v, float) for v in program(model)(own, first, dosing.Schedule(*filled))], axis=1)[: len(ends)]
    return interpolated(model, p, x, doses, ends, states)


def interpolated(model: PatientModel, p: Any, x: Any, doses: Sequence[Dose], ends: np.ndarray, states: np.ndarray) -> Course:
    """A course through the states at step ends."""
    name, edges, pieces = followed(model), changes(doses, ends[-1]), []
    before, area = np.array([float(v) for v in x]), 0.0
    for a, b in zip(edges, edges[1:], strict=False):
        at_once, rate = inputs(model, doses, a)
        inside = (ends > a + 1e-9) & (ends <= b + 1e-9)
        if model.receives is not None:
            before = before + at_once * (np.arange(len(before)) == model.receives)
        t, y = np.concatenate([[a], ends[inside]]), np.concatenate([before[None], states[inside]])
        slopes = np.array([model.rates(0.0, model.State(*row.tolist()), p, rate) for row in y], float)
        curve = CubicHermiteSpline(t, y, slopes)
        read = lambda s, curve=curve: float(model.readings(model.State(*curve(s).tolist()), p)[name])  # noqa: E731
        middle = np.array([read(s) for s in (t[1:] + t[:-1]) / 2])
        nodes = np.array([read(s) for s in t])
        areas = area + np.concatenate([[0.0], np.cumsum(np.diff(t) * (nodes[1:] + nodes[:-1] + 4 * middle) / 6)])
        under = CubicHermiteSpline(t, areas, nodes)
        pieces.append(lambda s, curve=curve, under=under: np.append(curve(s), under(s)))
        before, area = states[inside][-1], areas[-1]
    return Course(model, p, tuple(edges), tuple(pieces))


def times_in(quantity: str) -> list[float]:
    """The times that the words of a value name."""
    words = quantity.split()
    after = [w for before, w in zip(words, words[1:], strict=False) if before in ("at", "from", "to")]
    return [float(w) for w in after if w.replace(".", "", 1).isdigit()]


def rows(model: PatientModel) -> list[dict[str, Any]]:
    """Every printed value of a model beside both computed ones."""
    found = []
    for name, who in cases_of(model).items():
        p, start = patient(model, who)
        doses = doses_of(who["doses"])
        stops = [t for quantity, *_ in who["values"] for t in times_in(quantity) if t < who["end"]]
        exact, ours = solve(model, p, doses, who["end"], start=start), shipped(model, p, doses, who["end"], stops, start)
        for quantity, printed, tolerance, source in who["values"]:
            followed_by_engine = not quantity.startswith(INTEGRALS)
            values = {"scipy": measure(exact, quantity), "engine": measure(ours, quantity) if followed_by_engine else None}
            allowed = tolerance + SHIPPED * abs(printed)
            met = abs(values["scipy"] - printed) <= tolerance and abs((values["engine"] or printed) - printed) <= allowed
            about = {"model": model.id, "case": name, "quantity": quantity, "printed": printed, "tolerance": tolerance}
            found.append({**about, **values, "met": met, "source": source})
    return found
