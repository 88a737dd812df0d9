"""Intravenous busulfan in children before a stem cell transplant.

    dcentral/dt    = infusion − cl·c − q·(c − peripheral/v2),   c = central/v1
    dperipheral/dt = q·(c − peripheral/v2)
    cl = 10.7·(weight/70)^0.75,  q = 4.68·(weight/70)^0.75,  v1 = 39.5·(weight/70),  v2 = 17.5·(weight/70)

Clearance also varies between the doses of one child. One dose of 16 is meant to give an AUC of 900 to 1350 umol/L·min (molar
mass 246.3 g/mol: 3.69 to 5.54 mg·h/L). The pump's lag of 5 to 40 minutes is left out.

Neroutsos E et al. 2022, 76 children. Not known here: which ages and weights they had.

Not for: adults, oral busulfan, a partner drug that changes glutathione.
"""

from __future__ import annotations

from typing import Any

from posology.patients.compartments import mammillary
from posology.patients.maturation import allometry
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import named, published, table

NEROUTSOS = "Neroutsos 2022"


@table
class Params:
    cl: float = published(
        10.7, "L/h", "clearance at 70 kg", variance=0.284**2, occasion_variance=0.105**2, at=NEROUTSOS
    )
    v1: float = published(39.5, "L", "central volume at 70 kg", variance=0.409**2, at=NEROUTSOS)
    q: float = published(4.68, "L/h", "exchange with the peripheral compartment at 70 kg", at=NEROUTSOS)
    v2: float = published(17.5, "L", "peripheral volume at 70 kg", at=NEROUTSOS)
    standard_weight: float = published(70, "kg", "weight at which the numbers are meant", at=NEROUTSOS)
    clearance_exponent: float = published(0.75, "1", "exponent of weight in clearances", at=NEROUTSOS)


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    q: float = named("L/h", "exchange with the peripheral compartment")
    v2: float = named("L", "peripheral volume")


@table
class State:
    central: float = named("mg", "busulfan in the central compartment")
    peripheral: float = named("mg", "busulfan in the peripheral compartment")


def individual(p: Any, c: Any) -> Any:
    size = allometry(c["weight"], p.standard_weight, p.clearance_exponent)
    mass = c["weight"] / p.standard_weight
    return Individual(p.cl * size, p.v1 * mass, p.q * size, p.v2 * mass)


def baseline(p: Any) -> Any:
    return State(0 * p.v1, 0 * p.v2)  # no drug yet, in the shape and type of the parameters


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c = x.central / p.v1
    return State(*mammillary(infusion, c, p.cl, (p.q, x.peripheral / p.v2)))


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"concentration": x.central / p.v1}


MODEL = PatientModel(
    id="busulfan-neroutsos2022",
    title="Busulfan in children: plasma concentration",
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
        Covariate("weight", "kg", 3, 70, "body weight", default=20, source="range assumed: the cohort's was not read"),
    ),
    residuals={"concentration": Residual(proportional=0.126, source=NEROUTSOS)},
    linear=("central", "peripheral"),
    correlations={("cl", "v1"): 0.679},
    grid=Grid(first=0.5, growth=1.5, largest=12.0),  # exact at any step
    solver="exact+rk4",
    regimen=Regimen(1.1, 6, 16, 2, "weight", "European label, 16 to 23 kg"),
    credibility="A",
    source="Neroutsos E et al. 2022",
    not_for="adults, oral busulfan, a partner drug that changes glutathione",
)
