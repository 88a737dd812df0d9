"""Low-grade glioma under temozolomide, with the tumour's TP53 and 1p/19q.

One 28-day cycle (200 mg/m2 on days 1 to 5) adds 1 to a virtual drug c on its first day; a smaller dose adds less. The
kill of dividing tissue p fades with the months `since` the first cycle, that of resting tissue q does not (mm of mean
tumour diameter, d damaged tissue, time in months):

    dc/dt = −kde·c,   dsince/dt = 1 once something was given,   kill = g·kde·c
    dp/dt = lam·p·(1 − (p + q + d)/k) + kdp·d − kpq·p − kill·exp(−res·since)·p
    dq/dt = kpq·p − kill·q
    dd/dt = kill·q − kdp·d − ddm·d
    g = 0.143 where TP53 is mutated, else 0.254;   kdp = 0.00807 where 1p and 19q are lost, else 0.00947

Mazzocco P et al. CPT Pharmacometrics Syst Pharmacol 2015;4:728 (77 patients), read in the public nlmixr2lib. In these
patients a mutated TP53 and the loss of 1p/19q excluded each other. Equations of Ribba 2012 (`posology.patients.glioma`).

Not for: survival; gliomas of high grade; a dose on five single days instead of one for the cycle.
"""

from __future__ import annotations

from typing import Any

from posology.patients.glioma import diameter, tissue
from posology.patients.model import MONTH, Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import exp, named, published, table, where

MAZZOCCO = "Mazzocco 2015 (nlmixr2lib)"


@table
class Params:
    p0: float = published(1.72, "mm", "dividing tissue at the start", cv=1.43, at=MAZZOCCO)
    q0: float = published(32.1, "mm", "resting tissue at the start", cv=0.558, at=MAZZOCCO)
    lam: float = published(0.143, "1/mo", "growth rate of dividing tissue", cv=0.631, at=MAZZOCCO)
    k: float = published(100.0, "mm", "diameter at which growth ends", at=MAZZOCCO)
    kpq: float = published(0.0429, "1/mo", "rate at which dividing tissue comes to rest", cv=0.81, at=MAZZOCCO)
    kdp: float = published(0.00947, "1/mo", "rate at which damaged tissue is repaired", cv=1.62, at=MAZZOCCO)
    kdp_codel: float = published(0.00807, "1/mo", "the same where 1p and 19q are lost", at=MAZZOCCO)
    ddm: float = published(0.0188, "1/mo", "rate at which damaged tissue dies", cv=0.862, at=MAZZOCCO)
    g: float = published(0.254, "1", "effect of one cycle", cv=0.686, at=MAZZOCCO)
    g_tp53: float = published(0.143, "1", "the same where TP53 is mutated", at=MAZZOCCO)
    res: float = published(0.1, "1/mo", "rate at which dividing tissue becomes resistant", cv=0.805, at=MAZZOCCO)
    kde: float = published(8.3, "1/mo", "rate at which the drug's effect leaves", cv=0.50, at=f"{MAZZOCCO}, fixed")


@table
class Individual:
    p0: float = named("mm", "dividing tissue at the start")
    q0: float = named("mm", "resting tissue at the start")
    lam: float = named("1/mo", "growth rate of dividing tissue")
    k: float = named("mm", "diameter at which growth ends")
    kpq: float = named("1/mo", "rate at which dividing tissue comes to rest")
    kdp: float = named("1/mo", "rate at which damaged tissue is repaired")
    ddm: float = named("1/mo", "rate at which damaged tissue dies")
    g: float = named("1", "effect of one cycle")
    res: float = named("1/mo", "rate at which dividing tissue becomes resistant")
    kde: float = named("1/mo", "rate at which the drug's effect leaves")


@table
class State:
    c: float = named("1", "virtual drug, in cycles")
    p: float = named("mm", "dividing tissue")
    q: float = named("mm", "resting tissue")
    d: float = named("mm", "resting tissue damaged by treatment")
    since: float = named("mo", "time since the first cycle")


def individual(p: Any, c: Any) -> Any:
    kdp = where(c["codel"] > 0, p.kdp_codel, p.kdp)
    g = where(c["tp53"] > 0, p.g_tp53, p.g)
    return Individual(p.p0, p.q0, p.lam, p.k, p.kpq, kdp, p.ddm, g, p.res, p.kde)


def baseline(p: Any) -> Any:
    return State(0 * p.g, p.p0, p.q0, 0 * p.q0, 0 / p.lam)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    kill = p.g * p.kde * x.c
    running = where(x.c > 0, 1.0, where(x.since > 0, 1.0, 0.0))  # c alone would vanish in float32 and stop it
    return State(infusion - p.kde * x.c, *tissue(x, p, kill * exp(-p.res * x.since), kill), running)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_size": diameter(x)}


MODEL = PatientModel(
    id="glioma-mazzocco2015",
    title="Low-grade glioma under temozolomide",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_size": "mm"},
    entries={"cycle": Entry("c", source="the whole course of days 1 to 5 adds 1 on day 1")},
    covariates=(
        Covariate("tp53", "1", 0, 1, "1 where the tumour's TP53 is mutated (41%), else 0", default=0),
        Covariate("codel", "1", 0, 1, "1 where 1p and 19q are lost (33%, never with a mutated TP53), else 0", default=0),
    ),
    residuals={"tumour_size": Residual(additive=1.73, source=MAZZOCCO)},
    linear=("c",),
    grid=Grid(first=0.01, growth=1.2, largest=0.3),
    solver="exact+rk4",
    regimen=Regimen(1, 28 / MONTH, 18, source="Mazzocco 2015: 200 mg/m2 on days 1 to 5 of 28, a median of 18 cycles"),
    time_unit="mo",
    drug="temozolomide",
    credibility="A",
    source="Mazzocco 2015, CPT Pharmacometrics Syst Pharmacol 4:728",
    not_for="survival; gliomas of high grade; a dose on five single days instead of one for the cycle",
)
