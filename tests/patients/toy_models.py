"""Small patients whose answers are known: one compartment with as many random effects and covariates as asked for."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from posology.patients.course import Frame, Increment
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import assumed, named, table


@table
class State:
    central: float = named("mg", "drug in the body")


def toy(effects: int = 2, covariates: int = 0, residual: Residual | None = None, occasion: float = 0.0) -> PatientModel:
    """dcentral/dt = infusion − cl·central/v; the first `effects` of five numbers vary between patients."""
    values = {"cl": 1.0, "v": 10.0, "a": 1.0, "b": 1.0, "c": 1.0}  # a, b and c multiply the reading
    numbers: dict[str, Any] = {
        name: assumed(
            value, "1", name, at="this test", variance=0.09 * (i < effects), occasion_variance=occasion * (name == "cl")
        )
        for i, (name, value) in enumerate(values.items())
    }
    Params: Any = table(type("Params", (), {"__annotations__": dict.fromkeys(numbers, float), **numbers}))
    names = [f"x{i}" for i in range(covariates)]

    def individual(p: Any, c: Any) -> Any:
        factor = math.prod((c[n] for n in names), start=1.0)
        return Params(p.cl * factor, p.v, p.a, p.b, p.c)

    return PatientModel(
        id="toy-test2000",
        title="One compartment",
        Params=Params,
        State=State,
        individual=individual,
        baseline=lambda p: State(0 * p.v),
        rates=lambda t, x, p, infusion: State(infusion - p.cl / p.v * x.central),
        readings=lambda x, p: {"concentration": x.central / p.v * p.a * p.b * p.c},
        reading_units={"concentration": "mg/L"},
        entries={"central": Entry("central", 1.0)},
        covariates=tuple(Covariate(n, "1", 0.1, 10, n, default=1.0) for n in names),
        residuals={"concentration": residual or Residual(ln_sd=0.2)},
        linear=("central",),
        grid=Grid(first=12.0, growth=1.0, largest=12.0),
        solver="exact+rk4",
        regimen=Regimen(10.0, 24.0),
    )


class Seen(NamedTuple):
    """Times and values of one stretch."""

    time: tuple[float, ...] = ()
    value: tuple[float, ...] = ()
    below: tuple[bool, ...] | None = None


FRAME = Frame(24.0, 0.0)


NOTHING = Seen()


def stretch(mg: float = 100.0, seen: Seen = NOTHING, span: float = 24.0, padding: int = 0) -> Increment:
    """One bolus and what was measured after it; `padding` rows hold nothing."""
    n = len(seen.time)
    rest = [0.0] * padding
    return Increment(
        np.zeros(1, np.float32), np.full(1, mg, np.float32), np.zeros(1, np.float32), np.float32(span),
        np.array([*seen.time, *rest], np.float32), np.zeros(n + padding, np.int32),
        np.array([*seen.value, *([1.0] * padding)], np.float32),
        np.array([*(seen.below or [False] * n), *([False] * padding)], bool), np.arange(n + padding) < n,
    )  # fmt: skip


def stacked(*parts: Increment) -> Increment:
    """Stretches as the fits take them."""
    return Increment(*(np.stack(v) for v in zip(*parts, strict=True)))


def level(t: float, mg: float = 100.0, cl: float = 1.0, v: float = 10.0) -> float:
    """The exact concentration `t` after a bolus."""
    return mg / v * math.exp(-cl / v * t)
