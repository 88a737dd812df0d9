"""Chemotherapy of a tumour that an immune system fights: normal, tumour and immune cells and one drug.

    dnormal/dt = r2·normal·(1 − b2·normal) − c4·tumour·normal − a3·hit·normal
    dtumour/dt = r1·tumour·(1 − b1·tumour) − c2·immune·tumour − c3·tumour·normal − a2·hit·tumour
    dimmune/dt = s + rho·immune·tumour/(al + tumour) − c1·immune·tumour − d1·immune − a1·hit·immune
    ddrug/dt   = infusion − d2·drug,      hit = 1 − e^−drug

Cells are scaled: 1 is the capacity of the normal tissue. The dose rate lies between 0 and 1 a day.
Untreated, tumour and normal cells end in coexistence (normal 0.4352, tumour 0.5648, immune 0.4352).

de Pillis LG, Radunskaya A. Math Comput Model 2003;37:1221, doi:10.1016/S0895-7177(03)00133-X; numbers and start as in
DTRGym (Luo 2024, arXiv:2405.18610), after Ahn and Park 2011. Other papers start elsewhere. No spread is published.

Not for: any patient, since no number was fitted to one; comparing regimens beyond this benchmark.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import exp, named, published, table

SOURCE = "DTRGym, AhnChemoEnv"


@table
class Params:
    a1: float = published(0.2, "1/d", "killing of immune cells by the drug", at=SOURCE)
    a2: float = published(0.3, "1/d", "killing of tumour cells by the drug", at=SOURCE)
    a3: float = published(0.1, "1/d", "killing of normal cells by the drug", at=SOURCE)
    b1: float = published(1.0, "1", "reciprocal capacity of tumour cells", at=SOURCE)
    b2: float = published(1.0, "1", "reciprocal capacity of normal cells", at=SOURCE)
    c1: float = published(1.0, "1/d", "loss of immune cells to the tumour", at=SOURCE)
    c2: float = published(0.5, "1/d", "killing of tumour cells by immune cells", at=SOURCE)
    c3: float = published(1.0, "1/d", "competition of normal with tumour cells", at=SOURCE)
    c4: float = published(1.0, "1/d", "competition of tumour with normal cells", at=SOURCE)
    d1: float = published(0.2, "1/d", "death of immune cells", at=SOURCE)
    d2: float = published(1.0, "1/d", "loss of drug", at=SOURCE)
    r1: float = published(1.5, "1/d", "growth of tumour cells", at=SOURCE)
    r2: float = published(1.0, "1/d", "growth of normal cells", at=SOURCE)
    s: float = published(0.33, "1/d", "supply of immune cells", at=SOURCE)
    al: float = published(0.3, "1", "tumour of half immune response", at=SOURCE)
    rho: float = published(0.01, "1/d", "immune response", at=SOURCE)
    n0: float = published(0.9, "1", "normal cells at the start", at=SOURCE)
    t0: float = published(0.2, "1", "tumour cells at the start", at=SOURCE)
    i0: float = published(0.005, "1", "immune cells at the start", at=SOURCE)


@table
class State:
    normal: float = named("1", "normal cells")
    tumour: float = named("1", "tumour cells")
    immune: float = named("1", "immune cells")
    drug: float = named("1", "drug")


def baseline(p: Any) -> Any:
    return State(p.n0, p.t0, p.i0, 0 * p.n0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    n, tumour, i = x.normal, x.tumour, x.immune
    hit = 1 - exp(-x.drug)
    return State(
        normal=p.r2 * n * (1 - p.b2 * n) - p.c4 * tumour * n - p.a3 * hit * n,
        tumour=p.r1 * tumour * (1 - p.b1 * tumour) - p.c2 * i * tumour - p.c3 * tumour * n - p.a2 * hit * tumour,
        immune=p.s + p.rho * i * tumour / (p.al + tumour) - p.c1 * i * tumour - p.d1 * i - p.a1 * hit * i,
        drug=-p.d2 * x.drug + infusion,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour": x.tumour, "normal": x.normal, "immune": x.immune}


MODEL = PatientModel(
    id="immune-depillis2003",
    title="Chemotherapy of a tumour with an immune system, four states",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour": "1", "normal": "1", "immune": "1"},
    entries={"drug": Entry("drug", source="scaled amounts without mg")},
    linear=("drug",),
    grid=Grid(first=0.15, growth=1.3, largest=0.6),
    solver="exact+rk4",
    regimen=Regimen(4, 14, 4, 4, source="the highest rate on the first 4 days of every 14"),
    time_unit="d",
    credibility="C",
    source="doi:10.1016/S0895-7177(03)00133-X; arXiv:2405.18610",
    not_for="any patient, since no number was fitted to one; comparing regimens beyond this benchmark",
)
