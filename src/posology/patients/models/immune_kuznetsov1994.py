"""A tumour kept dormant by immune cells, or escaping them: two states.

    deffectors/dt = infusion + s + p·effectors·tumour/(g + tumour) − m·effectors·tumour − d·effectors
    dtumour/dt    = a·tumour·(1 − b·tumour) − n·effectors·tumour

Cells are counted. A small tumour sinks in slow waves towards dormancy, a large one escapes to its capacity. Fitted by the
authors to BCL1 lymphoma in mice. Kuznetsov VA et al. Bull Math Biol 1994;56:295, doi:10.1007/BF02460644.

The numbers were not read in the paper. Scaled (cells/1e6, time·1e6·n), they give the scaled set that two public sources print,
but for its rounding: delta .3742 instead of .3743, alpha 1.635 instead of 1.636. No spread, error or dose was read.

Not for: patients; doses of T cells in a clinic.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, named, table, unverified

KUZNETSOV = "Kuznetsov 1994"
START = "a small tumour, of our choice"


@table
class Params:
    s: float = unverified(1.3e4, "1/d", "supply of effector cells", at=KUZNETSOV)
    p: float = unverified(0.1245, "1/d", "highest stimulation of effector cells by the tumour", at=KUZNETSOV)
    g: float = unverified(2.019e7, "1", "tumour of half that stimulation", at=KUZNETSOV)
    m: float = unverified(3.422e-10, "1/d", "loss of effector cells per tumour cell", at=KUZNETSOV)
    d: float = unverified(0.0412, "1/d", "death of effector cells", at=KUZNETSOV)
    a: float = unverified(0.18, "1/d", "growth of the tumour", at=KUZNETSOV)
    b: float = unverified(2e-9, "1", "reciprocal capacity of the tumour", at=KUZNETSOV)
    n: float = unverified(1.101e-7, "1/d", "killing of tumour cells per effector cell", at=KUZNETSOV)
    e0: float = assumed(3.2e5, "1", "effector cells at the start", at=START)
    t0: float = assumed(5e5, "1", "tumour cells at the start", at=START)


@table
class State:
    effectors: float = named("1", "effector cells")
    tumour: float = named("1", "tumour cells")


def baseline(p: Any) -> Any:
    return State(p.e0, p.t0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    gain = p.p * x.tumour / (p.g + x.tumour) - p.m * x.tumour - p.d
    return State(
        effectors=infusion + p.s + gain * x.effectors,
        tumour=x.tumour * (p.a * (1 - p.b * x.tumour) - p.n * x.effectors),
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour": x.tumour, "effectors": x.effectors}


MODEL = PatientModel(
    id="immune-kuznetsov1994",
    title="A tumour and its effector cells: dormancy or escape",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour": "1", "effectors": "1"},
    entries={"effectors": Entry("effectors", source="cells")},
    logarithmic=("tumour",),
    grid=Grid(first=0.5, growth=1.4, largest=3.0),
    solver="rk4",
    regimen=Regimen(1e6, 28, 6, source="no dose was read: cells enough to turn the escape of a large tumour"),
    time_unit="d",
    credibility="C",
    source="doi:10.1007/BF02460644",
    not_for="patients; doses of T cells in a clinic",
)
