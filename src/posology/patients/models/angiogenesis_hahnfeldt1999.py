"""Tumour and the vessels that feed it, under a drug that attacks the vessels: mice with Lewis lung carcinoma.

    dvolume/dt   = −xi·volume·ln(volume/capacity)
    dcapacity/dt = b·volume − (mu + d·volume^(2/3))·capacity − e·drug·capacity
    ddrug/dt     = −clr·drug

`capacity` is the volume (uL, which are mm3) that the vessels can feed, `drug` the amount given (mg/kg) that is left; days.
Untreated, volume and capacity come to rest at (b/d)^1.5 where mu is 0. The numbers of the drug are those of endostatin;
angiostatin has e 0.15 and clr 0.38, TNP-470 e 1.3 and clr 10.1.

Hahnfeldt P et al. Cancer Res 1999;59:4770. The numbers of the tumour were read in public code, those of the drugs are still
to be read in the paper, and so are the sizes at the start. The extension to cytotoxic drugs (d'Onofrio, Ledzewicz 2009) is
left out: its terms, the unit and the kinetics of its drug are not settled.

Not for: patients; cytotoxic drugs or radiation beside the inhibitor.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import log, named, published, table, unverified

HAHNFELDT = "Hahnfeldt 1999"
ENDOSTATIN = f"{HAHNFELDT}, endostatin"


@table
class Params:
    xi: float = published(0.192, "1/d", "rate at which the tumour fills its capacity", at=HAHNFELDT)
    b: float = published(5.85, "1/d", "growth of capacity per volume", at=HAHNFELDT)
    d: float = published(0.00873, "1/(mm2*d)", "loss of capacity per surface of the tumour", at=HAHNFELDT)
    mu: float = published(0.0, "1/d", "loss of capacity by itself", at=HAHNFELDT)
    e: float = unverified(0.66, "kg/(mg*d)", "loss of capacity per drug", at=ENDOSTATIN)
    clr: float = unverified(1.7, "1/d", "elimination of the drug", at=ENDOSTATIN)
    volume0: float = unverified(200.0, "uL", "volume of the tumour at the start", at=HAHNFELDT)
    capacity0: float = unverified(625.0, "uL", "capacity at the start", at=HAHNFELDT)


@table
class State:
    volume: float = named("uL", "volume of the tumour")
    capacity: float = named("uL", "volume that the vessels can feed")
    drug: float = named("mg/kg", "drug in the body")


def baseline(p: Any) -> Any:
    return State(p.volume0, p.capacity0, 0 / p.e)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    loss = p.mu + p.d * x.volume ** (2 / 3) + p.e * x.drug
    return State(
        volume=-p.xi * x.volume * log(x.volume / x.capacity),
        capacity=p.b * x.volume - loss * x.capacity,
        drug=infusion - p.clr * x.drug,
    )


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_volume": x.volume}


MODEL = PatientModel(
    id="angiogenesis-hahnfeldt1999",
    title="Tumour and its vessels under endostatin",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_volume": "uL"},
    entries={"drug": Entry("drug", source="mg per kg of body weight")},
    linear=("drug",),
    grid=Grid(first=0.02, growth=1.1, largest=0.1),
    solver="exact+rk4",
    regimen=Regimen(20, 1, 13, source="endostatin 20 mg/kg a day, the doses of the checks"),
    time_unit="d",
    credibility="B",
    source="Hahnfeldt 1999, Cancer Res 59:4770",
    not_for="patients; cytotoxic drugs or radiation beside the inhibitor",
)
