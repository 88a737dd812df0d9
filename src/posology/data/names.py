"""Names that several formats share: covariates and readings, their possible ranges, routes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from posology.data.units import convert, dimension


class Range(NamedTuple):
    """Values outside `low`…`high` (in `unit`) are slips of unit or typing, not patients."""

    unit: str
    low: float
    high: float


# Wide on purpose: from the smallest surviving neonate to the largest adult; labs far beyond any report.
POSSIBLE: Mapping[str, Range] = {
    "weight": Range("kg", 0.2, 700),
    "height": Range("cm", 15, 280),
    "bsa": Range("m2", 0.05, 4.5),
    "age": Range("a", 0, 130),
    "male": Range("1", 0, 1),
    "female": Range("1", 0, 1),
    "sex": Range("1", 0, 9),
    "anc": Range("10*9/L", 0, 1000),
    "baseline_anc": Range("10*9/L", 0, 1000),
    "bilirubin": Range("umol/L", 0, 2000),
    "creatinine": Range("umol/L", 0, 10000),
    "albumin": Range("g/L", 0, 150),
    "aag": Range("g/L", 0, 50),
}

_ALIASES = {
    "wt": "weight", "wgt": "weight", "body_weight": "weight", "bodyweight": "weight",
    "ht": "height", "hgt": "height", "body_height": "height",
    "body_surface_area": "bsa", "neutrophils": "anc", "absolute_neutrophil_count": "anc",
    "total_bilirubin": "bilirubin", "serum_creatinine": "creatinine", "serum_albumin": "albumin",
    "alpha_1_acid_glycoprotein": "aag", "alpha1_acid_glycoprotein": "aag", "orosomucoid": "aag",
    "alb": "albumin", "bili": "bilirubin", "crea": "creatinine", "scr": "creatinine",
    "neut": "anc", "neutrophil_count": "anc", "baseline_neutrophils": "baseline_anc", "anc_baseline": "baseline_anc",
    "is_male": "male", "is_female": "female", "gender": "sex", "apgr": "apgar", "conc": "concentration",
}  # fmt: skip

# Other names of drugs, words apart from brands of combinations. A salt is another drug: its mass differs.
DRUGS: Mapping[str, tuple[str, ...]] = {
    "paclitaxel": ("taxol",),
    "nab-paclitaxel": ("abraxane", "albumin bound paclitaxel", "paclitaxel protein bound", "paclitaxel albumin bound"),
    "docetaxel": ("taxotere",),
    "phenobarbital": ("phenobarbitone",),
}

# What may be below zero; everything else that is measured may not.
SIGNED = ("base_excess", "temperature", "z_score", "log_viral_load")

ROUTES: Mapping[str, tuple[str, ...]] = {
    "iv": ("intravenous", "i.v.", "infusion"),
    "oral": ("po", "p.o.", "by mouth"),
    "sc": ("subcutaneous", "s.c.", "subq"),
    "im": ("intramuscular", "i.m."),
    "rectal": ("per rectum",),
    "inhaled": ("inhalation", "respiratory tract"),
    "intrathecal": (),
    "intraperitoneal": (),
    "topical": ("cutaneous",),
    "transdermal": (),
}


def canonical(name: str) -> str:
    """The name under which a covariate or reading is kept: lower case, words joined by `_`."""
    if not isinstance(name, str):
        raise ValueError("a name must be text")
    key = re.sub(r"[^0-9a-z]+", "_", name.strip().lower()).strip("_")
    if not key:
        raise ValueError(f"'{name}' is not a name; use letters and digits")
    return _ALIASES.get(key, key)


def check_possible(name: str, value: float, unit: str) -> None:
    """Refuse a value that no patient has.

    Raises:
        ValueError: saying the value, its unit and what is possible.
    """
    limits = POSSIBLE.get(name)
    if limits is None:
        if value < 0 and name not in SIGNED:
            raise ValueError(
                f"{name} must not be negative, got {value:g} {unit};"
                " a value below its limit of quantification is that limit, marked as below"
            )
        return
    within = convert(value, unit, limits.unit, name)
    slack = 1e-9 * limits.high
    if not limits.low - slack <= within <= limits.high + slack:
        raise ValueError(
            f"{name} {value:g} {unit} is not possible; allowed {limits.low:g} to {limits.high:g} {limits.unit}"
        )


def is_drug(text: str, drug: str) -> bool:
    """Whether the name of a drug in a record means `drug`; an empty one does.

    Raises:
        ValueError: when the text contains the drug's name and more, such as a salt or a product.
    """
    said, wanted = _words(text), _words(drug)
    for name, others in DRUGS.items():
        if said in (_words(name), *others):
            return name == drug
    if said in ("", wanted):
        return True
    if f" {wanted} " in f" {said} ":
        raise ValueError(f"drug '{text}' may or may not be {drug}; write {drug}, or the other drug's own name")
    return False


def _words(text: str) -> str:
    return re.sub(r"[^0-9a-z]+", " ", text.lower()).strip()


def dose_unit(unit: str) -> str:
    """The unit, if a dose can be given in it: mass, substance or units of activity, also per m2 or kg.

    Raises:
        ValueError: for anything else; a volume says nothing without a concentration.
    """
    bases = dict(dimension(unit))
    area = bases.pop("m", 0)
    mass = bases.pop("g", 0)
    other = [power for base, power in bases.items() if base in ("mol", "eq", "U", "iU")]
    amounts: tuple[tuple[int, list[int]], ...] = (
        (1, []),
        (0, []),
        (-1, []),
        (0, [1]),
        (-1, [1]),
    )  # mg, mg/kg, cells/kg, umol, umol/kg
    known = len(other) == len(bases) and area in (0, -2) and unit != "%"
    if not known or (mass, other) not in amounts:
        raise ValueError(
            f"'{unit}' is not a unit of dose; use mass, substance or international units, such as mg or mg/m2"
        )
    return unit


def route_name(route: str) -> str:
    """The short name of a route; empty stays empty.

    Raises:
        ValueError: for a route that is not known.
    """
    text = re.sub(r"\s+(route|use)?\s*$", "", route.strip().lower() + " ")
    for name, others in ROUTES.items():
        if text == name or text in others or (text.startswith(others) and others):
            return name
    if not text:
        return ""
    raise ValueError(f"route '{route.strip()}' is not known; allowed: {', '.join(ROUTES)}")
