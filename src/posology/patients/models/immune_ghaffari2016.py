"""Radiotherapy of a primary tumour and chemotherapy of it and its metastasis: eleven states and a clock.

Site 1, the primary tumour, is irradiated at the rate `radiation`; M is the drug, H is 1 after day tau and 0 before:

    dtumour1/dt = a1·tumour1·(1 − b1·tumour1) − c1·nk1·tumour1 − D1·tumour1 − kill(k1t, w1t, tumour1) − radiation·tumour1
                  + g1·hit_tumour − al1·tumour1
    dnk1/dt     = e1·lymphocytes − f1·nk1 − p1·nk1·tumour1 − kill(k1n, w1, nk1) − ep·radiation·nk1 + g2·hit_nk
    dcd81/dt    = −m1·cd81 + j1·cd81·tumour1/(k1 + tumour1) − q1·cd81·tumour1 + (r11·nk1 + r12·lymphocytes)·tumour1
                  − u1·nk1·cd81² − kill(k1l, w1, cd81) − ep·radiation·cd81 + g3·hit_cd8
    dlymphocytes/dt = alpha − beta·lymphocytes − kill(k1c, w1, lymphocytes)
    ddrug/dt        = infusion − mu·drug
    dhit_tumour/dt  = radiation·tumour1 − (g1 + de)·hit_tumour,   hit_nk and hit_cd8 alike with g2 and g3

    dtumour2/dt = H·(a2·tumour2·(1 − b2·tumour2) − c2·nk2·tumour2 − D2·tumour2 + al2·(clock − tau)·tumour1
                     − kill(k2t, w2, tumour2))
    dnk2/dt, dcd82/dt = H·(as at site 1, with the numbers of site 2, neither irradiated nor refilled)

    D = d/(1 + s·(tumour/cd8)^ell),   kill(k, w, x) = k·drug·x/(w + x),   negative counts are read as 0

Ghaffari A et al. Math Methods Appl Sci 2016, doi:10.1002/mma.3887, in the form of the public DTRGym, which leaves out
two cytokines and changes the drug's killing; equations recovered from its noise-free trajectories. What is odd in it stays: the
drug is almost inert (at most k cells a day per unit), irradiated immune cells are counted twenty times (gain `radiation`, lose
ep·radiation), and the metastatic source grows with the clock. Radiation (0 to 10 a day) is a patient's own number, constant
over a course, since a model is driven by one input. Which states an observer sees is not known; no spread is published.

Not for: physiology, since the metastasis doubles in 3.3 hours; any patient.
"""

from __future__ import annotations

from typing import Any

from posology.patients.lysis import lysis
from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, maximum, named, numbers_of, published, table, where

ENV = "DTRGym, GhaffariCancerEnv"
LATE = 1e-5  # of tau: where a step ends at tau, rounding alone may carry a clock that is a sum of steps past it


