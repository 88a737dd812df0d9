"""Intravenous docetaxel beside ritonavir: kinetics of a liver that clears by flow and by enzyme.

Three compartments with clearances q1 and q2 to vp and vp2, and the well-stirred liver

    cl = qhep·working/(qhep + working),   working = clint/(1 + ritonavir/ki)

which is 46.8 L/h without ritonavir. Its concentration is a covariate in mg/L, the same for the whole course: it competes for
CYP3A4. Ritonavir's own rise and fall, and oral docetaxel, are not built.

Koolen SLW et al. 2010. What docetaxel does to the marrow is in the other docetaxel models.

Not for: oral docetaxel, inducers, the fall of ritonavir between its doses.
"""

from __future__ import annotations

from typing import Any

from posology.patients.compartments import mammillary
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.models import docetaxel_kloft2006 as kloft
from posology.quantities import named, numbers_of, published, table

KOOLEN = "Koolen 2010"
OF_KLOFT: Any = numbers_of(kloft.State)


@table
class Params:
    clint: float = published(113, "L/h", "intrinsic clearance", cv=0.60, at=KOOLEN)
    qhep: float = published(80, "L/h", "blood flow of the liver", at=KOOLEN)
    vc: float = published(9.8, "L", "central volume", cv=0.45, at=KOOLEN)
    q1: float = published(6.9, "L/h", "exchange with the first peripheral compartment", at=KOOLEN)
    vp: float = published(7.5, "L", "volume of the first peripheral compartment", at=KOOLEN)
    q2: float = published(15.7, "L/h", "exchange with the second peripheral compartment", at=KOOLEN)
    vp2: float = published(376, "L", "volume of the second peripheral compartment", at=KOOLEN)
    ki: float = published(0.028, "mg/L", "ritonavir that halves the intrinsic clearance", at=KOOLEN)


@table
class Individual:
    clint: float = named("L/h", "intrinsic clearance that ritonavir leaves")
    qhep: float = named("L/h", "blood flow of the liver")
    vc: float = named("L", "central volume")
    q1: float = named("L/h", "exchange with the first peripheral compartment")
    vp: float = named("L", "volume of the first peripheral compartment")
    q2: float = named("L/h", "exchange with the second peripheral compartment")
    vp2: float = named("L", "volume of the second peripheral compartment")


@table
class State:
    central: float = OF_KLOFT["central"]
    peripheral1: float = OF_KLOFT["peripheral1"]
    peripheral2: float = OF_KLOFT["peripheral2"]


def individual(p: Any, c: Any) -> Any:
    return Individual(p.clint / (1 + c["ritonavir"] / p.ki), *p[1:7])


def baseline(p: Any) -> Any:
    return State(0 * p.vc, 0 * p.vc, 0 * p.vc)  # no drug yet, in the shape and type of the parameters


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c, cl = x.central / p.vc, p.qhep * p.clint / (p.qhep + p.clint)
    return State(*mammillary(infusion, c, cl, (p.q1, x.peripheral1 / p.vp), (p.q2, x.peripheral2 / p.vp2)))


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"concentration": x.central / p.vc}


MODEL = PatientModel(
    id="docetaxel-koolen2010",
    title="Docetaxel beside ritonavir: plasma concentration",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"concentration": "mg/L"},
    entries={"central": Entry("central", 1.0)},
    covariates=(
        Covariate("ritonavir", "mg/L", 0, 5, "ritonavir in plasma", default=0, source="range assumed: not read"),
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area, for doses per m2 only", default=1.8),
    ),
    residuals={"concentration": Residual(proportional=0.32, source=KOOLEN)},
    linear=("central", "peripheral1", "peripheral2"),
    correlations={("clint", "vc"): 0.446},
    grid=Grid(first=0.5, growth=1.5, largest=24.0),  # exact at any step
    solver="exact+rk4",
    regimen=Regimen(75, 504, 2, 1, "bsa", "label"),
    credibility="A",
    source="Koolen SLW et al. 2010",
    not_for="oral docetaxel, inducers, the fall of ritonavir between its doses",
)
