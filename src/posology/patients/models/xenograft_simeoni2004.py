"""Tumour grafted on mice under a cytotoxic drug: cells that are hit die in stages.

    dx1/dt = l0·x1/(1 + (l0/l1·w)^20)^(1/20) − k2·c·x1,      w = x1 + x2 + x3 + x4
    dx2/dt = k2·c·x1 − k1·x2
    dx3/dt = k1·(x2 − x3)
    dx4/dt = k1·(x3 − x4)

The tumour (weight w, g; days) grows exponentially at the rate l0 while it is small and by l1 a day when it is large. `c` is
the concentration in plasma, from any kinetics: it is the input here, as a rate for as long as it is held.

Simeoni M et al. Cancer Res 2004;64:1094, paclitaxel, experiment 1, read in the public nlmixr2lib. Unknown: the weight at the
start (0.1 g is a choice), the kinetics of paclitaxel in those mice, the spread between mice and the error of a weight.

Not for: patients; doses in mg.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, maximum, named, power, published, table

SIMEONI = "Simeoni 2004, paclitaxel, experiment 1 (nlmixr2lib)"


@table
class Params:
    w0: float = assumed(0.1, "g", "weight at the start", at="not in the sources; the weight of the checks")
    l0: float = published(0.273, "1/d", "rate of exponential growth", at=SIMEONI)
    l1: float = published(0.814, "g/d", "linear growth of a large tumour", at=SIMEONI)
    k1: float = published(0.968, "1/d", "rate from one stage of damage to the next", at=SIMEONI)
    k2: float = published(6.29e-4, "mL/(ng*d)", "kill per concentration", at=SIMEONI)


@table
class State:
    x1: float = named("g", "cells that divide")
    x2: float = named("g", "damaged cells, first stage")
    x3: float = named("g", "damaged cells, second stage")
    x4: float = named("g", "damaged cells, third stage")


def baseline(p: Any) -> Any:
    return State(p.w0, 0 * p.w0, 0 * p.w0, 0 * p.w0)


def crowding(u: Any) -> Any:
    """(1 + u^20)^(1/20): 1 while u is below 1, u when it is above; the larger of them is taken out against overflow."""
    larger = maximum(u, 1.0)
    return larger * power((1 / larger) ** 20 + (u / larger) ** 20, 1 / 20)


def weight(x: Any) -> Any:
    """Of the whole tumour."""
    return x.x1 + x.x2 + x.x3 + x.x4


def rates(t: Any, x: Any, p: Any, c: Any) -> Any:
    hit = p.k2 * c * x.x1
    return State(
        x1=p.l0 * x.x1 / crowding(p.l0 / p.l1 * weight(x)) - hit,
        x2=hit - p.k1 * x.x2,
        x3=p.k1 * (x.x2 - x.x3),
        x4=p.k1 * (x.x3 - x.x4),
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_weight": weight(x)}


MODEL = PatientModel(
    id="xenograft-simeoni2004",
    title="Tumour graft on mice under paclitaxel",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_weight": "g"},
    entries={"concentration": Entry(unit="ng*d/mL", source="concentration in plasma times the days it is held")},
    grid=Grid(first=0.05, growth=1.2, largest=0.2),
    solver="rk4",
    regimen=Regimen(1000, 4, 5, 1, source="no published one: 1000 ng/mL for a day every four days"),
    time_unit="d",
    credibility="B",
    source="Simeoni 2004, Cancer Res 64:1094",
    not_for="patients; doses in mg",
)
