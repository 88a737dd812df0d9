"""Ovarian cancer under carboplatin: tumour size, and the hazard of death that follows from it.

    dsize/dt = (kg − kd0·auc)·size        kg = 0.611/1000,  kd0 = 0.0497/1000

The size is the sum of longest diameters (mm, days); `auc` is the cycle's exposure, constant over the cycle and 0 without
treatment. Hazard of death (Weibull), tsr = (size − s0)/s0 at the time min(t, 84 d), negative where the tumour shrank:

    hazard(t) = os_lam·os_a·(os_lam·t)^(os_a − 1)·exp(0.2084·s0/70 + 0.9036·tsr + 1.23·new_lesion + 0.5162·[ecog ≥ 1])

New lesions are no part of the course here: `hazard` can be asked with one, simulated survival is that of patients without. The
source's s0 in the hazard is the measured size, here it is the patient's own.

Zecchin C et al. 2016, doi:10.1111/bcp.12994 (DDMODEL00000217 and 218). The source gives no unit of auc. Here it is mg·h/L:
then a cycle of 5 mg·min/mL (83.3 mg·h/L) shrinks the typical tumour by a quarter in twelve weeks, as in clinics; with
mg·min/mL it would grow. The simulated data of DDMODEL00000218 have exposures of about 30 to 200, which fits mg·h/L too,
though a comment there names another unit, averaged over the days of the cycle. So kd0, whose unit hangs on that, counts as
unverified. Also unknown: what is carried over from cycle to cycle and the correlation of the spreads. The source's term for
gemcitabine (0.0164/100 per unit of its auc, of unknown unit, with the spread of kd0) is left out: only carboplatin drives
this model.

Not for: carboplatin with gemcitabine or other partners, new lesions, single patients' survival.
"""

from __future__ import annotations

from typing import Any

from posology.patients.hazards import Hazards
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import exp, named, numbers_of, part, power, published, table, together, unverified

ZECCHIN = "Zecchin 2016 (DDMODEL00000217 and 218)"
LANDMARK = 84.0  # d: what the tumour does later is not in the hazard (Zecchin 2016)
UNIT = f"{ZECCHIN}: 0.0497/1000 as printed; the unit of exposure is inferred from the response in clinics"


@table
class Params:
    s0: float = published(71.3, "mm", "size at the start of treatment", variance=0.515, at=ZECCHIN)
    kg: float = published(0.611e-3, "1/d", "growth rate", variance=1.72, at=ZECCHIN)
    kd0: float = unverified(0.0497e-3, "L/(mg*h*d)", "rate of kill per exposure of the cycle", variance=1.09, at=UNIT)
    os_lam: float = published(1.183e-3, "1/d", "scale of the hazard", at=ZECCHIN)
    os_a: float = published(2.004, "1", "shape of the hazard", at=ZECCHIN)
    os_s0: float = published(0.2084, "1", "change of the log hazard per os_reference of s0", at=ZECCHIN)
    os_reference: float = published(70.0, "mm", "average size at the start", at=ZECCHIN)
    os_tsr: float = published(0.9036, "1", "change of the log hazard with the relative change of size", at=ZECCHIN)
    os_new: float = published(1.23, "1", "change of the log hazard with a new lesion", at=ZECCHIN)
    os_ecog: float = published(0.5162, "1", "change of the log hazard with ECOG status 1 or worse", at=ZECCHIN)


@table
class Status:
    os_status: float = named("1", "change of the log hazard by the patient's ECOG status")


Individual = together(part(Params, without=("os_ecog",)), Status)


@table
class State:
    size: float = named("mm", "sum of longest diameters")


def individual(p: Any, c: Any) -> Any:
    same = {name: getattr(p, name) for name in numbers_of(Individual) if name != "os_status"}
    return Individual(**same, os_status=p.os_ecog * c["ecog"])


def baseline(p: Any) -> Any:
    return State(p.s0)


def rates(t: Any, x: Any, p: Any, auc: Any) -> Any:
    return State((p.kg - p.kd0 * auc) * x.size)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_size": x.size}


def hazard(t: Any, tsr: Any, p: Any, new_lesion: Any = 0.0) -> Any:
    """Hazard of death per day at `t` > 0 days.

    Args:
        tsr: (size − s0)/s0 at min(t, 84 d).
        p: individual parameters.
        new_lesion: 1 once there is one, else 0.
    """
    risk = exp(p.os_s0 * p.s0 / p.os_reference + p.os_tsr * tsr + p.os_new * new_lesion + p.os_status)
    return p.os_lam * p.os_a * power(p.os_lam * t, p.os_a - 1) * risk


def hazards(t: Any, x: Any, p: Any) -> dict[str, Any]:
    """Of death, without a new lesion."""
    return {"death": hazard(t, (x.size - p.s0) / p.s0, p)}


MODEL = PatientModel(
    id="ovarian-zecchin2016",
    title="Ovarian cancer under carboplatin",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_size": "mm"},
    entries={"auc": Entry(unit="mg*h*d/L", source="exposure of the cycle, held over it: times its 21 days")},
    covariates=(Covariate("ecog", "1", 0, 1, "1 for an ECOG status of 1 or worse, else 0; for survival", default=0),),
    residuals={"tumour_size": Residual(additive=18.4, source=ZECCHIN)},
    logarithmic=("size",),  # whose slope is constant: a step of any length is exact
    grid=Grid(first=21.0, growth=1.0, largest=21.0),
    solver="rk4",
    regimen=Regimen(83.3 * 21, 21, 6, 21, source="carboplatin at 5 mg·min/mL every three weeks"),
    time_unit="d",
    source="Zecchin 2016, doi:10.1111/bcp.12994",
    not_for="carboplatin with gemcitabine or other partners, new lesions, single patients' survival",
    hazards=Hazards(("death",), hazards, landmark=LANDMARK),
)
