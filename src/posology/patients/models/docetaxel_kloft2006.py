"""Neutropenia under docetaxel given every three weeks.

Linear kinetics with three compartments (amounts in mg, c = central/v1 in mg/L):

    dcentral/dt     = infusion − (cl/v1 + k12 + k13)·central + k21·peripheral1 + k31·peripheral2
    dperipheral1/dt = k12·central − k21·peripheral1
    dperipheral2/dt = k13·central − k31·peripheral2
    cl = bsa·(22.1 − 3.55·aag − 0.095·age + 0.225·alb)·(1 − 0.334·hep12)

Marrow of Friberg 2002 with E = sl·c/molar_mass (sl 15.5711 L/umol is 19.27 L/mg), and

    c0 = 5.21965·(1 − 0.121·female)·(1 + 0.130·[ecog ≥ 1])·(1 − 0.147·prior_therapy)·(1 + s·(aag − 1.34))
    s  = 0.175 below aag 1.34 g/L, 0.495 above;   sl = 15.5711·(1 − 0.351·(aag − 1.34))

aag is α1-acid glycoprotein, which binds docetaxel. Kinetics: Bruno R et al. J Pharmacokinet Biopharm
1996;24:153. Marrow: Kloft C et al. Clin Cancer Res 2006;12:5481, as encoded in DDMODEL00000224
(Netterberg I et al. Cancer Chemother Pharmacol 2017;80:343) and read in the public nlmixr2lib.

Not for: growth-factor support, weekly schedules, strong CYP3A4 inhibitors (clearance about halved).
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import BOUNDS, marrow
from posology.quantities import named, published, table, unverified, where

BRUNO = "Bruno 1996"
KLOFT = "Kloft 2006 (DDMODEL00000224)"


@table
class Params:
    cl_base: float = unverified(22.1, "L/h/m2", "clearance per area before covariates", cv=0.34, on="cl", at=BRUNO)
    cl_aag: float = unverified(3.55, "L2/h/m2/g", "fall of clearance with α1-acid glycoprotein", at=BRUNO)
    cl_age: float = unverified(0.095, "L/h/m2/a", "fall of clearance with age", at=BRUNO)
    cl_alb: float = unverified(0.225, "L2/h/m2/g", "rise of clearance with albumin", at=BRUNO)
    cl_hep12: float = unverified(0.334, "1", "share of clearance lost in liver impairment", at=BRUNO)
    v1: float = unverified(8.31, "L", "central volume", at=BRUNO)
    k12: float = unverified(1.07, "1/h", "from central to the first peripheral compartment", at=BRUNO)
    k21: float = unverified(1.74, "1/h", "back from the first peripheral compartment", at=BRUNO)
    k13: float = unverified(1.28, "1/h", "from central to the second peripheral compartment", at=BRUNO)
    k31: float = unverified(0.0787, "1/h", "back from the second peripheral compartment", at=BRUNO)
    c0: float = published(5.21965, "10*9/L", "neutrophils before treatment", variance=0.0640, at=KLOFT)
    c0_female: float = published(0.121, "1", "share of c0 that women lack", at=KLOFT)
    c0_ecog: float = published(0.130, "1", "rise of c0 with performance status 1 or worse", at=KLOFT)
    c0_prior: float = published(0.147, "1", "share of c0 lost by earlier anticancer therapy", at=KLOFT)
    c0_aag_low: float = published(0.175, "L/g", "rise of c0 with α1-acid glycoprotein below aag_ref", at=KLOFT)
    c0_aag_high: float = published(0.495, "L/g", "rise of c0 with α1-acid glycoprotein above aag_ref", at=KLOFT)
    aag_ref: float = published(1.34, "g/L", "α1-acid glycoprotein of the typical patient", at=KLOFT)
    mtt: float = published(84.1791, "h", "mean transit time through the marrow", variance=0.0192, at=KLOFT)
    gamma: float = published(0.144543, "1", "strength of the feedback", variance=0.0216, at="Kloft 2006")
    sl: float = published(15.5711, "L/umol", "drug effect per concentration", variance=0.128, at=KLOFT)
    sl_aag: float = published(0.351, "L/g", "fall of sl with α1-acid glycoprotein", at=KLOFT)
    molar_mass: float = published(0.8079, "mg/umol", "molar mass of anhydrous docetaxel", at="formula C43H53NO14")


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    k12: float = named("1/h", "from central to the first peripheral compartment")
    k21: float = named("1/h", "back from the first peripheral compartment")
    k13: float = named("1/h", "from central to the second peripheral compartment")
    k31: float = named("1/h", "back from the second peripheral compartment")
    c0: float = named("10*9/L", "neutrophils before treatment")
    mtt: float = named("h", "mean transit time through the marrow")
    gamma: float = named("1", "strength of the feedback")
    sl: float = named("L/umol", "drug effect per concentration")
    molar_mass: float = named("mg/umol", "molar mass of docetaxel")


@table
class State:
    central: float = named("mg", "docetaxel in the central compartment")
    peripheral1: float = named("mg", "docetaxel in the first peripheral compartment")
    peripheral2: float = named("mg", "docetaxel in the second peripheral compartment")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    circ: float = named("10*9/L", "neutrophils in blood")


def clearance(p: Any, c: Any) -> Any:
    """Of Bruno 1996, by body surface, protein, age and liver."""
    per_area = p.cl_base - p.cl_aag * c["aag"] - p.cl_age * c["age"] + p.cl_alb * c["alb"]
    return c["bsa"] * per_area * (1 - p.cl_hep12 * c["hep12"])


def individual(p: Any, c: Any) -> Any:
    excess = c["aag"] - p.aag_ref
    rise = where(excess > 0, p.c0_aag_high, p.c0_aag_low)
    c0 = (
        p.c0
        * (1 - p.c0_female * c["female"])
        * (1 + p.c0_ecog * where(c["ecog"] >= 1, 1.0, 0.0))
        * (1 - p.c0_prior * c["prior_therapy"])
        * (1 + rise * excess)
    )
    sl = p.sl * (1 - p.sl_aag * excess)
    return Individual(clearance(p, c), p.v1, p.k12, p.k21, p.k13, p.k31, c0, p.mtt, p.gamma, sl, p.molar_mass)


def baseline(p: Any) -> Any:
    none = 0 * p.v1  # no drug yet, in the shape and type of the parameters
    return State(none, none, none, p.c0, p.c0, p.c0, p.c0, p.c0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    to1 = p.k12 * x.central - p.k21 * x.peripheral1
    to2 = p.k13 * x.central - p.k31 * x.peripheral2
    effect = p.sl * x.central / (p.v1 * p.molar_mass)
    cells = marrow(x, p.c0, p.mtt, p.gamma, effect)
    return State(infusion - p.cl / p.v1 * x.central - to1 - to2, to1, to2, *cells)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"anc": x.circ, "concentration": x.central / p.v1}


MODEL = PatientModel(
    id="docetaxel-kloft2006",
    title="Docetaxel every three weeks: neutropenia",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"anc": "10*9/L", "concentration": "mg/L"},
    entries={"central": Entry("central", 1.0)},
    covariates=(
        Covariate("female", "1", 0, 1, "1 for female, 0 for male", default=0),
        Covariate("age", "a", 18, 90, "age", default=56),
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area", default=1.8),
        Covariate("aag", "g/L", 0.3, 3.5, "α1-acid glycoprotein in plasma", default=1.34),
        Covariate("alb", "g/L", 20, 60, "albumin in plasma", default=40),
        Covariate("hep12", "1", 0, 1, "1 if AST or ALT > 1.5 × ULN together with ALP > 2.5 × ULN, else 0", default=0),
        Covariate("ecog", "1", 0, 3, "ECOG performance status", default=0),
        Covariate("prior_therapy", "1", 0, 1, "1 after earlier anticancer therapy of any kind, else 0", default=0),
        Covariate("baseline_anc", "10*9/L", 1.5, 30, "neutrophils before treatment", sets="c0", default=None),
    ),
    residuals={
        "anc": Residual(ln_sd=0.424, source=KLOFT),
        "concentration": Residual(
            proportional=0.268, status="assumed", source="borrowed from Ozawa 2007: Bruno's error was not read"
        ),
    },
    linear=("central", "peripheral1", "peripheral2"),
    logarithmic=("prol",),
    grid=Grid(first=0.05, growth=1.15, largest=2.5),
    solver="exact+rk4",
    regimen=Regimen(75, 504, 2, 1, "bsa", "label"),
    coarse=Grid(first=0.25, growth=1.4, largest=8.0),
    bounds=BOUNDS,
    credibility="A",
    source="DDMODEL00000224; doi:10.1007/s00280-017-3366-x",
    not_for="growth-factor support, weekly schedules, strong CYP3A4 inhibitors (clearance about halved)",
)
