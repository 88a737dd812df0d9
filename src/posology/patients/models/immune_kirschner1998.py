"""Immunotherapy of a tumour with effector cells and interleukin-2: three states that come and go in waves.

    deffectors/dt = infusion + c·tumour − mu2·effectors + p1·effectors·il2/(g1 + il2)
    dtumour/dt    = r2·tumour·(1 − b·tumour) − aa·effectors·tumour/(g2 + tumour)
    dil2/dt       = p2·effectors·tumour/(g3 + tumour) − mu3·il2

Cells are counted, interleukin-2 is in the paper's units. Effector cells are given; interleukin-2 can be. c says how well the
tumour is seen (0 to 0.05): unseen it grows to its capacity; at .02 it waxes and wanes for ever, falling far below one cell in
between; at .035 such waves die out within years. Where effector cells come at more than mu2·g2·r2/aa (540 a day), no tumour
can start again.

Kirschner D, Panetta JC. J Math Biol 1998;37:235, doi:10.1007/s002850050127. The numbers were not read in the paper, and no
spread, error or dose was.

Not for: patients; doses of T cells or interleukin-2 in a clinic.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, named, table, unverified

KIRSCHNER = "Kirschner and Panetta 1998"
START = "one of each, of our choice"


@table
class Params:
    c: float = unverified(0.035, "1/d", "effector cells raised per tumour cell", at=f"{KIRSCHNER}, within 0 to .05")
    mu2: float = unverified(0.03, "1/d", "death of effector cells", at=KIRSCHNER)
    p1: float = unverified(0.1245, "1/d", "highest stimulation of effector cells by IL-2", at=KIRSCHNER)
    g1: float = unverified(2e7, "1", "IL-2 of half that stimulation", at=KIRSCHNER)
    r2: float = unverified(0.18, "1/d", "growth of the tumour", at=KIRSCHNER)
    b: float = unverified(1e-9, "1", "reciprocal capacity of the tumour", at=KIRSCHNER)
    aa: float = unverified(1.0, "1/d", "tumour cells that an effector cell can kill", at=KIRSCHNER)
    g2: float = unverified(1e5, "1", "tumour of half that killing", at=KIRSCHNER)
    p2: float = unverified(5.0, "1/d", "IL-2 that an effector cell can make", at=KIRSCHNER)
    g3: float = unverified(1e3, "1", "tumour of half that production", at=KIRSCHNER)
    mu3: float = unverified(10.0, "1/d", "loss of IL-2", at=KIRSCHNER)
    e0: float = assumed(1.0, "1", "effector cells at the start", at=START)
    t0: float = assumed(1.0, "1", "tumour cells at the start", at=START)
    i0: float = assumed(1.0, "1", "IL-2 at the start", at=START)


@table
class State:
    effectors: float = named("1", "effector cells")
    tumour: float = named("1", "tumour cells")
    il2: float = named("1", "interleukin-2")


def baseline(p: Any) -> Any:
    return State(p.e0, p.t0, p.i0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    e, tumour, il2 = x.effectors, x.tumour, x.il2
    return State(
        effectors=infusion + p.c * tumour - p.mu2 * e + p.p1 * e * il2 / (p.g1 + il2),
        tumour=p.r2 * tumour * (1 - p.b * tumour) - p.aa * e * tumour / (p.g2 + tumour),
        il2=p.p2 * e * tumour / (p.g3 + tumour) - p.mu3 * il2,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour": x.tumour, "effectors": x.effectors}


MODEL = PatientModel(
    id="immune-kirschner1998",
    title="A tumour, effector cells and interleukin-2",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour": "1", "effectors": "1"},
    entries={
        "effectors": Entry("effectors", source="cells"),
        "interleukin-2": Entry("il2", source="the paper's units"),
    },
    saturable=("effectors", "tumour", "il2"),
    grid=Grid(first=0.1, growth=1.3, largest=2.0),
    solver="rosenbrock+rk4",
    regimen=Regimen(5600, 28, 6, 28, source="no dose was read: 200 cells a day, well below those that no tumour withstands"),
    time_unit="d",
    credibility="C",
    source="doi:10.1007/s002850050127",
    not_for="patients; doses of T cells or interleukin-2 in a clinic",
)
