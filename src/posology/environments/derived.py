"""Covariates that a record holds only by way of others: body surface, sex, creatinine clearance, what a gene leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from posology.data.record import Record, bsa_at
from posology.safety.alleles import phenotype_of

Look = Callable[[Record, str, str, float], list[Any]]  # all values of a covariate up to a time
ADULT = 18.0  # years: Cockcroft and Gault's patients were men of 18 and more
FULL_SCORE = 2.0  # activity score of DPYD with two alleles of full function


class Found(NamedTuple):
    """A value in `unit`, the hour of the record it is known since (None: no date), and how it was found."""

    value: float
    unit: str
    time: float | None
    source: str


def derived(record: Record, name: str, unit: str, at: float, look: Look) -> list[Found]:
    """A covariate that is not recorded itself, where others tell it.

    Raises:
        ValueError: for a code of sex or a genotype that is not understood.
    """
    if name == "bsa" and {"height", "weight"} <= set(record.covariates):
        area, age, how = bsa_at(record, at)
        return [Found(area, unit, None if age == 0 else at - age, how)]
    if name in ("male", "female"):
        return _sex(record, name)
    if name == "crcl":
        return _clearance(record, at, look)
    return _activity(record) if name == "dpyd" else []


def _sex(record: Record, wanted: str) -> list[Found]:
    """Male or female as 1 or 0, from the other one, or from `sex` in the codes of ISO/IEC 5218."""
    other = "female" if wanted == "male" else "male"
    if other in record.covariates:
        return [Found(1 - record.covariates[other][-1].value, "1", None, f"from {other}")]
    if "sex" not in record.covariates:
        return []
    code = record.covariates["sex"][-1].value
    if code not in (1, 2):
        raise ValueError(
            f"record '{record.id}', covariate sex: {code:g} says neither male (1) nor female (2) in the codes of"
            " ISO/IEC 5218; give male as 1 or 0"
        )
    return [Found(float((code == 1) == (wanted == "male")), "1", None, "from sex: 1 male, 2 female (ISO/IEC 5218)")]


def cockcroft_gault(age: float, weight: float, creatinine: float, male: bool) -> float:
    """Creatinine clearance (mL/min) from age (years), weight (kg) and creatinine in serum (umol/L).

    (140 − age)·weight / (72·creatinine in mg/dL), times 0.85 in women; 1 mg/dL is 88.4 umol/L. Cockcroft and Gault 1976, Nephron
    16:31; from knowledge, unverified.
    """
    return max(140.0 - age, 0.0) * weight / (72.0 * creatinine / 88.4) * (1.0 if male else 0.85)


def _clearance(record: Record, at: float, look: Look) -> list[Found]:
    units = {"age": "a", "weight": "kg", "creatinine": "umol/L", "male": "1"}
    found = {name: values for name, unit in units.items() if (values := look(record, name, unit, at))}
    if len(found) < len(units):
        return []
    age, weight, creatinine, male = (max(v, key=lambda x: -1e18 if x.time is None else x.time) for v in found.values())
    if age.value < ADULT or not creatinine.value > 0:
        return []
    clearance = cockcroft_gault(age.value, weight.value, creatinine.value, male.value >= 0.5)
    return [Found(clearance, "mL/min", creatinine.time, "Cockcroft and Gault's formula, from creatinine, age, weight and sex")]


def _activity(record: Record) -> list[Found]:
    """What variants of DPYD leave of the clearance, in proportion to the activity score: an assumption of the model."""
    texts = [text for gene, text in record.genotypes.items() if gene.strip().upper() == "DPYD"]
    score = phenotype_of("DPYD", texts[0]) if texts else None
    if score is None:
        return []
    return [Found(float(score) / FULL_SCORE, "1", None, f"half of the activity score of DPYD, {score}: an assumption")]
