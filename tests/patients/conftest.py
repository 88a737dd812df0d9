"""An independent integration of any model: SciPy in float64, piecewise between changes of the infusion.

Fixtures `individual_of` and `scipy_course` hand out the two functions that tests call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq, minimize_scalar

from posology.patients.model import PatientModel
from posology.quantities import numbers_of, replace

Dose = tuple[float, float, float]  # start (h), amount (mg), duration (h; 0: bolus)


def covariates_of(model: PatientModel, given: Mapping[str, float] | None = None) -> dict[str, float]:
    """The reference patient's covariates, with some given."""
    reference = {c.name: float(c.default) for c in model.covariates if c.default is not None}
    return reference | dict(given or {})


def individual_of(
    model: PatientModel,
    covariates: Mapping[str, float] | None = None,
    parameters: Mapping[str, float] | None = None,
    own: Mapping[str, float] | None = None,
) -> Any:
    """One patient's final values: typical values, then covariates, then what is given for this patient."""
    row = model.individual(replace(model.Params(), **(parameters or {})), covariates_of(model, covariates))
    return replace(row, **(own or {}))


@dataclass(frozen=True)
class Course:
    """A solved course: one interpolant per piece between changes of the infusion."""

    model: PatientModel
    p: Any
    edges: tuple[float, ...]
    pieces: tuple[Any, ...]

    def reading(self, name: str, t: float) -> float:
        """The reading at `t` (h)."""
        i = min(max(int(np.searchsorted(self.edges, t, side="left")) - 1, 0), len(self.pieces) - 1)
        return float(self.model.readings(self.model.State(*self.pieces[i](t)[:-1].tolist()), self.p)[name])

    def auc(self, t: float) -> float:
        """Area under the concentration from 0 to `t` (h)."""
        i = min(max(int(np.searchsorted(self.edges, t, side="left")) - 1, 0), len(self.pieces) - 1)
        return float(self.pieces[i](t)[-1])

    def extreme(self, name: str, start: float, end: float, sign: float = 1.0) -> tuple[float, float]:
        """The minimum (sign −1: maximum) of a reading between two times, and when."""
        times = np.linspace(start, end, max(int(end - start), 50) + 1)
        values = [sign * self.reading(name, t) for t in times]
        k = int(np.argmin(values))
        around = (times[max(k - 1, 0)], times[min(k + 1, len(times) - 1)])
        best = minimize_scalar(lambda t: sign * self.reading(name, t), bounds=around, options={"xatol": 1e-6})
        at, value = (best.x, best.fun) if best.fun < values[k] else (times[k], values[k])
        return sign * float(value), float(at)

    def hours_above(self, level: float, end: float) -> float:
        """When the concentration, after its single peak, falls through `level`, less when it rose through it."""
        _, peak = self.extreme("concentration", 0.0, 24.0, sign=-1.0)

        def gap(t: float) -> float:
            return self.reading("concentration", t) - level

        return float(brentq(gap, peak, end) - brentq(gap, 0.0, peak))


def solve(model: PatientModel, p: Any, doses: Sequence[Dose], end: float, method: str = "LSODA") -> Course:
    """Integrate the model's `rates` and the area under its concentration, to rtol 1e-10."""
    p = type(p)(*(float(v) for v in p))
    entry = model.entries[model.entry]
    receives = list(numbers_of(model.State)).index(entry.state)
    edges = sorted({0.0, end, *(d[0] for d in doses), *(d[0] + d[2] for d in doses)})
    edges = [t for t in edges if t <= end]
    y = np.array([*map(float, model.baseline(p)), 0.0])
    pieces = []
    for a, b in zip(edges, edges[1:], strict=False):
        y[receives] += sum(entry.per_mg * mg for t, mg, hours in doses if hours == 0 and t == a)
        rate = sum(entry.per_mg * mg / hours for t, mg, hours in doses if hours > 0 and t <= a < t + hours)

        def slope(t: float, y: Any, rate: float = rate) -> list[float]:
            x = model.State(*y[:-1].tolist())
            return [*model.rates(t, x, p, rate), model.readings(x, p)["concentration"]]

        got = solve_ivp(slope, (a, b), y, method=method, rtol=1e-10, atol=1e-12, dense_output=True)
        assert got.success, got.message
        pieces.append(got.sol)
        y = got.y[:, -1].copy()
    return Course(model, p, tuple(edges), tuple(pieces))


@pytest.fixture(scope="session", name="individual_of")
def _individual_of() -> Callable[..., Any]:
    """`individual_of(model, covariates, parameters, own)`: one patient's final values."""
    return individual_of


@pytest.fixture(scope="session")
def scipy_course() -> Callable[..., Course]:
    """`scipy_course(model, individual, doses, end, method)`: the course solved to rtol 1e-10."""
    return solve
