"""Vancomycin in adults: two compartments, clearance by creatinine clearance.

    dcentral/dt    = infusion − cl·C − q·(C − P),   C = central/v1
    dperipheral/dt = q·(C − P),                     P = peripheral/v2
    cl = 2.99·(1 + 0.0154·(crcl − 66)),  v1 = 0.675·weight,  v2 = 0.732·weight,  q = 2.28

Thomson AH et al. J Antimicrob Chemother 2009;63:1050, doi:10.1093/jac/dkp085. The numbers were read in the public
implementation of PKPDsim, which cites it, not in the paper. Towards a creatinine clearance of 1 mL/min the line falls to
nothing: below 7.6 mL/min clearance is held at 0.3 L/h, which is ours.

Not for: children, renal replacement therapy, critical illness with augmented clearance beyond 150 mL/min.
"""

from __future__ import annotations

from typing import Any

from posology.patients.compartments import mammillary
from posology.patients.model import Covariate, Entry, Grid, PatientModel, Regimen, Residual
from posology.quantities import assumed, maximum, named, numbers_of, published, table

THOMSON = "Thomson 2009, as implemented in PKPDsim"
BOUNDS = {"cl": assumed(0.3, "L/h", "least typical clearance", at="the line falls to 0 at 1.1 mL/min; ours")}


@table
class Params:
    cl: float = published(2.99, "L/h", "clearance at a creatinine clearance of 66 mL/min", variance=0.0729, at=THOMSON)
    cl_renal: float = published(0.0154, "min/mL", "rise of cl per creatinine clearance, as a share", at=THOMSON)
    crcl_reference: float = published(66, "mL/min", "creatinine clearance at which cl is meant", at=THOMSON)
    v1: float = published(0.675, "L/kg", "central volume per body weight", variance=0.0225, at=THOMSON)
    q: float = published(2.28, "L/h", "clearance between the compartments", variance=0.2401, at=THOMSON)
    v2: float = published(0.732, "L/kg", "peripheral volume per body weight", variance=1.69, at=THOMSON)


LEAST = BOUNDS["cl"].value / numbers_of(Params)["cl"].value  # as a share of `cl`


@table
class Individual:
    cl: float = named("L/h", "clearance")
    v1: float = named("L", "central volume")
    q: float = named("L/h", "clearance between the compartments")
    v2: float = named("L", "peripheral volume")


@table
class State:
    central: float = named("mg", "vancomycin in the central compartment")
    peripheral: float = named("mg", "vancomycin in the peripheral compartment")


def renal(p: Any, crcl: Any) -> Any:
    """Clearance at a creatinine clearance, before random effects."""
    return p.cl * maximum(1 + p.cl_renal * (crcl - p.crcl_reference), LEAST)


def individual(p: Any, c: Any) -> Any:
    weight = c["weight"]
    return Individual(renal(p, c["crcl"]), p.v1 * weight, p.q, p.v2 * weight)


def baseline(p: Any) -> Any:
    return State(0 * p.v1, 0 * p.v2)  # no drug yet, in the shape and type of the parameters


def rates(t: Any, x: Any, p: Any, infusion: Any) -> Any:
    level = x.central / p.v1
    return State(*mammillary(infusion, level, p.cl, (p.q, x.peripheral / p.v2)))


def readings(x: Any, p: Any) -> dict[str, Any]:
    return {"concentration": x.central / p.v1}


CRCL = Covariate("crcl", "mL/min", 5, 150, "creatinine clearance by Cockcroft and Gault", default=66, source=THOMSON)
RESIDUAL = Residual(proportional=0.15, additive=1.6, source=THOMSON)

MODEL = PatientModel(
    id="vancomycin-thomson2009",
    title="Vancomycin in adults: serum concentration",
    Params=Params,
    Individual=Individual,
    State=State,
    individual=individual,
    baseline=baseline,
    rates=rates,
    readings=readings,
    reading_units={"concentration": "mg/L"},
    entries={"central": Entry("central", 1.0)},
    covariates=(Covariate("weight", "kg", 40, 160, "body weight", default=70, source=THOMSON), CRCL),
    residuals={"concentration": RESIDUAL},
    linear=("central", "peripheral"),
    grid=Grid(first=1.0, growth=1.3, largest=2.0),  # exact at any step; so fine for averages over the day
    solver="exact+rk4",
    regimen=Regimen(1000, 12, 6, 1, source="label, adults"),
    bounds=BOUNDS,
    credibility="A",
    source="doi:10.1093/jac/dkp085",
    not_for="children, renal replacement therapy, clearances beyond 150 mL/min",
)