@table
class Params:
    radiation: float = assumed(0.0, "1/d", "radiation of the primary tumour", at="none unless given; up to 10 in DTRGym")
    tau: float = published(5.0, "d", "delay of the metastasis", at=ENV)
    de: float = published(0.15, "1/d", "removal of irradiated cells", at=ENV)
    ep: float = published(0.05, "1", "share of the radiation that immune cells feel", at=ENV)
    ell: float = published(2.09, "1", "steepness of killing by CD8 cells in the ratio of cells", at=ENV)
    s: float = published(0.0839, "1", "ratio of cells, to the power ell, of half that killing", at=ENV)
    alpha: float = published(7.5e8, "1/d", "supply of lymphocytes", at=ENV)
    beta: float = published(0.012, "1/d", "death of lymphocytes", at=ENV)
    mu: float = published(0.9, "1/d", "loss of drug", at=ENV)
    g1: float = published(0.04, "1/d", "recovery of irradiated tumour cells", at=ENV)
    g2: float = published(0.1, "1/d", "recovery of irradiated NK cells", at=ENV)
    g3: float = published(0.1, "1/d", "recovery of irradiated CD8 cells", at=ENV)
    al1: float = published(1e-4, "1/d", "primary tumour cells that leave", at=ENV)
    al2: float = published(1e-5, "1/d/d", "rise of those that arrive as a metastasis", at=ENV)
    a1: float = published(0.431, "1/d", "growth of the primary tumour", at=ENV)
    b1: float = published(1.02e-9, "1", "reciprocal capacity of the primary tumour", at=ENV)
    c1: float = published(6.41e-11, "1/d", "killing of primary tumour cells per NK cell", at=ENV)
    d1: float = published(2.34, "1/d", "highest killing of primary tumour cells by CD8 cells", at=ENV)
    e1: float = published(2.08e-7, "1/d", "NK cells made per lymphocyte, site 1", at=ENV)
    f1: float = published(0.0412, "1/d", "death of NK cells, site 1", at=ENV)
    p1: float = published(3.42e-6, "1/d", "loss of NK cells per tumour cell, site 1", at=ENV)
    m1: float = published(0.204, "1/d", "death of CD8 cells, site 1", at=ENV)
    j1: float = published(0.0249, "1/d", "highest stimulation of CD8 cells by the tumour, site 1", at=ENV)
    k1: float = published(3.66e7, "1", "tumour of half that stimulation, site 1", at=ENV)
    q1: float = published(1.42e-6, "1/d", "loss of CD8 cells per tumour cell, site 1", at=ENV)
    r11: float = published(1.1e-7, "1/d", "CD8 cells primed per NK and tumour cell, site 1", at=ENV)
    r12: float = published(6.5e-11, "1/d", "CD8 cells primed per lymphocyte and tumour cell, site 1", at=ENV)
    u1: float = published(3e-10, "1/d", "regulation of CD8 cells by NK cells and themselves, site 1", at=ENV)
    a2: float = published(5.0, "1/d", "growth of the metastasis", at=ENV)
    b2: float = published(1e-7, "1", "reciprocal capacity of the metastasis", at=ENV)
    c2: float = published(6.41e-12, "1/d", "killing of metastatic cells per NK cell", at=ENV)
    d2: float = published(5.0, "1/d", "highest killing of metastatic cells by CD8 cells", at=ENV)
    e2: float = published(2.08e-7, "1/d", "NK cells made per lymphocyte, site 2", at=ENV)
    f2: float = published(0.035, "1/d", "death of NK cells, site 2", at=ENV)
    p2: float = published(1e-6, "1/d", "loss of NK cells per tumour cell, site 2", at=ENV)
    m2: float = published(0.18, "1/d", "death of CD8 cells, site 2", at=ENV)
    j2: float = published(0.016, "1/d", "highest stimulation of CD8 cells by the tumour, site 2", at=ENV)
    k2: float = published(3.66e7, "1", "tumour of half that stimulation, site 2", at=ENV)
    q2: float = published(1e-6, "1/d", "loss of CD8 cells per tumour cell, site 2", at=ENV)
    r21: float = published(2e-7, "1/d", "CD8 cells primed per NK and tumour cell, site 2", at=ENV)
    r22: float = published(7.5e-11, "1/d", "CD8 cells primed per lymphocyte and tumour cell, site 2", at=ENV)
    u2: float = published(3e-10, "1/d", "regulation of CD8 cells by NK cells and themselves, site 2", at=ENV)
    kt: float = published(100.0, "1/d", "tumour cells that the drug kills at most, either site", at=ENV)
    ki: float = published(10.0, "1/d", "cells of each immune kind that the drug kills at most, either site", at=ENV)
    w1t: float = published(0.01, "1", "primary tumour cells at which it kills half as many", at=ENV)
    w: float = published(1.0, "1", "cells of any other kind at which it kills half as many", at=ENV)
    t0: float = published(1e7, "1", "primary tumour cells at the start", at=ENV)
    n0: float = published(2e8, "1", "NK cells at the start, site 1", at=ENV)
    l0: float = published(100.0, "1", "CD8 cells at the start, either site", at=ENV)
    c0: float = published(1.5e9, "1", "lymphocytes at the start", at=ENV)
    n20: float = published(1e4, "1", "NK cells at the start, site 2", at=ENV)


