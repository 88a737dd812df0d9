"""Prostate cancer under intermittent androgen suppression: cells that need androgen and cells that do not.

    ddependent/dt   = (ax·z/(k2 + z) − bx·(k3 + (1 − k3)·z/(k4 + z)) − m1·(1 − z/z0))·dependent
    dindependent/dt = m1·(1 − z/z0)·dependent + (ay·(1 − d·z/z0) − by)·independent
    dz/dt           = ((1 − drug)·z0 − z)/tau,          psa = dependent + independent

z (`androgen`) falls on treatment (`drug` 1) and recovers off it (`drug` 0). Dependent cells turn independent while androgen
is low; with d = 1 normal androgen stops independent cells, and a relapse can be prevented.

Ideta AM et al. J Nonlinear Sci 2008;18:593, doi:10.1007/s00332-008-9031-0, and Tanaka G et al. Philos Trans A 2010;368:5029;
numbers as in two public codes. Both have k3 .8 where Ideta is said to have 8, and tau 12.5 d where he is said to have 62.5:
neither was read in the paper. It matters: only with k3 8 does switching at a PSA of 15 (on) and 4 or 10 (off) prevent relapse.
Units of androgen are taken from Ideta (normal 20 to 30 nmol/L); cells are in ug/L of the PSA they make. No spread is published.

Not for: forecasting a man; deciding that intermittent treatment prevents his relapse, which hangs on the doubtful k3.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import named, published, table

CODES = "two public codes of Ideta 2008 and Tanaka 2010"


@table
class Params:
    ax: float = published(0.0204, "1/d", "highest growth of dependent cells", at=CODES)
    bx: float = published(0.0076, "1/d", "death of dependent cells at high androgen", at=CODES)
    k2: float = published(2.0, "nmol/L", "androgen of half that growth", at=CODES)
    k3: float = published(0.8, "1", "death without androgen, as a multiple of bx", at=f"{CODES}; Ideta is said to have 8")
    k4: float = published(0.5, "nmol/L", "androgen at which death is half way between both", at=CODES)
    m1: float = published(5e-5, "1/d", "highest change from dependent to independent cells", at=CODES)
    ay: float = published(0.0242, "1/d", "growth of independent cells without androgen", at=CODES)
    by: float = published(0.0168, "1/d", "death of independent cells", at=CODES)
    d: float = published(1.0, "1", "share of that growth that normal androgen stops", at=CODES)
    z0: float = published(30.0, "nmol/L", "androgen without treatment", at=f"{CODES}; originally 20 to 30")
    tau: float = published(12.5, "d", "time in which androgen follows treatment", at=f"{CODES}; Ideta is said to have 62.5")
    x0: float = published(15.0, "ug/L", "dependent cells at the start", at=CODES)
    y0: float = published(0.1, "ug/L", "independent cells at the start", at=CODES)


@table
class State:
    dependent: float = named("ug/L", "cells that need androgen, by the PSA they make")
    independent: float = named("ug/L", "cells that do not, by the PSA they make")
    androgen: float = named("nmol/L", "androgen in serum")


def baseline(p: Any) -> Any:
    return State(p.x0, p.y0, p.z0)


def rates(t: Any, x: Any, p: Any, drug: Any) -> Any:
    z = x.androgen
    changed = p.m1 * (1 - z / p.z0)
    death = p.bx * (p.k3 + (1 - p.k3) * z / (p.k4 + z))
    return State(
        dependent=(p.ax * z / (p.k2 + z) - death - changed) * x.dependent,
        independent=changed * x.dependent + (p.ay * (1 - p.d * z / p.z0) - p.by) * x.independent,
        androgen=((1 - drug) * p.z0 - z) / p.tau,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"psa": x.dependent + x.independent, "androgen": x.androgen}


MODEL = PatientModel(
    id="prostate-ideta2008",
    title="Prostate cancer, androgen-dependent and independent cells",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"psa": "ug/L", "androgen": "nmol/L"},
    entries={"drug": Entry(unit="d", source="1 on treatment; an amount is days on it")},
    grid=Grid(first=0.5, growth=1.3, largest=2.5),
    solver="rk4",
    regimen=Regimen(28, 28, 12, 28, source="continuous treatment, told by months"),
    time_unit="d",
    source="doi:10.1007/s00332-008-9031-0",
    not_for="forecasting a man; deciding that intermittent treatment prevents his relapse, which hangs on the doubtful k3",
)
