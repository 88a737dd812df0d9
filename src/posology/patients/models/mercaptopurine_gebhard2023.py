"""Maintenance of childhood leukaemia with oral mercaptopurine: thioguanine nucleotides and neutrophils.

    ddepot/dt  = infusion − ka·depot
    dplasma/dt = f·ka·depot − kel·plasma,   c = plasma/(v·bsa)
    dtgn/dt    = vm·c/(km + c) − ke·tgn

`tgn` is the concentration of thioguanine nucleotides in red cells (E-TGN). Marrow of Friberg 2002 with E = slope·tgn, but ktr is
a number of its own, with another loss from blood: all stages start at c0·kcirc/ktr, and

    dneutrophils/dt = ktr·t3 − kcirc·neutrophils

Two bounds are ours, far from what is measured: the feedback stops rising below c0/100, and where dividing cells grow, they grow
slower by 1 + (prol/(100·prol at the start))⁴. The printed equations let a child's marrow that was suppressed for long make
billions of times its usual number of cells.

Doses are given in mg. The paper counts the drug per m2; here the volume is that of a child of the area `bsa`, which is the same.
Maintenance aims at neutrophils of 0.5 to 2.0 and leukocytes of 1.5 to 3.5 ×10⁹/L.

Gebhard A et al. 2023, 452 children of NOPHO ALL-92, doi:10.1038/s41598-023-38414-0, the set of numbers fitted to nucleotides and
neutrophils together. Not used: `inieff` 0.87, presumably a factor of the state at the start; children here start without drug.
TPMT is not read: what its variants do to ke was not fitted. With a gamma of 0.79 counts swing for more than a year after a
change of dose.

Not for: overdoses (the formation of nucleotides saturates, so none is toxic here), TPMT or NUDT15 deficiency, allopurinol, the
methotrexate that is given beside it, liver toxicity.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.patients.myelosuppression import Marrow, marrow
from posology.quantities import assumed, named, published, table, where

LEAST, MOST = 0.01, 100.0
BOUNDS = {
    "least": assumed(LEAST, "1", "share of c0 below which the feedback stops rising", at="design choice: too few cells to count"),
    "most": assumed(MOST, "1", "times the usual dividing cells at which growth halves", at="design choice: no marrow makes more"),
}
MOLAR_MASS = 152.18  # g/mol
GEBHARD = "Gebhard 2023"
JOINT = "Gebhard 2023, joint set"


@table
class Params:
    f: float = published(0.12, "1", "share of the dose that reaches the blood", at=GEBHARD)
    ka: float = published(21.07, "1/d", "absorption", at=GEBHARD)
    kel: float = published(15.4, "1/d", "elimination from plasma", at=GEBHARD)
    v: float = published(20.1911, "L/m2", "volume per body surface area", at=GEBHARD)
    vm: float = published(0.21, "umol/L/d", "maximal formation of the nucleotides", cv=0.56, at=JOINT)
    km: float = published(0.14, "umol/L", "concentration at half-maximal formation", at=JOINT)
    ke: float = published(0.050, "1/d", "loss of the nucleotides", cv=0.54, at=JOINT)
    c0: float = published(2.17, "10*9/L", "neutrophils without drug", cv=0.27, at=JOINT)
    ktr: float = published(0.15, "1/d", "transit rate through the marrow", cv=0.72, at=JOINT)
    kcirc: float = published(2.3765, "1/d", "loss of neutrophils from blood", at=JOINT)
    slope: float = published(0.16, "L/umol", "drug effect per concentration of the nucleotides", cv=0.81, at=JOINT)
    gamma: float = published(0.79, "1", "strength of the feedback", cv=0.11, at=JOINT)


@table
class Individual:
    f: float = named("1", "share of the dose that reaches the blood")
    ka: float = named("1/d", "absorption")
    kel: float = named("1/d", "elimination from plasma")
    v: float = named("L", "volume")
    vm: float = named("umol/L/d", "maximal formation of the nucleotides")
    km: float = named("umol/L", "concentration at half-maximal formation")
    ke: float = named("1/d", "loss of the nucleotides")
    c0: float = named("10*9/L", "neutrophils without drug")
    ktr: float = named("1/d", "transit rate through the marrow")
    kcirc: float = named("1/d", "loss of neutrophils from blood")
    slope: float = named("L/umol", "drug effect per concentration of the nucleotides")
    gamma: float = named("1", "strength of the feedback")


@table
class State:
    depot: float = named("umol", "mercaptopurine not yet absorbed")
    plasma: float = named("umol", "mercaptopurine in plasma")
    tgn: float = named("umol/L", "thioguanine nucleotides in red cells")
    prol: float = named("10*9/L", "proliferating cells")
    t1: float = named("10*9/L", "maturing cells, first stage")
    t2: float = named("10*9/L", "maturing cells, second stage")
    t3: float = named("10*9/L", "maturing cells, third stage")
    neutrophils: float = named("10*9/L", "neutrophils in blood")


def individual(p: Any, c: Any) -> Any:
    return Individual(p.f, p.ka, p.kel, p.v * c["bsa"], *p[4:])


def baseline(p: Any) -> Any:
    stage, none = p.c0 * p.kcirc / p.ktr, 0 * p.v  # no drug yet, in the shape and type of the parameters
    return State(none * p.km, none * p.km, 0 * p.km, stage, stage, stage, stage, p.c0)


def crowded(growth: Any, x: Any, p: Any) -> Any:
    """Growth of the dividing cells, less where they are many times the usual number; their loss as it is."""
    full = x.prol / (MOST * p.c0 * p.kcirc / p.ktr)
    return where(growth > 0, growth / (1 + full * full * full * full), growth)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    absorbed, c = p.ka * x.depot, x.plasma / p.v
    cells = marrow(Marrow(x.prol, x.t1, x.t2, x.t3, x.neutrophils), p.c0, 4 / p.ktr, p.gamma, p.slope * x.tgn, LEAST)
    return State(
        infusion - absorbed,
        p.f * absorbed - p.kel * x.plasma,
        p.vm * c / (p.km + c) - p.ke * x.tgn,
        crowded(cells.prol, x, p),
        *cells[1:4],
        p.ktr * x.t3 - p.kcirc * x.neutrophils,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"anc": x.neutrophils, "tgn": x.tgn}


MODEL = PatientModel(
    id="mercaptopurine-gebhard2023",
    title="Mercaptopurine in maintenance of childhood leukaemia: nucleotides and neutrophils",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"anc": "10*9/L", "tgn": "umol/L"},
    entries={"depot": Entry("depot", 1000 / MOLAR_MASS, "molar mass 152.18 g/mol")},
    covariates=(
        Covariate("bsa", "m2", 0.4, 2.2, "body surface area", default=1.0, source="range assumed: not read"),
        Covariate("baseline_anc", "10*9/L", 0.5, 15, "neutrophils before treatment", sets="c0", default=None),
    ),
    residuals={
        "anc": Residual(proportional=0.25**0.5, source=GEBHARD),
        "tgn": Residual(proportional=0.061**0.5, additive=0.024**0.5, source=GEBHARD),
    },
    linear=("depot", "plasma"),
    logarithmic=("prol",),  # one child in a thousand loses all dividing cells, where a step of the count itself overshoots zero
    grid=Grid(first=0.0005, growth=1.5, largest=0.08),  # the plasma passes km within minutes
    solver="exact+rk4",
    regimen=Regimen(75, 1, 56, per="bsa", source="NOPHO ALL-92: 75 mg/m2 a day"),
    time_unit="d",
    bounds=BOUNDS,
    credibility="A",
    source="doi:10.1038/s41598-023-38414-0",
    not_for="overdoses (none is toxic here), TPMT or NUDT15 deficiency, allopurinol, methotrexate beside it, liver toxicity",
)
