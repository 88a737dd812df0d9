"""High-dose methotrexate in children with leukaemia: how fast it leaves, read from serum creatinine.

    dcentral/dt     = infusion − cl·c − q2·(c − peripheral1/v2) − q3·(c − peripheral2/v3),   c = central/v1
    dperipheral1/dt = q2·(c − peripheral1/v2)
    dperipheral2/dt = q3·(c − peripheral2/v3)
    cl = 11·(bsa/1.73)·(scr/29)^−0.247;  v1, q2, v2, q3 and v3 are scaled by bsa/1.73 too

scr is serum creatinine in umol/L. The reading `methotrexate` is the concentration in umol/L (454.44 g/mol), as wards know it.

Taylor ZL et al. 2020 (MTXPK), 772 patients of NOPHO. Their residual error was not read, so none stands here. Creatinine does not
rise with the drug in this model: kidney injury enters only as a given value.

Not for: kidney injury as it develops, glucarpidase, ascites or effusions, low-dose or intrathecal methotrexate.
"""

from __future__ import annotations

from typing import Any

from posology.patients.compartments import mammillary
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen
from posology.quantities import named, power, published, table

TAYLOR = "Taylor 2020"


@table
class Params:
    cl: float = published(11, "L/h", "clearance at the reference area and creatinine", variance=0.08, at=TAYLOR)
    cl_scr: float = published(-0.247, "1", "exponent of serum creatinine on cl", at=TAYLOR)
    v1: float = published(16.5, "L", "central volume at the reference area", at=TAYLOR)
    q2: float = published(0.602, "L/h", "exchange with the first peripheral compartment, likewise", at=TAYLOR)
    v2: float = published(4.55, "L", "volume of the first peripheral compartment, likewise", variance=0.12, at=TAYLOR)
    q3: float = published(0.111, "L/h", "exchange with the second peripheral compartment, likewise", variance=0.13, at=TAYLOR)
    v3: float = published(13.1, "L", "volume of the second peripheral compartment, likewise", variance=0.10, at=TAYLOR)
    bsa_ref: float = published(1.73, "m2", "reference body surface area", at=TAYLOR)
    scr_ref: float = published(29, "umol/L", "reference serum creatinine", at=TAYLOR)
    molar_mass: float = published(0.45444, "mg/umol", "molar mass of methotrexate", at="formula C20H22N8O5")


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    q2: float = named("L/h", "exchange with the first peripheral compartment")
    v2: float = named("L", "volume of the first peripheral compartment")
    q3: float = named("L/h", "exchange with the second peripheral compartment")
    v3: float = named("L", "volume of the second peripheral compartment")
    molar_mass: float = named("mg/umol", "molar mass of methotrexate")


@table
class State:
    central: float = named("mg", "methotrexate in the central compartment")
    peripheral1: float = named("mg", "methotrexate in the first peripheral compartment")
    peripheral2: float = named("mg", "methotrexate in the second peripheral compartment")


def individual(p: Any, c: Any) -> Any:
    size = c["bsa"] / p.bsa_ref
    cl = p.cl * size * power(c["scr"] / p.scr_ref, p.cl_scr)
    return Individual(cl, p.v1 * size, p.q2 * size, p.v2 * size, p.q3 * size, p.v3 * size, p.molar_mass)


def baseline(p: Any) -> Any:
    return State(0 * p.v1, 0 * p.v1, 0 * p.v1)  # no drug yet, in the shape and type of the parameters


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c = x.central / p.v1
    return State(*mammillary(infusion, c, p.cl, (p.q2, x.peripheral1 / p.v2), (p.q3, x.peripheral2 / p.v3)))


def readings(x: Any, p: Any) -> dict[str, Any]:
    c = x.central / p.v1
    return {"concentration": c, "methotrexate": c / p.molar_mass}


MODEL = PatientModel(
    id="methotrexate-taylor2020",
    title="High-dose methotrexate in children: plasma concentration",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"concentration": "mg/L", "methotrexate": "umol/L"},
    entries={"central": Entry("central", 1.0)},
    covariates=(
        Covariate("bsa", "m2", 0.4, 2.2, "body surface area", default=0.745, source="range assumed: not read"),
        Covariate("scr", "umol/L", 10, 200, "creatinine in serum", default=29, source="range assumed: not read"),
    ),
    linear=("central", "peripheral1", "peripheral2"),
    grid=Grid(first=1.0, growth=1.5, largest=24.0),  # exact at any step
    solver="exact+rk4",
    regimen=Regimen(5000, 336, 2, 24, "bsa", "NOPHO: 5 g/m2 over 24 h; the interval of two weeks is assumed"),
    credibility="A",
    source="Taylor ZL et al. 2020 (MTXPK)",
    not_for="kidney injury as it develops, glucarpidase, ascites or effusions, low-dose or intrathecal methotrexate",
)
