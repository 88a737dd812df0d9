"""Cumulative neutropenia under paclitaxel given every three weeks.

Saturable elimination and distribution (amounts in umol, c = central/v1 in umol/L):

    dcentral/dt     = infusion − vmel·c/(kmel + c) − vmtr·c/(kmtr + c) + k21·peripheral1 − q·c + (q/v3)·peripheral2
    dperipheral1/dt = vmtr·c/(kmtr + c) − k21·peripheral1
    dperipheral2/dt = q·c − (q/v3)·peripheral2
    vmel = 35.9·(bsa/1.8)^1.14·(age/56)^−0.447·(bilirubin/7)^−0.0942·1.07^male

A stem-cell pool refills the proliferating cells and is hit by the drug as they are, so that nadirs
deepen from cycle to cycle (ktr = 4/mtt, E = sl·c, F = (c0/circ)^gamma):

    dstem/dt = (1 − ftr)·ktr·stem·((1 − E)·F − 1)
    dprol/dt = ftr·ktr·prol·(1 − E)·F + (1 − ftr)·ktr·stem − ktr·prol
    dt1/dt   = ktr·(prol − t1), and so on to circ, as in Friberg 2002

Kinetics: Joerger M et al. Clin Pharmacokinet 2012;51:607. Marrow: Henrich A et al.
J Pharmacol Exp Ther 2017;362:347. As decision problem: Maier C et al. CPT Pharmacometrics
Syst Pharmacol 2021;10:241, doi:10.1002/psp4.12588. The structure was read in public code; the numbers
below marked `unverified` are attributed to these papers and still have to be read there.

Not for: growth-factor support, weekly schedules, platinum partners other than in the CEPAC trial.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import BOUNDS, feedback, maturation
from posology.quantities import named, power, table, unverified

MOLAR_MASS = 853.9  # g/mol
JOERGER = "Joerger 2012"
HENRICH = "Henrich 2017"


@table
class Params:
    v1: float = unverified(10.8, "L", "central volume", occasion_variance=0.1391, at=JOERGER)
    v3: float = unverified(301.0, "L", "volume of the linear peripheral compartment", variance=0.1639, at=JOERGER)
    kmel: float = unverified(0.667, "umol/L", "concentration at half-maximal elimination", at=JOERGER)
    vmel: float = unverified(35.9, "umol/h", "maximal elimination", variance=0.0253, occasion_variance=0.0231, at=JOERGER)
    vmel_bsa: float = unverified(1.14, "1", "exponent of body surface area on vmel", at=JOERGER)
    vmel_age: float = unverified(-0.447, "1", "exponent of age on vmel", at=JOERGER)
    vmel_bilirubin: float = unverified(-0.0942, "1", "exponent of bilirubin on vmel", at=JOERGER)
    vmel_male: float = unverified(1.07, "1", "factor of male sex on vmel", at=JOERGER)
    kmtr: float = unverified(1.44, "umol/L", "concentration at half-maximal transport", variance=0.3885, at=JOERGER)
    vmtr: float = unverified(175.0, "umol/h", "maximal transport to the saturable compartment", variance=0.077, at=JOERGER)
    k21: float = unverified(1.12, "1/h", "return from the saturable compartment", variance=0.008, at=JOERGER)
    q: float = unverified(16.8, "L/h", "exchange with the linear compartment", variance=0.166, at=JOERGER)
    c0: float = unverified(6.48, "10*9/L", "neutrophils before treatment", cv=0.35, at=HENRICH)
    mtt: float = unverified(145.0, "h", "mean transit time through the marrow", at=HENRICH)
    ftr: float = unverified(0.787, "1", "share of proliferation in the proliferating pool", at=HENRICH)
    gamma: float = unverified(0.257, "1", "strength of the feedback", at=HENRICH)
    sl: float = unverified(13.1, "L/umol", "drug effect per concentration", variance=0.2007, at=HENRICH)


@table
class Individual:
    v1: float = named("L", "central volume")
    v3: float = named("L", "volume of the linear peripheral compartment")
    kmel: float = named("umol/L", "concentration at half-maximal elimination")
    vmel: float = named("umol/h", "maximal elimination")
    kmtr: float = named("umol/L", "concentration at half-maximal transport")
    vmtr: float = named("umol/h", "maximal transport")
    k21: float = named("1/h", "return from the saturable compartment")
    q: float = named("L/h", "exchange with the linear compartment")
    c0: float = named("10*9/L", "neutrophils before treatment")
    mtt: float = named("h", "mean transit time through the marrow")
    ftr: float = named("1", "share of proliferation in the proliferating pool")
    gamma: float = named("1", "strength of the feedback")
    sl: float = named("L/umol", "drug effect per concentration")


@table
class State:
    central: float = named("umol", "paclitaxel in the central compartment")
    peripheral1: float = named("umol", "paclitaxel in the saturable compartment")
    peripheral2: float = named("umol", "paclitaxel in the linear compartment")
    stem: float = named("10*9/L", "stem cells")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    circ: float = named("10*9/L", "neutrophils in blood")


def individual(p: Any, c: Any) -> Any:
    vmel = (
        p.vmel
        * power(c["bsa"] / 1.8, p.vmel_bsa)
        * power(c["age"] / 56, p.vmel_age)
        * power(c["bilirubin"] / 7, p.vmel_bilirubin)
        * power(p.vmel_male, c["male"])
    )
    return Individual(p.v1, p.v3, p.kmel, vmel, p.kmtr, p.vmtr, p.k21, p.q, p.c0, p.mtt, p.ftr, p.gamma, p.sl)


def baseline(p: Any) -> Any:
    none = 0 * p.v1 * p.kmel
    return State(none, none, none, p.c0, p.c0, p.c0, p.c0, p.c0, p.c0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c = x.central / p.v1
    transport = p.vmtr * c / (p.kmtr + c)
    exchange = p.q * (c - x.peripheral2 / p.v3)
    ktr = 4 / p.mtt
    division = (1 - p.sl * c) * feedback(p.c0, x.circ, p.gamma)
    refill = (1 - p.ftr) * ktr * x.stem
    t1, t2, t3, circ = maturation(x, ktr)
    return State(
        central=infusion - p.vmel * c / (p.kmel + c) - transport + p.k21 * x.peripheral1 - exchange,
        peripheral1=transport - p.k21 * x.peripheral1,
        peripheral2=exchange,
        stem=refill * (division - 1),
        prol=p.ftr * ktr * x.prol * division + refill - ktr * x.prol,
        t1=t1,
        t2=t2,
        t3=t3,
        circ=circ,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"anc": x.circ, "concentration": x.central / p.v1}


MODEL = PatientModel(
    id="paclitaxel-henrich2017",
    title="Paclitaxel every three weeks: cumulative neutropenia",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"anc": "10*9/L", "concentration": "umol/L"},
    entries={"central": Entry("central", 1000 / MOLAR_MASS, "molar mass 853.9 g/mol")},
    covariates=(
        Covariate("male", "1", 0, 1, "1 for male, 0 for female", default=0),
        Covariate("age", "a", 30, 90, "age", default=56),
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area", default=1.8),
        Covariate("bilirubin", "umol/L", 2, 30, "total bilirubin in serum", default=7),
        Covariate("baseline_anc", "10*9/L", 1.5, 30, "neutrophils before treatment", sets="c0", default=None),
    ),
    residuals={
        "anc": Residual(ln_sd=0.2652**0.5, source=HENRICH, status="unverified"),
        "concentration": Residual(ln_sd=0.0317**0.5, source=JOERGER, status="unverified"),
    },
    logarithmic=("stem",),
    relative={"prol": "stem"},
    grid=Grid(first=0.02, growth=1.12, largest=4.0),
    saturable=("central", "peripheral1", "peripheral2"),
    solver="rosenbrock+rk4",
    regimen=Regimen(175, 504, 2, 3, "bsa", "label"),
    coarse=Grid(first=0.05, growth=1.3, largest=12.0),
    bounds=BOUNDS,
    credibility="A",
    source="doi:10.1002/psp4.12588",
    not_for="growth-factor support, weekly schedules, platinum partners other than in the CEPAC trial",
)

