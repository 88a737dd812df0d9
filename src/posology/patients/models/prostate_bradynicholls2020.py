"""Prostate cancer under intermittent androgen deprivation: stem cells renew the tumour, PSA follows it.

    dstem/dt           = w·ps·lam·stem,                                      w = stem/(stem + differentiated)
    ddifferentiated/dt = (1 − w·ps)·lam·stem − al·drug·differentiated
    dpsa/dt            = rho·differentiated − phi·psa

`drug` is 1 on treatment and 0 off it: it kills differentiated cells only, and every cycle of treatment enriches stem cells.
At the start PSA has the measured value p0 and is steady, so differentiated = phi·p0/rho (a choice of ours).

Brady-Nicholls R et al. Nat Commun 2020;11:1750, doi:10.1038/s41467-020-15424-4; 70 men. The numbers were not read there.
How many stem cells a man has at the start, and how men differ, is not known here: s0, ps and al are to be fitted to a man's
first cycle, and no spread stands beside them.

Not for: forecasting a man before his first cycle has been fitted; drugs other than androgen deprivation.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen
from posology.quantities import assumed, named, table, unverified

BRADY = "Brady-Nicholls 2020"


@table
class Params:
    lam: float = unverified(0.6931472, "1/d", "divisions of a stem cell, ln 2", at=BRADY)
    ps: float = unverified(0.028, "1", "share of divisions that make two stem cells", at=BRADY)
    al: float = unverified(0.036, "1/d", "killing of differentiated cells on treatment", at=BRADY)
    rho: float = unverified(1.87e-4, "ug/L/d", "PSA made per differentiated cell", at=BRADY)
    phi: float = unverified(0.0856, "1/d", "loss of PSA", at=BRADY)
    p0: float = assumed(10.0, "ug/L", "PSA at the start of treatment", at="an example: give the measured value")
    s0: float = assumed(20.0, "1", "stem cells at the start of treatment", at="an example: not published, fit it")


@table
class State:
    stem: float = named("1", "stem cells of the tumour")
    differentiated: float = named("1", "its differentiated cells, which make PSA")
    psa: float = named("ug/L", "prostate-specific antigen in blood")


def baseline(p: Any) -> Any:
    return State(p.s0, p.phi * p.p0 / p.rho, p.p0)


def rates(t: Any, x: Any, p: Any, drug: Any) -> Any:
    renewed = p.ps * x.stem / (x.stem + x.differentiated)
    return State(
        stem=renewed * p.lam * x.stem,
        differentiated=(1 - renewed) * p.lam * x.stem - p.al * drug * x.differentiated,
        psa=p.rho * x.differentiated - p.phi * x.psa,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"psa": x.psa}


MODEL = PatientModel(
    id="prostate-bradynicholls2020",
    title="Prostate cancer, stem cells and PSA",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"psa": "ug/L"},
    entries={"drug": Entry(unit="d", source="1 on treatment; an amount is days on it")},
    covariates=(Covariate("baseline_psa", "ug/L", 1, 1000, "PSA before treatment", sets="p0", default=None),),
    grid=Grid(first=1.0, growth=1.3, largest=5.0),
    solver="rk4",
    regimen=Regimen(28, 28, 8, 28, source="continuous treatment, told by months"),
    time_unit="d",
    source="doi:10.1038/s41467-020-15424-4",
    not_for="forecasting a man before his first cycle has been fitted; drugs other than androgen deprivation",
)
