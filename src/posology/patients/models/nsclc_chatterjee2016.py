"""Lung cancer (non-small cell) under pembrolizumab: one part of the tumour grows, the other shrinks while there is drug.

    dgrowing/dt   = kg·growing                            growing = sld0·(1 − f),  shrinking = sld0·f  at the start
    dshrinking/dt = −kd·(auc/7079)^0.196·shrinking        nothing while auc is 0
    kd = 0.00265·m,   m = 2.74 where at least 50% of tumour cells carry PD-L1, 0.623 where less than 1% do, else 1
    odds = f/(1 − f) = 0.574/0.426·exp(−1.81·egfr)

The size is the sum of longest diameters (mm, days); `auc` is the exposure over six weeks, held as long as it lasts; its
effect was not significant, so a higher dose gains next to nothing. The published spread of f is normal on the logit: that
is a log-normal spread of the odds, which are the individual parameter here, so nothing is approximated.

Chatterjee M et al. Ann Oncol 2016;27:1291 (KEYNOTE-001), read in the public nlmixr2lib. Not settled by the source: the unit
of auc (a number here; 7079 is the reference), the order of the three covariances (read as kg-kd, kg-f, kd-f), and a delay
before the shrinking part responds, whose value is unknown (none here).

Not for: combinations with chemotherapy, pseudo-progression, new lesions, survival.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import exp, maximum, named, power, published, table, where

CHATTERJEE = "Chatterjee 2016 (nlmixr2lib)"
VARIANCE = {"kg": 1.21, "kd": 1.26, "odds": 2.79}  # of ln kg, ln kd, logit f
COVARIANCE = {("kg", "kd"): -0.33, ("kg", "odds"): -0.814, ("kd", "odds"): 0.631}


@table
class Params:
    sld0: float = published(91.7, "mm", "size at the start of treatment, median", at=CHATTERJEE)
    kg: float = published(0.00114, "1/d", "growth rate", variance=VARIANCE["kg"], at=CHATTERJEE)
    kd: float = published(0.00265, "1/d", "rate of shrinkage, PD-L1 on 1-49%", variance=VARIANCE["kd"], at=CHATTERJEE)
    kd_tps50: float = published(2.74, "1", "factor on kd, PD-L1 on 50% or more", at=CHATTERJEE)
    kd_tps0: float = published(0.623, "1", "factor on kd, PD-L1 on less than 1%", at=CHATTERJEE)
    kd_auc: float = published(0.196, "1", "exponent of exposure on kd (not significant)", at=CHATTERJEE)
    auc_ref: float = published(7079.0, "1", "exposure over six weeks at which kd is meant", at=CHATTERJEE)
    f: float = published(0.574, "1", "share of the tumour that shrinks", variance=VARIANCE["odds"], on="odds", at=CHATTERJEE)
    f_egfr: float = published(-1.81, "1", "change of logit f where EGFR is mutated", at=CHATTERJEE)


@table
class Individual:
    sld0: float = named("mm", "size at the start of treatment")
    kg: float = named("1/d", "growth rate")
    kd: float = named("1/d", "rate of shrinkage at the reference exposure")
    kd_auc: float = named("1", "exponent of exposure on kd")
    auc_ref: float = named("1", "exposure over six weeks at which kd is meant")
    odds: float = named("1", "shrinking over growing tumour at the start")


@table
class State:
    growing: float = named("mm", "part of the size that grows")
    shrinking: float = named("mm", "part of the size that shrinks under treatment")


def individual(p: Any, c: Any) -> Any:
    m = where(c["tps50"] > 0, p.kd_tps50, where(c["tps1"] > 0, 1.0, p.kd_tps0))
    odds = p.f / (1 - p.f) * exp(p.f_egfr * c["egfr"])
    return Individual(p.sld0, p.kg, p.kd * m, p.kd_auc, p.auc_ref, odds)


def baseline(p: Any) -> Any:
    growing = p.sld0 / (1 + p.odds)
    return State(growing, p.odds * growing)


def rates(t: Any, x: Any, p: Any, auc: Any) -> Any:
    exposure = maximum(auc / p.auc_ref, 1e-6)  # only to raise it to a power: of no exposure nothing comes
    kill = where(auc > 0, p.kd * power(exposure, p.kd_auc), 0 * p.kd)
    return State(p.kg * x.growing, -kill * x.shrinking)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_size": x.growing + x.shrinking}


MODEL = PatientModel(
    id="nsclc-chatterjee2016",
    title="Lung cancer under pembrolizumab",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_size": "mm"},
    entries={"auc": Entry(unit="d", source="exposure over six weeks, in the source's unit, times the days it is held")},
    covariates=(
        Covariate("tps50", "1", 0, 1, "1 where 50% of tumour cells or more carry PD-L1, else 0", default=0),
        Covariate("tps1", "1", 0, 1, "1 where 1% of tumour cells or more carry PD-L1, else 0", default=1),
        Covariate("egfr", "1", 0, 1, "1 where the tumour's EGFR is mutated, else 0", default=0),
        Covariate("baseline_size", "mm", 10, 548, "sum of longest diameters before treatment", sets="sld0", source=CHATTERJEE),
    ),
    residuals={"tumour_size": Residual(ln_sd=0.1655, source=CHATTERJEE)},
    correlations={(a, b): v / (VARIANCE[a] * VARIANCE[b]) ** 0.5 for (a, b), v in COVARIANCE.items()},
    logarithmic=("growing", "shrinking"),  # whose slopes are constant: a step of any length is exact
    grid=Grid(first=21.0, growth=1.0, largest=21.0),
    solver="rk4",
    regimen=Regimen(7079 * 21, 21, 6, 21, source="the reference exposure, held; a dose every three weeks"),
    time_unit="d",
    credibility="A",
    source="Chatterjee 2016, Ann Oncol 27:1291",
    not_for="combinations with chemotherapy, pseudo-progression, new lesions, survival",
)
