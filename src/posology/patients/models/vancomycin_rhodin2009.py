"""Vancomycin in children from 5 weeks to 12 years: the adults of Thomson 2009, scaled by size and maturation.

    cl = renal(crcl)·(weight/70)^0.75·F,  q = 2.28·(weight/70)^0.75,  v1 = 0.675·weight,  v2 = 0.732·weight
    F  = PMA^3.40/(PMA^3.40 + 47.7^3.40),  PMA = 52·age + 40 weeks

`renal` is the line of the adults. `crcl` is the creatinine clearance that these kidneys would have at 70 kg and full
maturity, mL/min: what a clinic standardises to body surface says nearly that. Maturation of the glomerular filtration: Rhodin
2009, doi:10.1007/s00467-008-0997-5; sizes: `patients/maturation.py`. No child was fitted: this is what theory
expects of the adults' model, made to try how far a policy for adults carries. Variability and residual error are the adults'.

Not for: dosing of any child, preterm or newborn infants, kidney disease in childhood.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from posology.patients.maturation import allometry, maturation
from posology.patients.model import Covariate, Regimen
from posology.patients.models import vancomycin_thomson2009 as adults
from posology.quantities import assumed, published, table, unverified

THEORY = "allometric theory: Anderson and Holford 2008"
RHODIN = "Rhodin 2009"


@table
class Params:
    cl: float = published(2.99, "L/h", "clearance at 66 mL/min, 70 kg, mature", variance=0.0729, at=adults.THOMSON)
    cl_renal: float = published(0.0154, "min/mL", "rise of cl per creatinine clearance, as a share", at=adults.THOMSON)
    crcl_reference: float = published(66, "mL/min", "creatinine clearance at which cl is meant", at=adults.THOMSON)
    v1: float = published(0.675, "L/kg", "central volume per body weight", variance=0.0225, at=adults.THOMSON)
    q: float = published(2.28, "L/h", "clearance between the compartments at 70 kg", variance=0.2401, at=adults.THOMSON)
    v2: float = published(0.732, "L/kg", "peripheral volume per body weight", variance=1.69, at=adults.THOMSON)
    standard_weight: float = unverified(70, "kg", "weight at which clearances are meant", at=THEORY)
    clearance_exponent: float = unverified(0.75, "1", "exponent of weight in clearances", at=THEORY)
    tm50: float = unverified(47.7, "week", "postmenstrual age at half of the mature filtration", at=RHODIN)
    hill: float = unverified(3.40, "1", "steepness of maturation", at=RHODIN)
    term: float = assumed(40, "week", "postmenstrual age at birth", at="birth at term")
    weeks: float = assumed(52, "week/year", "weeks of a year", at="by convention")


def individual(p: Any, c: Any) -> Any:
    weight = c["weight"]
    size = allometry(weight, p.standard_weight, p.clearance_exponent)
    mature = maturation(p.weeks * c["age"] + p.term, p.tm50, p.hill)
    return adults.Individual(adults.renal(p, c["crcl"]) * size * mature, p.v1 * weight, p.q * size, p.v2 * weight)


MODEL = replace(
    adults.MODEL,
    id="vancomycin-rhodin2009",
    title="Vancomycin in children, scaled from adults: serum concentration",
    Params=Params,
    individual=individual,
    covariates=(
        Covariate("age", "year", 0.1, 12, "age since birth at term", default=6),
        Covariate("weight", "kg", 2, 80, "body weight", default=20),
        replace(adults.CRCL, meaning="creatinine clearance standardised to 70 kg and full maturity"),
    ),
    regimen=Regimen(15, 12, 6, 1, "weight", "an adult's dose per kg"),
    credibility="B",
    source="doi:10.1007/s00467-008-0997-5; kinetics of adults doi:10.1093/jac/dkp085",
    not_for="dosing of any child, preterm or newborn infants, kidney disease in childhood",
)
