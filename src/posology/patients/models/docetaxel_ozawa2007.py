"""Neutropenia under docetaxel in Japanese patients, who are given 60 mg/m2.

Three compartments with clearances q2 and q3 to v2 and v3, and the marrow of Friberg 2002 with, for c in mg/L,

    E = sl·c,   sl = 17.9·(aag/0.94)^−1.38

Premedication with dexamethasone, covariate `dexamethasone`, brings neutrophils into blood that divide no more, out of a
pool of 5.19·10⁹/L at the start:

    dpool/dt = −pool/35.5 h,   dcirc/dt = … + pool/35.5 h

It is filled once, at the start: whether later cycles fill it again was not told, so with dexamethasone use one cycle.

Ozawa K et al. 2007, 62 patients. Every patient's own count before treatment was their c0; the typical one here is assumed.

Not for: growth-factor support, weekly schedules, strong CYP3A4 inhibitors, later cycles with dexamethasone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.patients.model import Covariate, Grid, Regimen, Residual
from posology.patients.models import docetaxel_kloft2006 as kloft
from posology.quantities import assumed, named, numbers_of, power, published, table

OZAWA = "Ozawa 2007"
OF_KLOFT: Any = numbers_of(kloft.State)


@table
class Params:
    cl: float = published(35.7, "L/h", "clearance", cv=0.399, at=OZAWA)
    v1: float = published(6.94, "L", "central volume", cv=0.264, at=OZAWA)
    q2: float = published(5.58, "L/h", "exchange with the first peripheral compartment", at=OZAWA)
    v2: float = published(7.39, "L", "volume of the first peripheral compartment", at=OZAWA)
    q3: float = published(12.5, "L/h", "exchange with the second peripheral compartment", at=OZAWA)
    v3: float = published(225, "L", "volume of the second peripheral compartment", at=OZAWA)
    c0: float = assumed(4.0, "10*9/L", "neutrophils before treatment", at="every patient's own count in Ozawa 2007")
    mtt: float = published(113, "h", "mean transit time through the marrow", cv=0.111, at=OZAWA)
    gamma: float = published(0.196, "1", "strength of the feedback", at=OZAWA)
    sl: float = published(17.9, "L/mg", "drug effect per concentration", cv=0.682, at=OZAWA)
    sl_aag: float = published(-1.38, "1", "exponent of α1-acid glycoprotein on sl", at=OZAWA)
    aag_ref: float = published(0.94, "g/L", "α1-acid glycoprotein of the typical patient", at=OZAWA)
    stored: float = published(5.19, "10*9/L", "neutrophils that dexamethasone brings", cv=1.10, on="pool", at=OZAWA)
    release: float = published(35.5, "h", "mean time in which they come", at=OZAWA)


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    q2: float = named("L/h", "exchange with the first peripheral compartment")
    v2: float = named("L", "volume of the first peripheral compartment")
    q3: float = named("L/h", "exchange with the second peripheral compartment")
    v3: float = named("L", "volume of the second peripheral compartment")
    c0: float = named("10*9/L", "neutrophils before treatment")
    mtt: float = named("h", "mean transit time through the marrow")
    gamma: float = named("1", "strength of the feedback")
    sl: float = named("L/mg", "drug effect per concentration")
    pool: float = named("10*9/L", "neutrophils that dexamethasone brings, 0 without it")
    release: float = named("h", "mean time in which they come")


@table
class State:
    pool: float = named("10*9/L", "neutrophils that dexamethasone has yet to bring")
    central: float = OF_KLOFT["central"]
    peripheral1: float = OF_KLOFT["peripheral1"]
    peripheral2: float = OF_KLOFT["peripheral2"]
    prol: float = OF_KLOFT["prol"]
    t1: float = OF_KLOFT["t1"]
    t2: float = OF_KLOFT["t2"]
    t3: float = OF_KLOFT["t3"]
    circ: float = OF_KLOFT["circ"]


def individual(p: Any, c: Any) -> Any:
    sl = p.sl * power(c["aag"] / p.aag_ref, p.sl_aag)
    pool = p.stored * c["dexamethasone"]
    return Individual(p.cl, p.v1, p.q2, p.v2, p.q3, p.v3, p.c0, p.mtt, p.gamma, sl, pool, p.release)


def baseline(p: Any) -> Any:
    return State(p.pool, *kloft.baseline(p))


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    constants = (p.q2 / p.v1, p.q2 / p.v2, p.q3 / p.v1, p.q3 / p.v3)
    concentration_in_mg = 1.0  # instead of a molar mass
    own = kloft.Individual(p.cl, p.v1, *constants, p.c0, p.mtt, p.gamma, p.sl, concentration_in_mg)
    d, coming = kloft.rates(t, x, own, infusion), x.pool / p.release
    return State(-coming, *d._replace(circ=d.circ + coming))


MODEL = replace(
    kloft.MODEL,
    id="docetaxel-ozawa2007",
    title="Docetaxel in Japanese patients: neutropenia",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    covariates=(
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area, for doses per m2 only", default=1.55),
        replace(kloft.MODEL.covariate("aag"), default=0.94),
        Covariate("dexamethasone", "1", 0, 1, "1 with dexamethasone before the first dose, else 0", default=0),
        kloft.MODEL.covariate("baseline_anc"),
    ),
    residuals={
        "anc": Residual(ln_sd=0.291, source=OZAWA),
        "concentration": Residual(proportional=0.268, source=OZAWA),
    },
    grid=Grid(first=0.04, growth=1.16, largest=4.0),
    coarse=None,
    regimen=Regimen(60, 504, 2, 1, "bsa", "label in Japan"),
    source="Ozawa K et al. 2007",
    not_for="growth-factor support, weekly schedules, strong CYP3A4 inhibitors, later cycles with dexamethasone",
)
