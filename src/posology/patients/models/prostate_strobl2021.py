"""Prostate cancer under intermittent androgen deprivation: drug-sensitive and resistant cells compete for room.

    dsensitive/dt = rs·sensitive·(1 − (sensitive + resistant)/k)·(1 − dd·drug) − turnover·rs·sensitive
    dresistant/dt = (1 − cost)·rs·resistant·(1 − (sensitive + resistant)/k) − turnover·rs·resistant

`drug` is 1 on treatment and 0 off it. Sizes are shares of the carrying capacity k. At the start of treatment the tumour has
the size n0, of which the share fr is resistant; `size`, which PSA follows, is relative to it. Progression is counted at a
size of 1.2.

Strobl MAR et al. Cancer Res 2021;81:1135; numbers from fits to 67 men of the trial of Bruchovsky 2006, whose medians stand
here. The men differ in ways that are not log-normal, so no spread stands beside the medians.

Not for: forecasting a man's survival; drugs that act on resistant cells.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, named, published, table

STROBL = "Strobl 2021"
FITS = "median of the fits to 67 men of Bruchovsky 2006, public code of Strobl 2021 and Gallagher 2024"


@table
class Params:
    rs: float = published(0.027, "1/d", "growth rate of sensitive cells", at=STROBL)
    dd: float = published(1.5, "1", "drug-induced death per division of sensitive cells", at=STROBL)
    k: float = assumed(1.0, "1", "carrying capacity", at="sizes are shares of it")
    n0: float = published(0.617, "1", "size at the start of treatment", at=FITS)
    fr: float = published(0.0144, "1", "resistant share at the start of treatment", at=FITS)
    cost: float = published(0.572, "1", "share by which resistance slows growth", at=FITS)
    turnover: float = published(0.304, "1", "natural death rate as a share of rs", at=FITS)


@table
class State:
    sensitive: float = named("1", "drug-sensitive cells")
    resistant: float = named("1", "resistant cells")


def baseline(p: Any) -> Any:
    return State(p.n0 * (1 - p.fr), p.n0 * p.fr)


def rates(t: Any, x: Any, p: Any, drug: Any) -> Any:
    room = 1 - (x.sensitive + x.resistant) / p.k
    sensitive = p.rs * x.sensitive * (room * (1 - p.dd * drug) - p.turnover)
    return State(sensitive, p.rs * x.resistant * ((1 - p.cost) * room - p.turnover))


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"size": (x.sensitive + x.resistant) / p.n0}


MODEL = PatientModel(
    id="prostate-strobl2021",
    title="Prostate cancer, sensitive and resistant cells",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"size": "1"},
    entries={"drug": Entry(unit="d", source="1 on treatment; an amount is days on it")},
    grid=Grid(first=1.0, growth=1.3, largest=7.0),
    solver="rk4",
    regimen=Regimen(28, 28, 12, 28, source="continuous treatment, told by months"),
    time_unit="d",
    credibility="B",
    source="Strobl 2021, Cancer Res 81:1135",
    not_for="forecasting survival; drugs that act on resistant cells",
)