@table
class State:
    tumour1: float = named("1", "cells of the primary tumour")
    nk1: float = named("1", "natural killer cells, site 1")
    cd81: float = named("1", "CD8 T cells, site 1")
    lymphocytes: float = named("1", "other lymphocytes in blood")
    tumour2: float = named("1", "cells of the metastasis")
    nk2: float = named("1", "natural killer cells, site 2")
    cd82: float = named("1", "CD8 T cells, site 2")
    drug: float = named("1", "chemotherapy, scaled")
    hit_tumour: float = named("1", "irradiated tumour cells")
    hit_nk: float = named("1", "irradiated natural killer cells")
    hit_cd8: float = named("1", "irradiated CD8 T cells")
    clock: float = named("d", "time since the start")


def baseline(p: Any) -> Any:
    none = 0 * p.t0
    return State(p.t0, p.n0, p.l0, p.c0, none, p.n20, p.l0, none, none, none, none, 0 * p.tau)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    *cells, clock = (maximum(v, 0 * v) for v in x)
    tumour1, nk1, cd81, blood, tumour2, nk2, cd82, drug, hit_tumour, hit_nk, hit_cd8 = cells
    killed = lambda highest, w, x: highest * drug * x / (w + x)  # noqa: E731
    since = clock - (1 + LATE) * p.tau
    on = where(since > 0 * p.tau, 1.0, 0.0)
    return State(
        tumour1=tumour1 * (p.a1 * (1 - p.b1 * tumour1) - p.c1 * nk1 - p.radiation - p.al1)
        - tumour1 * lysis(tumour1, cd81, p.d1, p.ell, p.s)
        - killed(p.kt, p.w1t, tumour1)
        + p.g1 * hit_tumour,
        nk1=p.e1 * blood - nk1 * (p.f1 + p.p1 * tumour1 + p.ep * p.radiation) - killed(p.ki, p.w, nk1) + p.g2 * hit_nk,
        cd81=cd81 * (p.j1 * tumour1 / (p.k1 + tumour1) - p.m1 - p.q1 * tumour1 - p.u1 * nk1 * cd81 - p.ep * p.radiation)
        + (p.r11 * nk1 + p.r12 * blood) * tumour1
        - killed(p.ki, p.w, cd81)
        + p.g3 * hit_cd8,
        lymphocytes=p.alpha - p.beta * blood - killed(p.ki, p.w, blood),
        tumour2=on
        * (
            tumour2 * (p.a2 * (1 - p.b2 * tumour2) - p.c2 * nk2 - lysis(tumour2, cd82, p.d2, p.ell, p.s))
            + p.al2 * since * tumour1
            - killed(p.kt, p.w, tumour2)
        ),
        nk2=on * (p.e2 * blood - nk2 * (p.f2 + p.p2 * tumour2) - killed(p.ki, p.w, nk2)),
        cd82=on
        * (
            cd82 * (p.j2 * tumour2 / (p.k2 + tumour2) - p.m2 - p.q2 * tumour2 - p.u2 * nk2 * cd82)
            + (p.r21 * nk2 + p.r22 * blood) * tumour2
            - killed(p.ki, p.w, cd82)
        ),
        drug=infusion - p.mu * drug,
        hit_tumour=p.radiation * tumour1 - (p.g1 + p.de) * hit_tumour,
        hit_nk=p.radiation * nk1 - (p.g2 + p.de) * hit_nk,
        hit_cd8=p.radiation * cd81 - (p.g3 + p.de) * hit_cd8,
        clock=1.0,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour": x.tumour1, "metastasis": x.tumour2}


MODEL = PatientModel(
    id="immune-ghaffari2016",
    title="Radiation and chemotherapy of a primary tumour and its metastasis",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour": "1", "metastasis": "1"},
    entries={"chemotherapy": Entry("drug", source="scaled amounts without mg")},
    saturable=tuple(numbers_of(State)),
    grid=Grid(first=2e-4, growth=1.15, largest=0.15),
    solver="rosenbrock+rk4",
    regimen=Regimen(20, 5, 3, 5, source="half the highest rate of DTRGym all the time, told from tau on"),
    time_unit="d",
    credibility="C",
    source="doi:10.1002/mma.3887; DTRGym, arXiv:2405.18610",
    not_for="physiology, since the metastasis doubles in 3.3 hours; any patient",
)
