"""Free platinum under carboplatin, in adults with normal renal function.

    dcentral/dt    = infusion − (cl/v + k12)·central + k21·peripheral
    dperipheral/dt = k12·central − k21·peripheral

`concentration` is that of ultrafilterable platinum, as carboplatin in mg/L. Calvert's dose is mg = AUC·(GFR + 25), AUC in
mg·min/mL and GFR in mL/min, which is capped at 125.

Ekhart C et al. 2008, 240 patients with normal renal function. Clearance does not read renal function here, so this model cannot
show why a dose follows the GFR; how platinum acts on cells is not in it.

Not for: impaired renal function, children, dialysis.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import named, published, table

EKHART = "Ekhart 2008"


@table
class Params:
    cl: float = published(8.38, "L/h", "clearance of free platinum", cv=0.194, occasion_cv=0.091, at=EKHART)
    v: float = published(15.4, "L", "central volume", cv=0.145, at=EKHART)
    k12: float = published(0.135, "1/h", "from central to the peripheral compartment", cv=0.482, at=EKHART)
    k21: float = published(0.215, "1/h", "back from the peripheral compartment", cv=0.436, at=EKHART)


@table
class State:
    central: float = named("mg", "carboplatin in the central compartment")
    peripheral: float = named("mg", "carboplatin in the peripheral compartment")


def baseline(p: Any) -> Any:
    return State(0 * p.v, 0 * p.v)  # no drug yet, in the shape and type of the parameters


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    exchange = p.k12 * x.central - p.k21 * x.peripheral
    return State(infusion - p.cl / p.v * x.central - exchange, exchange)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"concentration": x.central / p.v}


MODEL = PatientModel(
    id="carboplatin-ekhart2008",
    title="Carboplatin: free platinum",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"concentration": "mg/L"},
    entries={"central": Entry("central", 1.0)},
    residuals={"concentration": Residual(proportional=0.197, source=EKHART)},
    linear=("central", "peripheral"),
    grid=Grid(first=0.5, growth=1.5, largest=24.0),  # exact at any step
    solver="exact+rk4",
    regimen=Regimen(625, 504, 2, 1, source="Calvert: AUC 5 at a GFR of 100 mL/min"),
    credibility="A",
    source="Ekhart C et al. 2008",
    not_for="impaired renal function, children, dialysis",
)
