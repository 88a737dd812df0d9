"""Gastrointestinal stromal tumour under sunitinib: four proteins in plasma, neutrophils and tumour size.

The dose acts as an exposure, auc = daily dose/cl in mg·h/L, with no delay. Each protein X with baseline b turns over at
kout = 1/mrt, its effect being E = auc^h/(ic50^h + auc^h):

    dX/dt    = b·kout·rise·(1 − E) − kout·X        svegfr2, svegfr3, skit
    dvegf/dt = b·kout·rise − kout·(1 − E)·vegf

`rise` = 1 + progression·t for vegf and skit, which climb with the disease, and 1 for the others. The fall of sVEGFR-3 is what
acts on the marrow of Friberg 2002; the tumour's largest diameters, summed, follow Schindler 2016 with an effect that fades:

    E = emax·r/(ec50 + r),   r = (b_svegfr3 − svegfr3)/b_svegfr3
    dtumour/dt = kg·tumour − kd·auc·fading·tumour,   dfading/dt = −resistance·fading

Hansson EK et al. CPT Pharmacometrics Syst Pharmacol 2013;2:e84, e85, 303 patients; tumour: Schindler E et al. 2016. Choices
of ours: the tumour sees the auc of the day, for its delay is not known; circulating cells leave at ktr, where the paper fixes
a half-life of 7 h. Not known here: the spread of cl. The neutrophils' residual error (SD 0.406) is printed for
(anc^0.2 − 1)/0.2, which no `Residual` can say, so none stands here. Fatigue is a model of its own,
`sunitinib-fatigue-hansson2013`; the papers' survival is not built.

Not for: concentrations, drugs that change the clearance (CYP3A4), renal carcinoma, survival.
"""

from __future__ import annotations

from typing import Any

from posology.patients.effects import hill
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import BOUNDS, Marrow, marrow
from posology.quantities import assumed, named, numbers_of, published, table, unverified, where

HANSSON = "Hansson 2013"
SCHINDLER = "Schindler 2016"
COVARIANCES = {  # of the logarithms, between patients
    ("ic50_svegfr2", "ic50_vegf"): 0.198,
    ("ic50_svegfr3", "ic50_vegf"): 0.238,
    ("ic50_svegfr3", "ic50_svegfr2"): 0.252,
    ("ic50_skit", "ic50_vegf"): 0.218,
    ("ic50_skit", "ic50_svegfr2"): 0.297,
    ("ic50_skit", "ic50_svegfr3"): 0.936,
}


@table
class Params:
    cl: float = unverified(32.818, "L/h", "clearance", at="public code of Hansson 2013, about 32.8; recovered from its results")
    b_vegf: float = published(59.7, "pg/mL", "VEGF before treatment", variance=0.252, at=HANSSON)
    b_svegfr2: float = published(8670, "pg/mL", "sVEGFR-2 before treatment", variance=0.0369, at=HANSSON)
    b_svegfr3: float = published(63900, "pg/mL", "sVEGFR-3 before treatment", variance=0.186, at=HANSSON)
    b_skit: float = published(39200, "pg/mL", "sKIT before treatment", variance=0.254, at=HANSSON)
    mrt_vegf: float = published(91, "h", "mean residence time of VEGF", at=HANSSON)
    mrt_svegfr2: float = published(554, "h", "mean residence time of sVEGFR-2", at=HANSSON)
    mrt_svegfr3: float = published(401, "h", "mean residence time of sVEGFR-3", at=HANSSON)
    mrt_skit: float = published(2430, "h", "mean residence time of sKIT", variance=0.0753, at=HANSSON)
    slowness: float = published(
        1.0, "1", "factor that the first three residence times share", variance=0.0600, at="Hansson 2013: 1 by definition"
    )
    ic50_vegf: float = published(1.0, "mg*h/L", "exposure of half the effect on VEGF", variance=0.253, at=HANSSON)
    ic50_svegfr2: float = published(1.0, "mg*h/L", "exposure of half the effect on sVEGFR-2", variance=0.189, at=HANSSON)
    ic50_svegfr3: float = published(1.0, "mg*h/L", "exposure of half the effect on sVEGFR-3", variance=0.398, at=HANSSON)
    ic50_skit: float = published(1.0, "mg*h/L", "exposure of half the effect on sKIT", variance=5.77, at=HANSSON)
    h_vegf: float = published(3.31, "1", "steepness of the effect on VEGF", at=HANSSON)
    h_svegfr2: float = published(1.54, "1", "steepness of the effect on sVEGFR-2", at=HANSSON)
    h_svegfr3: float = published(1.0, "1", "steepness of the effect on sVEGFR-3", at=HANSSON)
    h_skit: float = published(1.0, "1", "steepness of the effect on sKIT", at=HANSSON)
    progression: float = unverified(3.5e-5, "1/h", "rise of the formation of VEGF and sKIT with the disease", at=HANSSON)
    c0: float = published(4.94, "10*9/L", "neutrophils before treatment", cv=0.42, at=HANSSON)
    c0_japanese: float = published(3.69, "10*9/L", "neutrophils of Japanese patients before treatment", at=HANSSON)
    mtt: float = published(248, "h", "mean transit time through the marrow", cv=0.17, at=HANSSON)
    gamma: float = published(0.362, "1", "strength of the feedback", at=HANSSON)
    emax: float = published(0.520, "1", "largest effect on proliferation", cv=0.13, at=HANSSON)
    ec50: float = published(0.552, "1", "fall of sVEGFR-3 of half that effect", cv=0.46, at=HANSSON)
    s0: float = published(263, "mm", "tumour size before treatment", variance=0.289, at=SCHINDLER)
    kg: float = published(0.01048, "1/wk", "growth of the tumour", variance=0.361, at=SCHINDLER)
    kd: float = published(0.01660, "L/mg/h/wk", "shrinkage of the tumour per exposure", variance=0.399, at=SCHINDLER)
    resistance: float = published(0.02005, "1/wk", "rate at which the effect on the tumour fades", at=SCHINDLER)
    day: float = assumed(24, "h", "time over which a daily dose acts", at="by definition")
    week: float = assumed(168, "h/wk", "hours of a week", at="by definition")


