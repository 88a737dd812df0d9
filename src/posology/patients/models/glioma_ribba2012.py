"""Low-grade glioma under procarbazine, lomustine and vincristine (PCV).

Each course adds 1 to a virtual drug c, which leaves at the rate kde; kill = g·kde·c acts on dividing (p) and resting (q)
tissue alike (mm of mean tumour diameter, d damaged tissue, time in months):

    dc/dt = −kde·c
    dp/dt = lam·p·(1 − (p + q + d)/k) + kdp·d − kpq·p − kill·p
    dq/dt = kpq·p − kill·q
    dd/dt = kill·q − kdp·d − ddm·d

Ribba B et al. Clin Cancer Res 2012;18:5071, PCV arm (21 patients). Numbers read in public code: BioModels 521 and a public
environment of the same model agree on all but kpq, where BioModels 521 has 0.00295 and lacks "·p", an error in our reading.
Unknown: the spread of g between patients (none is used) and the error of a measured diameter.

Not for: other treatments than PCV (the paper's other arms have numbers of their own); survival.
"""

from __future__ import annotations

from typing import Any

from posology.patients.glioma import diameter, tissue
from posology.patients.model import Entry, Grid, PatientModel, Regimen
from posology.quantities import named, published, table

RIBBA = "Ribba 2012, PCV arm"


@table
class Params:
    p0: float = published(7.13, "mm", "dividing tissue at the start", cv=0.94, at=RIBBA)
    q0: float = published(41.2, "mm", "resting tissue at the start", cv=0.54, at=RIBBA)
    lam: float = published(0.121, "1/mo", "growth rate of dividing tissue", cv=0.72, at=RIBBA)
    k: float = published(100.0, "mm", "diameter at which growth ends", at=f"{RIBBA}, fixed")
    kpq: float = published(0.0295, "1/mo", "rate at which dividing tissue comes to rest", cv=0.76, at=RIBBA)
    kdp: float = published(0.0031, "1/mo", "rate at which damaged tissue is repaired", cv=0.97, at=RIBBA)
    ddm: float = published(0.00867, "1/mo", "rate at which damaged tissue dies", cv=1.15, at=RIBBA)
    g: float = published(0.729, "1", "effect of one course", at=f"{RIBBA}; spread not found")
    kde: float = published(0.24, "1/mo", "rate at which the drug's effect leaves", cv=0.70, at=RIBBA)


@table
class State:
    c: float = named("1", "virtual drug, in courses")
    p: float = named("mm", "dividing tissue")
    q: float = named("mm", "resting tissue")
    d: float = named("mm", "resting tissue damaged by treatment")


def baseline(p: Any) -> Any:
    return State(0 * p.g, p.p0, p.q0, 0 * p.q0)


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    kill = p.g * p.kde * x.c
    return State(infusion - p.kde * x.c, *tissue(x, p, kill, kill))


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_size": diameter(x)}


MODEL = PatientModel(
    id="glioma-ribba2012",
    title="Low-grade glioma under PCV",
    Params=Params,
    State=State,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"tumour_size": "mm"},
    entries={"course": Entry("c", source="one course adds 1")},
    linear=("c",),
    grid=Grid(first=0.75, growth=1.0, largest=0.75),
    solver="exact+rk4",
    regimen=Regimen(1, 1.5, 6, source="Ribba 2012: six courses, one every six weeks"),
    time_unit="mo",
    credibility="B",
    source="Ribba 2012, Clin Cancer Res 18:5071",
    not_for="other treatments than PCV; survival",
)
