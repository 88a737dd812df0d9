"""Reference patient for measuring the engine: an oral drug with two compartments that hits the marrow.

    ddepot/dt      = infusion − ka·depot
    dcentral/dt    = ka·depot − cl·c − q·(c − peripheral/vp),   c = central/v
    dperipheral/dt = q·(c − peripheral/vp)

and the marrow of Friberg 2002 with E = slope·c. No drug has these numbers: they are round ones of
the size of a cytotoxic's, fixed so that measurements of speed and error can be compared.

Not for: any statement about patients.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import BOUNDS, marrow
from posology.quantities import assumed, named, table

FIXED = "fixed by the benchmark's definition"


@table
class Params:
    ka: float = assumed(2.0, "1/h", "absorption", cv=0.50, at=FIXED)
    v: float = assumed(50.0, "L", "central volume", cv=0.25, at=FIXED)
    cl: float = assumed(10.0, "L/h", "clearance", cv=0.30, at=FIXED)
    q: float = assumed(5.0, "L/h", "exchange with the peripheral compartment", cv=0.20, at=FIXED)
    vp: float = assumed(80.0, "L", "peripheral volume", cv=0.20, at=FIXED)
    mtt: float = assumed(90.0, "h", "mean transit time through the marrow", cv=0.20, at=FIXED)
    c0: float = assumed(5.0, "10*9/L", "neutrophils before treatment", cv=0.30, at=FIXED)
    gamma: float = assumed(0.17, "1", "strength of the feedback", cv=0.10, at=FIXED)
    slope: float = assumed(0.15, "L/mg", "drug effect per concentration", cv=0.40, at=FIXED)


@table
class State:
    depot: float = named("mg", "drug not yet absorbed")
    central: float = named("mg", "drug in the central compartment")
    peripheral: float = named("mg", "drug in the peripheral compartment")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    circ: float = named("10*9/L", "neutrophils in blood")


def baseline(p: Any) -> Any:
    none = 0 * p.v  # no drug yet, in the shape and type of the parameters
    return State(none, none, none, p.c0, p.c0, p.c0, p.c0, p.c0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c = x.central / p.v
    absorbed = p.ka * x.depot
    exchange = p.q * (c - x.peripheral / p.vp)
    cells = marrow(x, p.c0, p.mtt, p.gamma, p.slope * c)
    return State(infusion - absorbed, absorbed - p.cl * c - exchange, exchange, *cells)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"anc": x.circ, "concentration": x.central / p.v}


MODEL = PatientModel(
    id="benchmark-oral-friberg",
    title="Reference patient of the speed and accuracy benchmark",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"anc": "10*9/L", "concentration": "mg/L"},
    entries={"depot": Entry("depot", 1.0), "central": Entry("central", 1.0)},
    residuals={
        "anc": Residual(ln_sd=0.3, status="assumed", source=FIXED),
        "concentration": Residual(ln_sd=0.2, status="assumed", source=FIXED),
    },
    linear=("depot", "central", "peripheral"),
    grid=Grid(first=0.25, growth=1.4, largest=4.0),
    solver="exact+rk4",
    regimen=Regimen(300, 24, 21, source="the benchmark's largest dose"),
    coarse=Grid(first=0.5, growth=1.6, largest=12.0),
    bounds=BOUNDS,
    credibility="C",
    source="defined by this project",
    not_for="any statement about patients",
)