@table
class State:
    vegf: float = named("pg/mL", "vascular endothelial growth factor in plasma")
    svegfr2: float = named("pg/mL", "its soluble receptor 2 in plasma")
    svegfr3: float = named("pg/mL", "its soluble receptor 3 in plasma")
    skit: float = named("pg/mL", "soluble stem cell factor receptor in plasma")
    rise: float = named("1", "formation of VEGF and sKIT relative to the start")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    neutrophils: float = named("10*9/L", "neutrophils in blood")
    fading: float = named("1", "share of the effect on the tumour that is left")
    tumour: float = named("mm", "sum of the longest diameters")


def individual(p: Any, c: Any) -> Any:
    return p._replace(c0=where(c["japanese"] > 0, p.c0_japanese, p.c0))


def baseline(p: Any) -> Any:
    one = p.slowness / p.slowness  # in the shape and type of the parameters
    return State(p.b_vegf, p.b_svegfr2, p.b_svegfr3, p.b_skit, one, p.c0, p.c0, p.c0, p.c0, p.c0, one, p.s0)


def resting_svegfr3(auc: Any, p: Any) -> Any:
    """sVEGFR-3 at which formation and loss balance under a lasting exposure."""
    return p.b_svegfr3 * (1 - hill(auc, p.ic50_svegfr3, p.h_svegfr3))


def fall_of_svegfr3(svegfr3: Any, p: Any) -> Any:
    """Share of its baseline by which sVEGFR-3 has fallen."""
    return (p.b_svegfr3 - svegfr3) / p.b_svegfr3


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    auc = infusion * p.day / p.cl
    formed_vegf = p.b_vegf * x.rise - (1 - hill(auc, p.ic50_vegf, p.h_vegf)) * x.vegf
    formed_2 = p.b_svegfr2 * (1 - hill(auc, p.ic50_svegfr2, p.h_svegfr2)) - x.svegfr2
    formed_3 = resting_svegfr3(auc, p) - x.svegfr3
    formed_kit = p.b_skit * x.rise * (1 - hill(auc, p.ic50_skit, p.h_skit)) - x.skit
    fall = fall_of_svegfr3(x.svegfr3, p)
    effect = p.emax * fall / (p.ec50 + fall)
    return State(
        formed_vegf / (p.mrt_vegf * p.slowness),
        formed_2 / (p.mrt_svegfr2 * p.slowness),
        formed_3 / (p.mrt_svegfr3 * p.slowness),
        formed_kit / p.mrt_skit,
        p.progression,
        *marrow(Marrow(x.prol, x.t1, x.t2, x.t3, x.neutrophils), p.c0, p.mtt, p.gamma, effect),
        -p.resistance / p.week * x.fading,
        (p.kg - p.kd * auc * x.fading) / p.week * x.tumour,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    proteins = {"vegf": x.vegf, "svegfr2": x.svegfr2, "svegfr3": x.svegfr3, "skit": x.skit}
    return {"anc": x.neutrophils, "tumour_size": x.tumour, **proteins}


def correlation(a: str, b: str) -> float:
    """Of two numbers whose covariance is printed."""
    spread = numbers_of(Params)
    return COVARIANCES[a, b] / (spread[a].variance * spread[b].variance) ** 0.5


MODEL = PatientModel(
    id="sunitinib-hansson2013",
    title="Sunitinib in gastrointestinal stromal tumour: biomarkers, neutrophils and tumour size",
    Params=Params,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={
        "anc": "10*9/L", "tumour_size": "mm", "vegf": "pg/mL", "svegfr2": "pg/mL", "svegfr3": "pg/mL", "skit": "pg/mL"
    },
    entries={"drug": Entry(per_mg=1.0, unit="mg", source="acts as a daily dose for as long as it lasts")},
    covariates=(
        Covariate("japanese", "1", 0, 1, "1 for Japanese patients, else 0", default=0),
        Covariate("baseline_anc", "10*9/L", 1.5, 30, "neutrophils before treatment", sets="c0", default=None),
    ),
    residuals={
        "tumour_size": Residual(proportional=0.0668, source=SCHINDLER),
        "vegf": Residual(proportional=0.445, source=HANSSON),
        "svegfr2": Residual(proportional=0.12, additive=583, source=HANSSON),
        "svegfr3": Residual(proportional=0.22, source=HANSSON),
        "skit": Residual(proportional=0.224, source=HANSSON),
    },
    correlations={("emax", "c0"): 0.9, **{(a, b): correlation(a, b) for a, b in COVARIANCES}},
    grid=Grid(first=12.0, growth=1.2, largest=24.0),
    solver="rk4",
    regimen=Regimen(1400, 1008, 2, 672, source="label: 50 mg a day for four weeks, then two weeks without"),
    bounds=BOUNDS,
    credibility="A",
    source="Hansson EK et al. CPT Pharmacometrics Syst Pharmacol 2013;2:e84, e85; Schindler E et al. 2016",
    not_for="concentrations, drugs that change the clearance (CYP3A4), renal carcinoma, survival",
)
