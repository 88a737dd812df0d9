"""Neutropenia under albumin-bound paclitaxel (nab-paclitaxel).

Saturable elimination and saturable exchange with one of two peripheral compartments (amounts in ug,
concentrations c = central/v1, c1 = peripheral1/v2, c2 = peripheral2/v3 in ug/L):

    dcentral/dt     = infusion − vm·c/(km + c) − vt·c/(kt + c) + vt·c1/(kt + c1) − q·(c − c2)
    dperipheral1/dt = vt·c/(kt + c) − vt·c1/(kt + c1)
    dperipheral2/dt = q·(c − c2)
    vm = 8070·(alb/39)^0.554

Marrow of Friberg 2002 with E = sl·c, sl = 0.00253·(1 + 0.501·[age ≥ 65]), c0 = 4.28·(alb/40)^−0.998.

Chen N et al. J Clin Pharmacol 2014;54:1097 (kinetics 150 patients, neutrophils 125), read in the
public nlmixr2lib; the volumes agree with a second public source.

Not for: growth-factor support, gemcitabine or other partners, moderate to severe liver impairment.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import BOUNDS, marrow
from posology.quantities import named, power, published, table, where

CHEN = "Chen 2014"


@table
class Params:
    v1: float = published(15.8, "L", "central volume", cv=0.467, at=CHEN)
    v2: float = published(1650.0, "L", "volume of the saturable peripheral compartment", cv=0.255, at=CHEN)
    v3: float = published(75.4, "L", "volume of the linear peripheral compartment", at=CHEN)
    vm: float = published(8070.0, "ug/h", "maximal elimination", cv=0.223, at=CHEN)
    vm_alb: float = published(0.554, "1", "exponent of albumin on vm", at=CHEN)
    vm_alb_ref: float = published(39.0, "g/L", "albumin at which vm is typical", at=CHEN)
    km: float = published(40.2, "ug/L", "concentration at half-maximal elimination", at=CHEN)
    vt: float = published(325000.0, "ug/h", "maximal saturable exchange", cv=0.267, at=CHEN)
    kt: float = published(4260.0, "ug/L", "concentration at half-maximal exchange", at=CHEN)
    q: float = published(41.6, "L/h", "exchange with the linear compartment", at=CHEN)
    c0: float = published(4.28, "10*9/L", "neutrophils before treatment", cv=0.351, at=CHEN)
    c0_alb: float = published(-0.998, "1", "exponent of albumin on c0", at=CHEN)
    c0_alb_ref: float = published(40.0, "g/L", "albumin at which c0 is typical", at=CHEN)
    mtt: float = published(117.0, "h", "mean transit time through the marrow", cv=0.190, at=CHEN)
    gamma: float = published(0.187, "1", "strength of the feedback", at=CHEN)
    sl: float = published(0.00253, "L/ug", "drug effect per concentration", cv=0.429, at=CHEN)
    sl_elderly: float = published(0.501, "1", "rise of sl in the elderly", at=CHEN)
    elderly: float = published(65.0, "a", "age from which sl is higher", at=CHEN)


@table
class Individual:
    v1: float = named("L", "central volume")
    v2: float = named("L", "volume of the saturable peripheral compartment")
    v3: float = named("L", "volume of the linear peripheral compartment")
    vm: float = named("ug/h", "maximal elimination")
    km: float = named("ug/L", "concentration at half-maximal elimination")
    vt: float = named("ug/h", "maximal saturable exchange")
    kt: float = named("ug/L", "concentration at half-maximal exchange")
    q: float = named("L/h", "exchange with the linear compartment")
    c0: float = named("10*9/L", "neutrophils before treatment")
    mtt: float = named("h", "mean transit time through the marrow")
    gamma: float = named("1", "strength of the feedback")
    sl: float = named("L/ug", "drug effect per concentration")


@table
class State:
    central: float = named("ug", "paclitaxel in the central compartment")
    peripheral1: float = named("ug", "paclitaxel in the saturable compartment")
    peripheral2: float = named("ug", "paclitaxel in the linear compartment")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    circ: float = named("10*9/L", "neutrophils in blood")


def individual(p: Any, c: Any) -> Any:
    vm = p.vm * power(c["alb"] / p.vm_alb_ref, p.vm_alb)
    c0 = p.c0 * power(c["alb"] / p.c0_alb_ref, p.c0_alb)
    sl = p.sl * (1 + p.sl_elderly * where(c["age"] >= p.elderly, 1.0, 0.0))
    return Individual(p.v1, p.v2, p.v3, vm, p.km, p.vt, p.kt, p.q, c0, p.mtt, p.gamma, sl)


def baseline(p: Any) -> Any:
    none = 0 * p.v1 * p.km
    return State(none, none, none, p.c0, p.c0, p.c0, p.c0, p.c0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c, c1, c2 = x.central / p.v1, x.peripheral1 / p.v2, x.peripheral2 / p.v3
    saturable = p.vt * (c / (p.kt + c) - c1 / (p.kt + c1))
    exchange = p.q * (c - c2)
    cells = marrow(x, p.c0, p.mtt, p.gamma, p.sl * c)
    return State(infusion - p.vm * c / (p.km + c) - saturable - exchange, saturable, exchange, *cells)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"anc": x.circ, "concentration": x.central / p.v1}


MODEL = PatientModel(
    id="nab-paclitaxel-chen2014",
    title="Albumin-bound paclitaxel: neutropenia",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"anc": "10*9/L", "concentration": "ug/L"},
    entries={"central": Entry("central", 1000.0, "1000 ug in a mg")},
    covariates=(
        Covariate("age", "a", 18, 90, "age", default=57),
        Covariate("alb", "g/L", 20, 60, "albumin in serum", default=39),
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area, for doses per m2 only", default=1.9),
        Covariate("baseline_anc", "10*9/L", 1.5, 30, "neutrophils before treatment", sets="c0", default=None),
    ),
    residuals={"anc": Residual(ln_sd=0.291, source=CHEN), "concentration": Residual(ln_sd=0.265, source=CHEN)},
    logarithmic=("prol",),
    grid=Grid(first=0.002, growth=1.12, largest=5.0),  # the input passes km within seconds
    saturable=("central", "peripheral1", "peripheral2"),
    solver="rosenbrock+rk4",
    regimen=Regimen(260, 504, 2, 0.5, "bsa", "label"),
    coarse=Grid(first=0.005, growth=1.3, largest=12.0),
    bounds=BOUNDS,
    credibility="A",
    source="Chen N et al. J Clin Pharmacol 2014;54:1097",
    not_for="growth-factor support, gemcitabine or other partners, moderate to severe liver impairment",
)
