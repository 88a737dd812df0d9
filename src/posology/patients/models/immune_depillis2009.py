"""Chemotherapy, interleukin-2 and T cells against a tumour: six states.

    dtumour/dt      = a·tumour·(1 − b·tumour) − c·nk·tumour − D·tumour − kt·hit·tumour
    dnk/dt          = f·(ef·lymphocytes − nk) − p·nk·tumour + pn·nk·il2/(gn + il2) − kn·hit·nk
    dcd8/dt         = −m·th·cd8/(th + il2) + j·cd8·tumour/(k + tumour) − q·cd8·tumour + (r1·nk + r2·lymphocytes)·tumour
                      − u·cd8²·lymphocytes·il2/(ka + il2) − kl·hit·cd8 + pi·cd8·il2/(gi + il2)
    dlymphocytes/dt = be·(albe − lymphocytes) − kc·hit·lymphocytes
    ddrug/dt        = infusion − ga·drug
    dil2/dt         = −mui·il2 + phi·lymphocytes + om·cd8·il2/(ze + il2)

    D = d/(1 + s·(tumour/cd8)^ell),      hit = 1 − e^(−delta·drug)

Cells are counted; drug and interleukin-2 are in the paper's scaled units. T cells and interleukin-2 can be given too. Below
one cell the tumour counts as gone. de Pillis LG et al. Comput Math Methods Med 2009;10:165, doi:10.1080/17486700802216301,
read in BIOMD0000000779. There the turnover of CD8 cells has phi where the paper has theta (th); the paper's is used.

d, ell and s belong to one patient. BioModels leaves them 0; here stand those of "patient 9", whose s is attributed to the
paper and was not read there. With the s of de Pillis 2006 (8.39e-2) the same doses do not eradicate. No spread is published.

Not for: choosing a treatment; the outcome hangs on three numbers that nobody measures in a clinic.
"""

from __future__ import annotations

from typing import Any

from posology.patients.lysis import lysis
from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import exp, named, published, table, unverified

BIO = "BIOMD0000000779"
NINE = "de Pillis 2006 and 2009, patient 9"


@table
class Params:
    a: float = published(0.431, "1/d", "growth of the tumour", at=BIO)
    b: float = published(1.02e-9, "1", "reciprocal capacity of the tumour", at=BIO)
    c: float = published(2.9077e-13, "1/d", "killing of tumour cells per NK cell", at=BIO)
    d: float = published(2.34, "1/d", "highest killing of tumour cells by CD8 cells", at=f"{NINE}; DTRGym")
    ell: float = published(2.09, "1", "steepness of that killing in the ratio of cells", at=f"{NINE}; DTRGym")
    s: float = unverified(3.8e-3, "1", "ratio of cells, to the power ell, of half that killing", at="de Pillis 2009, patient 9")
    kt: float = published(0.9, "1/d", "highest killing of tumour cells by the drug", at=BIO)
    delta: float = published(1.8328, "1", "effect per amount of drug, the same on all cells", at=BIO)
    f: float = published(0.0125, "1/d", "turnover of NK cells", at=BIO)
    ef: float = published(0.111, "1", "NK cells per lymphocyte at rest", at=BIO)
    p: float = published(2.794e-13, "1/d", "loss of NK cells per tumour cell", at=BIO)
    pn: float = published(0.068, "1/d", "highest stimulation of NK cells by IL-2", at=BIO)
    gn: float = published(2.5036e5, "1", "IL-2 of half that stimulation", at=BIO)
    kn: float = published(0.0675, "1/d", "highest killing of NK cells by the drug", at=BIO)
    m: float = published(9e-3, "1/d", "turnover of CD8 cells", at=BIO)
    th: float = published(2.5036e-3, "1", "IL-2 that halves this turnover", at=BIO)
    j: float = published(0.01245, "1/d", "highest stimulation of CD8 cells by the tumour", at=BIO)
    k: float = published(2.019e7, "1", "tumour of half that stimulation", at=BIO)
    q: float = published(3.422e-10, "1/d", "loss of CD8 cells per tumour cell", at=BIO)
    r1: float = published(2.9077e-11, "1/d", "CD8 cells primed per NK and tumour cell", at=BIO)
    r2: float = published(5.8467e-13, "1/d", "CD8 cells primed per lymphocyte and tumour cell", at=BIO)
    u: float = published(4.417e-14, "1/d", "regulation of CD8 cells by themselves and lymphocytes", at=BIO)
    ka: float = published(2503.6, "1", "IL-2 of half that regulation", at=BIO)
    kl: float = published(0.0486, "1/d", "highest killing of CD8 cells by the drug", at=BIO)
    pi: float = published(2.971, "1/d", "highest stimulation of CD8 cells by IL-2", at=BIO)
    gi: float = published(2503.6, "1", "IL-2 of half that stimulation", at=BIO)
    be: float = published(0.0063, "1/d", "turnover of lymphocytes", at=BIO)
    albe: float = published(2.25e9, "1", "lymphocytes at rest", at=BIO)
    kc: float = published(0.034, "1/d", "highest killing of lymphocytes by the drug", at=BIO)
    ga: float = published(0.5199, "1/d", "loss of drug", at=BIO)
    mui: float = published(11.7427, "1/d", "loss of IL-2", at=BIO)
    phi: float = published(2.38405e-7, "1/d", "IL-2 made per lymphocyte", at=BIO)
    om: float = published(0.07874, "1/d", "IL-2 made per CD8 cell", at=BIO)
    ze: float = published(2503.6, "1", "IL-2 of half that production", at=BIO)
    t0: float = published(1e7, "1", "tumour cells at the start", at=BIO)
    n0: float = published(2.5e8, "1", "NK cells at the start", at=BIO)
    l0: float = published(5.268e5, "1", "CD8 cells at the start", at=BIO)
    c0: float = published(2.25e9, "1", "lymphocytes at the start", at=BIO)
    i0: float = published(1073.0, "1", "IL-2 at the start", at=BIO)


