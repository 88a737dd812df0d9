"""A made-up cancer under monthly chemotherapy, by which learning from a trial was first shown.

    toxicity' = toxicity + 0.1·max(tumour, tumour₀) + 1.2·(dose − 0.5)
    tumour'   = max(0, tumour + (0.15·max(toxicity, toxicity₀) − 1.2·(dose − 0.5))·1(tumour > 0))
    hazard'   = e^(μ₀ + μ₁·toxicity' + μ₂·tumour')                    over the month

Doses are shares of the largest one; right-hand sides hold the values before the step. A tumour that is gone stays gone.
`hazard` adds up the hazards of the months, so that the probability to live is e^−hazard.

Zhao Y, Kosorok MR, Zeng D. Stat Med 2009;28:3294, doi:10.1002/sim.3720. Death by the values at the end of a month is a reading
of the public codes that was not checked in the paper.

Not for: any statement about patients; nothing in it is measured.
"""

from __future__ import annotations

from typing import Any

from posology.patients.hazards import Hazards
from posology.patients.maps import MapModel
from posology.quantities import assumed, exp, maximum, minimum, named, published, replace, table, unverified, where

ZHAO = "Zhao 2009; public codes of the simulator"
HIGHEST = 50.0  # ln hazard: long before it nobody lives, and the number stays finite
START = "middle of the draws from 0 to 2"


@table
class Params:
    toxicity_by_tumour: float = published(0.1, "1", "toxicity per month and tumour", at=ZHAO)
    toxicity_by_dose: float = published(1.2, "1", "toxicity per month and dose above the middle one", at=ZHAO)
    tumour_by_toxicity: float = published(0.15, "1", "growth per month and toxicity", at=ZHAO)
    tumour_by_dose: float = published(1.2, "1", "shrinkage per month and dose above the middle one", at=ZHAO)
    middle: float = published(0.5, "1", "dose without effect of its own", at=ZHAO)
    hazard_0: float = unverified(-4.0, "1", "ln monthly hazard without toxicity and tumour", at=ZHAO)
    hazard_toxicity: float = unverified(1.0, "1", "ln hazard per toxicity", at=ZHAO)
    hazard_tumour: float = unverified(1.0, "1", "ln hazard per tumour", at=ZHAO)
    toxicity: float = assumed(1.0, "1", "toxicity at the start", at=START)
    tumour: float = assumed(1.0, "1", "tumour at the start", at=START)


@table
class State:
    toxicity: float = named("1", "toxicity, more is worse")
    tumour: float = named("1", "tumour size")
    hazard: float = named("1", "hazard of death so far")


def baseline(p: Any) -> Any:
    return State(p.toxicity, p.tumour, 0 * p.toxicity)


def hazards(t: Any, x: Any, p: Any) -> dict[str, Any]:
    """Of death in the month that ended in `x`."""
    ln_hazard = p.hazard_0 + p.hazard_toxicity * x.toxicity + p.hazard_tumour * x.tumour
    return {"death": exp(minimum(ln_hazard, HIGHEST + 0 * ln_hazard))}


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    dose = given["dose"] - p.middle
    toxicity = x.toxicity + p.toxicity_by_tumour * maximum(x.tumour, p.tumour) + p.toxicity_by_dose * dose
    growth = p.tumour_by_toxicity * maximum(x.toxicity, p.toxicity) - p.tumour_by_dose * dose
    tumour = where(x.tumour > 0, maximum(x.tumour + growth, 0 * growth), 0 * growth)
    after = State(toxicity, tumour, x.hazard)
    return replace(after, hazard=x.hazard + hazards(None, after, p)["death"])


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour": x.tumour, "toxicity": x.toxicity, "survival": exp(-x.hazard)}


MODEL = MapModel(
    id="chemotherapy-zhao2009",
    title="Generic chemotherapy, toxicity against tumour, by months",
    Params=Params,
    State=State,
    baseline=baseline,
    transition=transition,
    readings=readings,
    reading_units={"tumour": "1", "toxicity": "1", "survival": "1"},
    inputs={"dose": "1"},
    step=1.0,
    time_unit="mo",
    usual=lambda k: {"dose": 0.7 * (k < 6)},
    credibility="C",
    source="doi:10.1002/sim.3720",
    not_for="any statement about patients; nothing in it is measured",
    hazards=Hazards(("death",), hazards),
)
