"""Neutropenia under docetaxel, with an effect that saturates: the numbers of the first paper on this marrow.

Kinetics of Bruno 1996 as in `docetaxel-kloft2006`, and the marrow of Friberg 2002 with, for c in umol/L,

    E = emax·c/(ec50 + c)
    cl = bsa·(22.1 − 3.55·aag − 0.095·age + 0.225·alb)·(1 − 0.334·hep12)

Per concentration that is 11.7 L/umol at most and 7.2 at the peak of 180 mg, against 15.6 in Kloft 2006: other patients, other
nadirs.

Friberg LE et al. J Clin Oncol 2002;20:4713, doi:10.1200/JCO.2002.02.140, Table 4, read in the public DTAT; Bruno R et al.
J Pharmacokinet Biopharm 1996;24:153.

Not for: growth-factor support, weekly schedules, strong CYP3A4 inhibitors (clearance about halved).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.patients.model import Grid, Residual
from posology.patients.models import docetaxel_kloft2006 as kloft
from posology.quantities import named, numbers_of, published, table

BRUNO: Any = numbers_of(kloft.Params)
FRIBERG = "Friberg 2002, Table 4 (DTAT)"


@table
class Params:
    c0: float = published(5.05, "10*9/L", "neutrophils before treatment", cv=0.42, at=FRIBERG)
    mtt: float = published(89.3, "h", "mean transit time through the marrow", cv=0.16, at=FRIBERG)
    gamma: float = published(0.163, "1", "strength of the feedback", at=FRIBERG)
    emax: float = published(83.9, "1", "largest effect on proliferation", cv=0.33, at=FRIBERG)
    ec50: float = published(7.17, "umol/L", "concentration of half that effect", cv=0.50, at=FRIBERG)
    cl_base: float = BRUNO["cl_base"]
    cl_aag: float = BRUNO["cl_aag"]
    cl_age: float = BRUNO["cl_age"]
    cl_alb: float = BRUNO["cl_alb"]
    cl_hep12: float = BRUNO["cl_hep12"]
    v1: float = BRUNO["v1"]
    k12: float = BRUNO["k12"]
    k21: float = BRUNO["k21"]
    k13: float = BRUNO["k13"]
    k31: float = BRUNO["k31"]
    molar_mass: float = BRUNO["molar_mass"]


@table
class Individual:
    c0: float = named("10*9/L", "neutrophils before treatment")
    mtt: float = named("h", "mean transit time through the marrow")
    gamma: float = named("1", "strength of the feedback")
    emax: float = named("1", "largest effect on proliferation")
    ec50: float = named("umol/L", "concentration of half that effect")
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    k12: float = named("1/h", "from central to the first peripheral compartment")
    k21: float = named("1/h", "back from the first peripheral compartment")
    k13: float = named("1/h", "from central to the second peripheral compartment")
    k31: float = named("1/h", "back from the second peripheral compartment")
    molar_mass: float = named("mg/umol", "molar mass of docetaxel")


def individual(p: Any, c: Any) -> Any:
    kinetics = (kloft.clearance(p, c), p.v1, p.k12, p.k21, p.k13, p.k31)
    return Individual(p.c0, p.mtt, p.gamma, p.emax, p.ec50, *kinetics, p.molar_mass)


def slope(p: Any, central: Any) -> Any:
    """emax/(ec50 + c): a saturating effect is linear with a slope that falls as the concentration rises."""
    return p.emax / (p.ec50 + central / (p.v1 * p.molar_mass))


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    kinetics, marrow = (p.cl, p.v1, p.k12, p.k21, p.k13, p.k31), (p.c0, p.mtt, p.gamma)
    return kloft.rates(t, x, kloft.Individual(*kinetics, *marrow, slope(p, x.central), p.molar_mass), infusion)


MODEL = replace(
    kloft.MODEL,
    id="docetaxel-friberg2002",
    title="Docetaxel every three weeks: neutropenia by the numbers of Friberg 2002",
    Params=Params,
    Individual=Individual,
    individual=individual,
    rates=rates,
    covariates=tuple(
        kloft.MODEL.covariate(name) for name in ("age", "bsa", "aag", "alb", "hep12", "baseline_anc")
    ),
    residuals={
        "anc": Residual(proportional=0.42, status="assumed", source="of the linear effect in the same paper, about 42 %"),
        "concentration": kloft.MODEL.residuals["concentration"],
    },
    grid=Grid(first=0.04, growth=1.16, largest=4.0),
    coarse=None,
    source="doi:10.1200/JCO.2002.02.140",
)
