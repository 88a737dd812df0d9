"""Melanoma under pembrolizumab: antigen-presenting cells call effector cells, which kill tumour cells.

    dantigen/dt  = aim·tumour/(tumour + b) − mu_a·antigen
    deffector/dt = aeff·(1 + apem·drug)·antigen − mu_e·(1 − bpem·drug)·effector
    dtumour/dt   = gm·tumour − kill·effector·tumour/(tumour + g)

Numbers of cells, days; `drug` is 1 on treatment and 0 off it. The immune cells start at rest with the tumour.

Tsur N et al. J Transl Med 2019;17:338 (54 patients), Table 1; where the paper gives a range the geometric middle stands
here, marked as assumed. The structure is unverified: it follows the paper's words, and the term (1 + apem·drug) is our
reading of them. Unknown: the dose or concentration behind `drug`, how many cells a millimetre of lesion holds, and so the
size at the start. Within the published ranges this tumour hardly responds (apem 10) or is gone in twelve weeks (apem 1e4).

Not for: any clinical statement, responses, doses. For work on the structure only.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, named, table, unverified

TSUR = "Tsur 2019, Table 1; its place in the equations is unverified"


@table
class Params:
    aim: float = assumed(1862.0, "1/d", "antigen-presenting cells that mature, at most", at="Tsur 2019: 1161 to 2986, middle")
    b: float = assumed(7.39e4, "1", "tumour cells for half of that", at="Tsur 2019: 3.70e4 to 1.476e5, middle")
    mu_a: float = unverified(0.2310, "1/d", "death of antigen-presenting cells", at=TSUR)
    aeff: float = unverified(0.8318, "1/d", "effector cells per antigen-presenting cell", at=TSUR)
    apem: float = assumed(316.0, "1", "rise of that under the drug", at="Tsur 2019: 10 to 1e4, middle")
    mu_e: float = unverified(0.1777, "1/d", "loss of effector cells", at=TSUR)
    bpem: float = unverified(0.9, "1", "share of that loss that the drug prevents", at=TSUR)
    gm: float = assumed(0.02, "1/d", "growth rate of the tumour", at="Tsur 2019: 0.003269 to 0.08664, a round number between")
    kill: float = unverified(0.1245, "1/d", "tumour cells killed per effector cell, at most", at=TSUR)
    g: float = assumed(4.49e7, "1", "tumour cells for half of that", at="Tsur 2019: 2.019e7 to 1e8, middle")
    tumour0: float = assumed(1e9, "1", "tumour cells at the start", at="not in the source; a round number")


@table
class State:
    antigen: float = named("1", "antigen-presenting cells")
    effector: float = named("1", "effector cells")
    tumour: float = named("1", "tumour cells")


def baseline(p: Any) -> Any:
    antigen = p.aim * p.tumour0 / (p.tumour0 + p.b) / p.mu_a
    return State(antigen, p.aeff * antigen / p.mu_e, p.tumour0)


def rates(t: Any, x: Any, p: Any, drug: Any) -> Any:
    return State(
        antigen=p.aim * x.tumour / (x.tumour + p.b) - p.mu_a * x.antigen,
        effector=p.aeff * (1 + p.apem * drug) * x.antigen - p.mu_e * (1 - p.bpem * drug) * x.effector,
        tumour=(p.gm - p.kill * x.effector / (x.tumour + p.g)) * x.tumour,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_cells": x.tumour}


MODEL = PatientModel(
    id="melanoma-tsur2019",
    title="Melanoma, effector cells and pembrolizumab",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_cells": "1"},
    entries={"drug": Entry(unit="d", source="1 on treatment; an amount is days on it")},
    logarithmic=("tumour",),
    grid=Grid(first=0.25, growth=1.0, largest=0.25),  # for the largest `apem` of the source
    solver="rk4",
    regimen=Regimen(21, 21, 4, 21, source="continuous treatment, told by cycles of three weeks"),
    time_unit="d",
    credibility="B",
    source="Tsur 2019, J Transl Med 17:338",
    not_for="any clinical statement, responses, doses",
)
