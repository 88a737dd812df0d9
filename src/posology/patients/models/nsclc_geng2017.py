"""Non-small-cell lung cancer under chemotherapy and radiotherapy, day by day: the simulator of counterfactual papers.

    drug'   = drug·½ + chemotherapy                                           half-life of a day; the dose of a day acts on it
    volume' = volume·(1 + ρ·ln(K/volume) − βc·drug' − (α·d + β·d²) + e)       d Gy of the day, e ~ N(0, 0.01)

A volume above that of a sphere of 13 cm is death. Otherwise the tumour is gone with probability e^(−volume·5.8·10⁸), the
chance that none of its cells is left. Without a key neither happens and e is 0. β is α/10. How those simulators draw patients
(α with ρ, types, stages) is not built here.

Geng C, Paganetti H, Grassberger C. Sci Rep 2017;7:13542, doi:10.1038/s41598-017-13646-z, as used by Lim 2018 (RMSN) and Bica
2020 (CRN).

Not for: choosing a schedule for a patient.
"""

from __future__ import annotations

import math
from typing import Any

from posology.patients.maps import MapModel
from posology.quantities import assumed, exp, log, named, published, table, where

CRN = "CRN and RMSN simulators, after Geng 2017"
DEATH, FULL = 13.0, 30.0  # cm: diameters of death and of the carrying capacity
NOISE = 0.01


def sphere(diameter: Any) -> Any:
    """Volume (cm3) of a sphere."""
    return math.pi / 6 * diameter**3


@table
class Params:
    rho: float = published(7e-5, "1/d", "growth rate", at=CRN)
    rho_sd: float = published(7.23e-3, "1/d", "spread of rho", at=CRN)
    alpha: float = published(0.0398, "1/Gy", "linear kill by radiation", at=CRN)
    alpha_sd: float = published(0.168, "1/Gy", "spread of alpha", at=CRN)
    alpha_beta: float = published(10.0, "Gy", "alpha over beta", at=CRN)
    beta_c: float = published(0.028, "m3/mg", "kill by the drug", at=CRN)
    beta_c_sd: float = published(0.0007, "m3/mg", "spread of beta_c", at=CRN)
    density: float = published(5.8e8, "1/cm3", "cells per volume", at=CRN)
    capacity: float = published(sphere(FULL), "cm3", "carrying capacity: a sphere of 30 cm", at=CRN)
    lethal: float = published(sphere(DEATH), "cm3", "volume of death: a sphere of 13 cm", at=CRN)
    volume: float = assumed(sphere(5.0), "cm3", "volume at the start: a sphere of 5 cm", at="a patient for examples")


@table
class State:
    volume: float = named("cm3", "tumour volume")
    drug: float = named("mg/m3", "chemotherapy in the body")
    dead: float = named("1", "1 after death")


def baseline(p: Any) -> Any:
    return State(p.volume, 0 * p.volume, 0 * p.volume)


def transition(key: Any, x: Any, p: Any, given: Any) -> Any:
    drug, dose = x.drug / 2 + given["chemotherapy"], given["radiation"]
    radiation = p.alpha * dose + p.alpha / p.alpha_beta * dose * dose
    there = x.volume > 0
    growth = p.rho * log(p.capacity / where(there, x.volume, 1.0)) - p.beta_c * drug - radiation
    noise, chance = drawn(key)
    volume = where(there, x.volume * (1 + growth + noise), 0 * drug)
    dead = where((x.dead > 0) | (volume > p.lethal), 1.0 + 0 * volume, 0 * volume)
    cured = (volume <= 0) | (chance < exp(-where(volume > 0, volume, 0 * volume) * p.density))
    volume = where(dead > 0, 0 * volume + p.lethal, where(cured, 0 * volume, volume))
    return State(volume, drug, dead)


def drawn(key: Any) -> tuple[Any, Any]:
    """The day's noise, and a number between 0 and 1 that decides whether the tumour is gone."""
    if key is None:
        return 0.0, 2.0
    import jax

    first, second = jax.random.split(key)
    return NOISE * jax.random.normal(first), jax.random.uniform(second)


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"tumour_volume": x.volume, "dead": x.dead}


MODEL = MapModel(
    id="nsclc-geng2017",
    title="Non-small-cell lung cancer under chemotherapy and radiotherapy, by days",
    Params=Params,
    State=State,
    baseline=baseline,
    transition=transition,
    readings=readings,
    reading_units={"tumour_volume": "cm3", "dead": "1"},
    inputs={"chemotherapy": "mg/m3", "radiation": "Gy"},
    step=1.0,
    time_unit="d",
    usual=lambda k: {"chemotherapy": 5.0 * (k % 7 == 0 and k <= 35), "radiation": 2.0 * (k % 7 < 5 and k < 40)},
    credibility="B",
    source="doi:10.1038/s41598-017-13646-z, as in CRN and RMSN",
    not_for="choosing a schedule for a patient",
)
