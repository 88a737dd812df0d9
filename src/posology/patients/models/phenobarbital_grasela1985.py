"""Phenobarbital in preterm neonates: one compartment, first-order elimination.

    dcentral/dt = infusion − cl·concentration,   concentration = central/v
    cl = 0.0047·weight,   v = 0.96·weight·(1 + 0.13·[apgar < 5])

Fifty-nine infants of 0.6 to 3.6 kg; half-life 141 h, so that steady state takes weeks and the first
days are governed by the loading dose. Grasela TH, Donn SM. Dev Pharmacol Ther 1985;8:374,
doi:10.1159/000457062 (its abstract was read; it gives no residual error).

Not for: infants older than some weeks, in whom clearance matures; oral doses; therapeutic hypothermia.
"""

from __future__ import annotations

from typing import Any

from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import named, published, table, where

GRASELA = "Grasela 1985, abstract"


@table
class Params:
    cl: float = published(0.0047, "L/h/kg", "clearance per body weight", cv=0.19, at=GRASELA)
    v: float = published(0.96, "L/kg", "volume of distribution per body weight", cv=0.16, at=GRASELA)
    v_asphyxia: float = published(0.13, "1", "rise of v after asphyxia (5-minute Apgar below 5)", at=GRASELA)


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v: float = named("L", "volume of distribution")


@table
class State:
    central: float = named("mg", "phenobarbital in the body")


def individual(p: Any, c: Any) -> Any:
    asphyxia = where(c["apgar"] < 5, 1.0, 0.0)
    return Individual(p.cl * c["weight"], p.v * c["weight"] * (1 + p.v_asphyxia * asphyxia))


def baseline(p: Any) -> Any:
    return State(0 * p.v)  # no drug yet, in the shape and type of the parameters


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    return State(infusion - p.cl * x.central / p.v)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"concentration": x.central / p.v}


MODEL = PatientModel(
    id="phenobarbital-grasela1985",
    title="Phenobarbital in preterm neonates: serum concentration",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"concentration": "mg/L"},
    entries={"central": Entry("central", 1.0)},
    covariates=(
        Covariate("weight", "kg", 0.4, 5, "body weight; the cohort weighed 0.6 to 3.6 kg at birth", default=1.52),
        Covariate("apgar", "1", 0, 10, "Apgar score at 5 minutes", default=7),
    ),
    residuals={
        "concentration": Residual(
            proportional=0.11, status="unverified", source="about 11 % is commonly cited; not in the abstract of 1985"
        )
    },
    linear=("central",),
    grid=Grid(first=24.0, growth=1.0, largest=24.0),
    coarse=Grid(first=10_000.0, growth=1.0, largest=10_000.0),  # linear kinetics are exact in one step
    solver="exact+rk4",
    regimen=Regimen(2.5, 12, 14, per="weight", source="maintenance of 5 mg/kg a day"),
    source="doi:10.1159/000457062",
    not_for="infants older than some weeks (clearance matures), oral doses, therapeutic hypothermia",
)