@table
class State:
    tumour: float = named("1", "tumour cells")
    nk: float = named("1", "natural killer cells")
    cd8: float = named("1", "CD8 T cells that know the tumour")
    lymphocytes: float = named("1", "other lymphocytes in blood")
    drug: float = named("1", "chemotherapy, scaled")
    il2: float = named("1", "interleukin-2, scaled")


def baseline(p: Any) -> Any:
    return State(p.t0, p.n0, p.l0, p.c0, 0 * p.t0, p.i0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    tumour, nk, cd8, cells, il2 = x.tumour, x.nk, x.cd8, x.lymphocytes, x.il2
    hit = 1 - exp(-p.delta * x.drug)
    killed = p.c * nk + lysis(tumour, cd8, p.d, p.ell, p.s) + p.kt * hit
    primed = (p.r1 * nk + p.r2 * cells) * tumour
    regulated = p.u * cd8 * cells * il2 / (p.ka + il2)
    stimulated = p.j * tumour / (p.k + tumour) + p.pi * il2 / (p.gi + il2)
    lost = p.m * p.th / (p.th + il2) + p.q * tumour + regulated + p.kl * hit
    return State(
        tumour=tumour * (p.a * (1 - p.b * tumour) - killed),
        nk=p.f * (p.ef * cells - nk) + nk * (p.pn * il2 / (p.gn + il2) - p.p * tumour - p.kn * hit),
        cd8=primed + cd8 * (stimulated - lost),
        lymphocytes=p.be * (p.albe - cells) - p.kc * hit * cells,
        drug=infusion - p.ga * x.drug,
        il2=p.phi * cells + p.om * cd8 * il2 / (p.ze + il2) - p.mui * il2,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour": x.tumour, "lymphocytes": x.lymphocytes}


MODEL = PatientModel(
    id="immune-depillis2009",
    title="Chemotherapy, interleukin-2 and T cells against a tumour",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour": "1", "lymphocytes": "1"},
    entries={
        "chemotherapy": Entry("drug", source="scaled amounts without mg"),
        "interleukin-2": Entry("il2", source="scaled amounts without mg"),
        "t-cells": Entry("cd8", source="cells"),
    },
    linear=("drug",),
    logarithmic=("tumour",),
    grid=Grid(first=0.01, growth=1.2, largest=0.07),
    solver="exact+rk4",
    regimen=Regimen(2.3869, 10, 4, 1, source="over one day of each ten, as in the reference cases"),
    time_unit="d",
    credibility="B",
    source="doi:10.1080/17486700802216301; BIOMD0000000779",
    not_for="choosing a treatment; the outcome hangs on three numbers that nobody measures in a clinic",
)
