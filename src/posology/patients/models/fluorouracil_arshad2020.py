"""Leukocytes under fluorouracil given as an infusion of days.

    dcentral/dt    = infusion − cl·c − q·(c − peripheral/v2),   c = central/v1
    dperipheral/dt = q·(c − peripheral/v2)
    cl = 249·(1 + 0.77·(bsa − 1.95))·dpyd

Marrow of Friberg 2002 with E = sl·c, c in mg/L; sl is 1.17 L/mg alone or with radiotherapy and 2.82 L/mg with cisplatin (20 mg/m2
a day), which acts through this number only. The 85 % of the clearance that make dihydrofluorouracil are not told apart: the
metabolite does not act on the leukocytes of the paper.

dpyd is the share of the clearance that variants of the gene leave: 1 for an activity score of 2, about 0.75, 0.5 and 0.25 for
scores of 1.5, 1 and 0.5. It is assumed, not read in the paper, and in line with CPIC, which halves the dose at 1 to 1.5.

Arshad U et al. 2020, 30 patients, doi:10.1007/s00280-019-04028-5; medians of the bootstrap. Not known here: the spread of v2, q,
mtt and sl between patients, and whether the variances of the errors are those of a logarithm, as is assumed.

Not for: capecitabine, growth-factor support, complete lack of the enzyme, mucositis and diarrhoea.
"""

from __future__ import annotations

from typing import Any

from posology.patients.compartments import mammillary
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import BOUNDS, Marrow, marrow
from posology.quantities import named, published, table, where

ARSHAD = "Arshad 2020"
SCALE = "Arshad 2020 gives the variance; that it is one of the logarithm is assumed"


@table
class Params:
    cl: float = published(249, "L/h", "clearance at the reference area", cv=0.23, at=ARSHAD)
    cl_bsa: float = published(0.77, "1/m2", "rise of cl with body surface area, as a share", at=ARSHAD)
    bsa_ref: float = published(1.95, "m2", "body surface area at which cl is meant", at=ARSHAD)
    v1: float = published(5.56, "L", "central volume", cv=1.45, at=ARSHAD)
    v2: float = published(28.5, "L", "peripheral volume", at=ARSHAD)
    q: float = published(14.8, "L/h", "exchange with the peripheral compartment", at=ARSHAD)
    c0: float = published(6.86, "10*9/L", "leukocytes before treatment", cv=0.164, at=ARSHAD)
    mtt: float = published(281, "h", "mean transit time through the marrow", at=ARSHAD)
    gamma: float = published(0.17, "1", "strength of the feedback", at="Arshad 2020, not estimated")
    sl: float = published(1.17, "L/mg", "drug effect per concentration, alone or with radiotherapy", at=ARSHAD)
    sl_cisplatin: float = published(2.82, "L/mg", "drug effect per concentration with cisplatin", at=ARSHAD)


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    v2: float = named("L", "peripheral volume")
    q: float = named("L/h", "exchange with the peripheral compartment")
    c0: float = named("10*9/L", "leukocytes before treatment")
    mtt: float = named("h", "mean transit time through the marrow")
    gamma: float = named("1", "strength of the feedback")
    sl: float = named("L/mg", "drug effect per concentration")


@table
class State:
    central: float = named("mg", "fluorouracil in the central compartment")
    peripheral: float = named("mg", "fluorouracil in the peripheral compartment")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    white: float = named("10*9/L", "leukocytes in blood")


def individual(p: Any, c: Any) -> Any:
    cl = p.cl * (1 + p.cl_bsa * (c["bsa"] - p.bsa_ref)) * c["dpyd"]
    sl = where(c["cisplatin"] > 0, p.sl_cisplatin, p.sl)
    return Individual(cl, p.v1, p.v2, p.q, p.c0, p.mtt, p.gamma, sl)


def baseline(p: Any) -> Any:
    none = 0 * p.v1  # no drug yet, in the shape and type of the parameters
    return State(none, none, p.c0, p.c0, p.c0, p.c0, p.c0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c = x.central / p.v1
    drug = mammillary(infusion, c, p.cl, (p.q, x.peripheral / p.v2))
    cells = marrow(Marrow(x.prol, x.t1, x.t2, x.t3, x.white), p.c0, p.mtt, p.gamma, p.sl * c)
    return State(*(*drug, *cells))


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"leukocytes": x.white, "concentration": x.central / p.v1}


MODEL = PatientModel(
    id="fluorouracil-arshad2020",
    title="Fluorouracil over days: leukocytes",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"leukocytes": "10*9/L", "concentration": "mg/L"},
    entries={"central": Entry("central", 1.0)},
    covariates=(
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area", default=1.95),
        Covariate("dpyd", "1", 0.25, 1, "share of the full clearance that variants of DPYD leave", default=1),
        Covariate("cisplatin", "1", 0, 1, "1 with cisplatin 20 mg/m2 a day, 0 alone or with radiotherapy", default=0),
        Covariate("baseline_leukocytes", "10*9/L", 2, 30, "leukocytes before treatment", sets="c0", default=None),
    ),
    residuals={
        "leukocytes": Residual(ln_sd=0.08**0.5, status="assumed", source=SCALE),
        "concentration": Residual(ln_sd=0.32**0.5, status="assumed", source=SCALE),
    },
    linear=("central", "peripheral"),
    grid=Grid(first=0.1, growth=1.4, largest=16.0),
    solver="exact+rk4",
    regimen=Regimen(5000, 672, 2, 120, "bsa", "1000 mg/m2 a day for five days; the interval of four weeks is assumed"),
    bounds=BOUNDS,
    credibility="A",
    source="doi:10.1007/s00280-019-04028-5",
    not_for="capecitabine, growth-factor support, complete lack of the enzyme, mucositis and diarrhoea",
)
