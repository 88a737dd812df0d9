"""Neutropenia under docetaxel: two compartments of Onoue 2016, marrow of Friberg 2002.

    dcentral/dt    = infusion − cl·c − q·(c − peripheral/v2),   c = central/v1
    dperipheral/dt = q·(c − peripheral/v2)
    E = emax·c/(ec50 + c),  c in umol/L, as in `docetaxel-friberg2002`

The pair that the public package DTAT simulates for dose-titration trials, with doses in mg whatever the patient's size.
Onoue H et al. 2016; Friberg LE et al. J Clin Oncol 2002;20:4713, doi:10.1200/JCO.2002.02.140, Table 4. The residual errors of
Onoue 2016 were not read.

Not for: growth-factor support, weekly schedules, strong CYP3A4 inhibitors (clearance about halved).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.patients.compartments import mammillary
from posology.patients.model import Covariate
from posology.patients.models import docetaxel_friberg2002 as friberg
from posology.patients.myelosuppression import marrow
from posology.quantities import assumed, named, numbers_of, published, table

ONOUE = "Onoue 2016 (DTAT)"
FRIBERG: Any = numbers_of(friberg.Params)
CELLS: Any = numbers_of(friberg.MODEL.State)


@table
class Params:
    cl: float = published(32.6, "L/h", "clearance", variance=0.295**2, at=ONOUE)
    q: float = published(5.34, "L/h", "exchange with the peripheral compartment", variance=0.551**2, at=ONOUE)
    v1: float = assumed(5.77, "L", "central volume", variance=0.1**2, at="Onoue 2016; its spread is assumed in DTAT")
    v2: float = published(11.0, "L", "peripheral volume", variance=0.598**2, at=ONOUE)
    gamma: float = published(0.163, "1", "strength of the feedback", variance=0.039**2, at=friberg.FRIBERG)
    molar_mass: float = FRIBERG["molar_mass"]
    c0: float = FRIBERG["c0"]
    mtt: float = FRIBERG["mtt"]
    emax: float = FRIBERG["emax"]
    ec50: float = FRIBERG["ec50"]


@table
class State:
    central: float = named("mg", "docetaxel in the central compartment")
    peripheral: float = named("mg", "docetaxel in the peripheral compartment")
    prol: float = CELLS["prol"]
    t1: float = CELLS["t1"]
    t2: float = CELLS["t2"]
    t3: float = CELLS["t3"]
    circ: float = CELLS["circ"]


def baseline(p: Any) -> Any:
    none = 0 * p.v1  # no drug yet, in the shape and type of the parameters
    return State(none, none, p.c0, p.c0, p.c0, p.c0, p.c0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    c = x.central / p.v1
    drug = mammillary(infusion, c, p.cl, (p.q, x.peripheral / p.v2))
    cells = marrow(x, p.c0, p.mtt, p.gamma, friberg.slope(p, x.central) * c / p.molar_mass)
    return State(*(*drug, *cells))


MODEL = replace(
    friberg.MODEL,
    id="docetaxel-onoue2016",
    title="Docetaxel in two compartments: neutropenia, as in dose-titration trials",
    Params=Params,
    Individual=None,
    State=State,
    individual=lambda p, c: p,
    baseline=baseline,
    rates=rates,
    covariates=(
        Covariate("bsa", "m2", 1.3, 2.5, "body surface area, for doses per m2 only", default=1.8),
        friberg.MODEL.covariate("baseline_anc"),
    ),
    residuals={"anc": friberg.MODEL.residuals["anc"]},
    linear=("central", "peripheral"),
    source="Onoue H et al. 2016; doi:10.1200/JCO.2002.02.140",
)
