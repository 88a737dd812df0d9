"""Lung cancer (non-small cell) under first-line carboplatin and paclitaxel: tumour size, and survival that follows from it.

The sum of longest diameters grows at the rate kl and shrinks at a rate that fades from the first dose on (days, mm):

    dsize/dt = kl·size − kd·fade·intensity·size
    dfade/dt = −lam·fade once something was given, fade = 1 until then

With `intensity` 1 throughout this is the published curve b·exp(kl·t − (kd/lam)·(1 − exp(−lam·t))), which goes on after the
last cycle. The model was fitted without doses: that a share of the doses has this share of the effect is assumed.

Days lived from the start of treatment are log-normal, Φ and φ the normal distribution and its density:

    survival(t) = 1 − Φ(z),   hazard(t) = φ(z)/(os_scale·t·(1 − Φ(z))),   z = ln(t/median)/os_scale
    ln(median)  = 1.079 + 0.319·asian − 0.264·ever_smoker − 0.00197·b + 0.97695·ln(ttg + 100),   ttg = ln(kd/kl)/lam

ttg is the time to growth under full treatment; that of a tumour that grows from the start (kd < kl) is not settled by the
source and is 0 here. Claret L et al. 2014, doi:10.1038/clpt.2014.11 (934 patients, with or
without motesanib), read in the public nlmixr2lib. Table S1 of the paper prints kd and lam the other way round; this order
gives the paper's own time to growth. Correlations between the spreads are unknown.

Not for: other drugs, later lines, new lesions; single patients' survival, and survival under less than full doses (the time to
growth is that under full treatment, whatever is given here).
"""

from __future__ import annotations

import math
from typing import Any

from posology.patients.hazards import Hazards
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import assumed, exp, log, maximum, named, published, table, where

CLARET = "Claret 2014 (nlmixr2lib)"
BOUNDS = {"ttg": assumed(0.0, "d", "least time to growth", at="not settled by the source where kd < kl; ours")}


@table
class Params:
    b: float = published(90.0, "mm", "size at the start of treatment", variance=0.683**2, at=CLARET)
    kl: float = published(0.00107, "1/d", "growth rate", variance=1.18**2, at=CLARET)
    kd: float = published(0.0103, "1/d", "rate of kill at the first dose", variance=0.679**2, at=CLARET)
    lam: float = published(0.0193, "1/d", "rate at which the kill fades", variance=0.797**2, at=CLARET)
    os_base: float = published(1.079, "1", "ln of days lived before the terms below", at=CLARET)
    os_b: float = published(-0.00197, "1/mm", "change of it with b", at=CLARET)
    os_ttg: float = published(0.97695, "1", "change of it with ln(ttg + os_shift)", at=CLARET)
    os_shift: float = published(100.0, "d", "added to the time to growth", at=CLARET)
    os_asian: float = published(0.319, "1", "change of it in Asian patients", at=CLARET)
    os_smoker: float = published(-0.264, "1", "change of it in patients who ever smoked", at=CLARET)
    os_scale: float = published(math.exp(-0.24), "1", "SD of ln of days lived", at=CLARET)


@table
class Individual:
    b: float = named("mm", "size at the start of treatment")
    kl: float = named("1/d", "growth rate")
    kd: float = named("1/d", "rate of kill at the first dose")
    lam: float = named("1/d", "rate at which the kill fades")
    os_base: float = named("1", "ln of days lived before the terms of size and time to growth")
    os_b: float = named("1/mm", "change of it with b")
    os_ttg: float = named("1", "change of it with ln(ttg + os_shift)")
    os_shift: float = named("d", "added to the time to growth")
    os_scale: float = named("1", "SD of ln of days lived")


@table
class State:
    size: float = named("mm", "sum of longest diameters")
    fade: float = named("1", "share of the kill at the first dose that is left")


def individual(p: Any, c: Any) -> Any:
    base = p.os_base + p.os_asian * c["asian"] + p.os_smoker * c["ever_smoker"]
    return Individual(p.b, p.kl, p.kd, p.lam, base, p.os_b, p.os_ttg, p.os_shift, p.os_scale)


def baseline(p: Any) -> Any:
    return State(p.b, p.b / p.b)


def rates(t: Any, x: Any, p: Any, intensity: Any) -> Any:
    running = where(intensity > 0, 1.0, where(x.fade < 1, 1.0, 0.0))
    return State((p.kl - p.kd * x.fade * intensity) * x.size, -p.lam * x.fade * running)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_size": x.size}


def time_to_growth(p: Any) -> Any:
    """Days from the first dose to the smallest size under full treatment, for individual parameters."""
    return maximum(log(p.kd / p.kl) / p.lam, BOUNDS["ttg"].value)


def median_survival(p: Any) -> Any:
    """The days that half of the patients with these individual parameters live."""
    return exp(p.os_base + p.os_b * p.b + p.os_ttg * log(time_to_growth(p) + p.os_shift))


def survival(t: Any, p: Any) -> Any:
    """The share of such patients who live longer than `t` > 0 days."""
    from jax.scipy.stats import norm

    return norm.sf(_deviate(t, p))


def hazards(t: Any, x: Any, p: Any) -> dict[str, Any]:
    """Of death, whatever the size: the source's survival follows from the size before treatment and the time to growth."""
    from jax.scipy.stats import norm

    z = _deviate(t, p)
    return {"death": exp(norm.logpdf(z) - norm.logsf(z)) / (p.os_scale * t)}


def _deviate(t: Any, p: Any) -> Any:
    return log(t / median_survival(p)) / p.os_scale


MODEL = PatientModel(
    id="nsclc-claret2014",
    title="Lung cancer under carboplatin and paclitaxel",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_size": "mm"},
    entries={"intensity": Entry(unit="d", source="1 at the trial's doses, a share of it assumed to have that share of effect")},
    covariates=(
        Covariate("asian", "1", 0, 1, "1 for an Asian patient, else 0; for survival", default=0),
        Covariate("ever_smoker", "1", 0, 1, "1 for a patient who ever smoked, else 0; for survival", default=1),
    ),
    residuals={"tumour_size": Residual(additive=7.849, source=CLARET)},
    bounds=BOUNDS,
    logarithmic=("size", "fade"),  # whose slopes are constant or nearly so
    grid=Grid(first=10.5, growth=1.0, largest=10.5),
    solver="rk4",
    regimen=Regimen(21, 21, 6, 21, source="full doses of carboplatin and paclitaxel every three weeks"),
    time_unit="d",
    credibility="A",
    source="Claret 2014, doi:10.1038/clpt.2014.11",
    not_for="other drugs, later lines, new lesions; single patients' survival, and survival under less than full doses",
    hazards=Hazards(("death",), hazards),
)
