"""Hand-foot syndrome under capecitabine, week by week: a dose-driven chain of the grades 0, 1, and 2 or more.

    dA/dt = rate − k·A,  e = k·A at the end of the week                                       what drives the syndrome, mg/week
    logit P(≤0 | before) = b − emax·e/(ed50 + e) + renal·(crcl − 75.5) + tendency,   logit P(≤1 | before) = that + step

b, emax and step depend on the grade of the week before. The course holds the probabilities of the grades, which is exact; a
patient's own grades are drawn from them. `k` differs between patients (variance of its logarithm 0.802) together with `tendency`
(variance 1.50, covariance 0.735).

Hénin E et al. Clin Pharmacol Ther 2009;85:418, doi:10.1038/clpt.2008.220; DDMODEL214. Grade 3 is not told apart from 2.

Not for: single doses; schedules by hours.
"""

from __future__ import annotations

from typing import Any

from posology.patients.maps import MapModel
from posology.patients.model import Covariate
from posology.quantities import exp, named, published, replace, table

HENIN = "Hénin 2009, DDMODEL214"


@table
class Params:
    k: float = published(0.102, "1/wk", "loss of what drives the syndrome", variance=0.802, at=HENIN)
    ed50: float = published(12_900.0, "mg/wk", "rate of half effect", at=HENIN)
    b0: float = published(4.14, "1", "logit of no syndrome after grade 0, without drug", at=HENIN)
    b1: float = published(0.855, "1", "the same after grade 1", at=HENIN)
    b2: float = published(1.47, "1", "the same after grade 2", at=HENIN)
    emax0: float = published(3.17, "1", "largest effect on the logit after grade 0", at=HENIN)
    emax1: float = published(6.65, "1", "the same after grade 1", at=HENIN)
    emax2: float = published(8.92, "1", "the same after grade 2", at=HENIN)
    step0: float = published(0.626, "1", "distance of the logit of grade 1 or less, after grade 0", at=HENIN)
    step1: float = published(7.24, "1", "the same after grade 1", at=HENIN)
    step2: float = published(0.330, "1", "the same after grade 2", at=HENIN)
    renal: float = published(0.00650, "min/mL", "effect of creatinine clearance on the logit", at=HENIN)
    crcl_reference: float = published(75.5, "mL/min", "creatinine clearance at which b is meant", at=HENIN)
    tendency: float = published(0.0, "1", "the patient's own shift of the logit: normal, variance 1.50", at=HENIN)
    tendency_variance: float = published(1.50, "1", "its variance between patients", at=HENIN)
    covariance: float = published(0.735, "1", "its covariance with ln k", at=HENIN)


@table
class State:
    amount: float = named("mg", "drug that drives the syndrome")
    grade_0: float = named("1", "probability of grade 0")
    grade_1: float = named("1", "probability of grade 1")
    grade_2: float = named("1", "probability of grade 2 or more")


def baseline(p: Any) -> Any:
    none = 0 * p.k
    return State(none, none + 1.0, none, none)


def individual(p: Any, c: Any) -> Any:
    """Worse kidneys shift the logits."""
    shift = p.renal * (c["crcl"] - p.crcl_reference)
    return replace(p, b0=p.b0 + shift, b1=p.b1 + shift, b2=p.b2 + shift)


def chances(e: Any, p: Any) -> list[tuple[Any, Any, Any]]:
    """Probabilities of the grades 0, 1 and 2 in a week with drive `e` (mg/week), after each grade before."""
    rows = []
    for b, emax, step in ((p.b0, p.emax0, p.step0), (p.b1, p.emax1, p.step1), (p.b2, p.emax2, p.step2)):
        at_most_0 = b + p.tendency - emax * e / (p.ed50 + e)
        none, mild = (1 / (1 + exp(-v)) for v in (at_most_0, at_most_0 + step))
        rows.append((none, mild - none, 1 - mild))
    return rows


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    kept, weekly = exp(-p.k), 7 * given["capecitabine"]
    amount = x.amount * kept + weekly / p.k * (1 - kept)
    rows = chances(p.k * amount, p)
    grades = [sum(was * row[g] for was, row in zip(x[1:], rows, strict=True)) for g in range(3)]
    return State(amount, *grades)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"grade_2": x.grade_2, "drive": p.k * x.amount}


MODEL = MapModel(
    id="capecitabine-henin2009",
    title="Capecitabine, hand-foot syndrome by weeks",
    Params=Params,
    State=State,
    baseline=baseline,
    transition=transition,
    readings=readings,
    reading_units={"grade_2": "1", "drive": "mg/wk"},
    inputs={"capecitabine": "mg/d"},
    step=1.0,
    time_unit="wk",
    usual=lambda k: {"capecitabine": 4000.0 * (k % 3 < 2)},
    individual=individual,
    covariates=(Covariate("crcl", "mL/min", 30, 150, "creatinine clearance", default=75.5, source=HENIN),),
    credibility="A",
    source="doi:10.1038/clpt.2008.220, DDMODEL214",
    not_for="single doses; schedules by hours",
)
