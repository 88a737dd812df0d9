"""Units of drugs and laboratory values, read once at the border.

A unit is text in UCUM (https://ucum.org): atoms with a prefix and an exponent, joined by `.` and
`/`, powers of ten as `10*9`. `ucum` maps common spellings (`x10^9/L`, `G/L`, `years`, `µg`) to it and
`convert` goes between units of one dimension. Mass and substance meet only through a molar mass:
the caller's, or that of an analyte named here. UCUM is case-sensitive and so are we: `Mg` is not `mg`.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import lru_cache

Dimension = tuple[tuple[str, int], ...]

# Atom → (size in the base units g, mol, m, h, "U", "iU", ...; dimension). A litre is a length cubed.
_ATOMS: dict[str, tuple[float, Dimension]] = {
    "1": (1.0, ()),
    "%": (0.01, ()),
    "g": (1.0, (("g", 1),)),
    "mol": (1.0, (("mol", 1),)),
    "eq": (1.0, (("eq", 1),)),
    "m": (1.0, (("m", 1),)),
    "L": (1e-3, (("m", 3),)),
    "l": (1e-3, (("m", 3),)),
    "s": (1 / 3600, (("h", 1),)),
    "min": (1 / 60, (("h", 1),)),
    "h": (1.0, (("h", 1),)),
    "d": (24.0, (("h", 1),)),
    "wk": (168.0, (("h", 1),)),
    "mo": (730.5, (("h", 1),)),
    "a": (8766.0, (("h", 1),)),
    "U": (1.0, (("U", 1),)),
    "[iU]": (1.0, (("iU", 1),)),
    "m[Hg]": (1.0, (("m[Hg]", 1),)),
    "Cel": (1.0, (("Cel", 1),)),
    "[in_i]": (0.0254, (("m", 1),)),
    "[lb_av]": (453.59237, (("g", 1),)),
}
# Mega and giga are left out on purpose: nobody doses megagrams, but many type MG for mg.
_PREFIXES = {"f": 1e-15, "p": 1e-12, "n": 1e-9, "u": 1e-6, "m": 1e-3, "c": 1e-2, "d": 1e-1, "k": 1e3}
_PREFIXED = ("g", "mol", "eq", "m", "L", "l", "s", "U", "[iU]", "m[Hg]")

_WORDS = {
    "mcg": "ug", "kgs": "kg", "kilogram": "kg", "kilograms": "kg", "gram": "g", "grams": "g",
    "y": "a", "yr": "a", "yrs": "a", "year": "a", "years": "a", "month": "mo", "months": "mo",
    "week": "wk", "weeks": "wk", "wks": "wk", "day": "d", "days": "d", "hour": "h", "hours": "h",
    "hr": "h", "hrs": "h", "minute": "min", "minutes": "min", "mins": "min", "sec": "s", "seconds": "s",
    "liter": "L", "litre": "L", "liters": "L", "litres": "L", "IU": "[iU]", "iU": "[iU]", "[IU]": "[iU]", "mIU": "m[iU]",
    "percent": "%", "unitless": "1", "dimensionless": "1", "score": "1", "G": "10*9", "T": "10*12",
    "K": "10*3", "cells": "1", "mm3": "uL", "cmm": "uL", "cc": "mL", "mmHg": "mm[Hg]", "lb": "[lb_av]", "lbs": "[lb_av]",
    "inch": "[in_i]", "inches": "[in_i]", "mM": "mmol/L", "uM": "umol/L", "nM": "nmol/L", "degC": "Cel",
}  # fmt: skip
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_POWER = re.compile(r"^[x×*]?\s*10\s*(?:\^|\*\*|\*|[eE])\s*\(?(-?\d{1,2})\)?(?=$|[./])")
_RAISED = re.compile(r"([⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_TERM = re.compile(r"^(?P<atom>\[?[A-Za-z%_\[\]]+|1)(?P<exponent>-?[1-9])?$")
_TEN = re.compile(r"^10\*(-?\d{1,2})$")

# g/mol. Bilirubin C33H36N4O6: 1 mg/dL = 17.1 umol/L. Creatinine C4H7N3O: 1 mg/dL = 88.4 umol/L.
MOLAR_MASS: Mapping[str, float] = {"bilirubin": 584.66, "creatinine": 113.12, "glucose": 180.156}


@lru_cache(maxsize=4096)
def ucum(unit: str) -> str:
    """The UCUM code that a spelling means.

    Raises:
        ValueError: when the unit is empty or not known.
    """
    code = _spelling(unit)
    _parse(code, unit)
    return code


def _spelling(unit: str) -> str:
    text = unit.strip().replace("µ", "u").replace("μ", "u").replace("·", ".")
    text = re.sub(r"^\{[^{}]*\}", "1", text)  # UCUM: an annotation alone counts things
    text = re.sub(r"[./]?\{[^{}]*\}", "", text)
    text = _RAISED.sub(
        lambda m: ("^" if text[: m.start()].endswith("10") else "") + m[1].translate(_SUPERSCRIPTS), text
    )
    text = _POWER.sub(r"10*\1", text)
    text = re.sub(r"(?<=[A-Za-z])\^(?=-?\d)", "", text)
    terms = re.split(r"([./])", re.sub(r"\s*([./])\s*", r"\1", text))
    code = "".join(_WORDS.get(term, term) for term in terms)
    return "10*" + code[3:] if code.startswith("10^") else code


def _atom(text: str) -> tuple[float, Dimension] | None:
    if text in _ATOMS:
        return _ATOMS[text]
    rest = text[1:]
    if text[:1] in _PREFIXES and rest in _PREFIXED:
        size, dimension = _ATOMS[rest]
        return size * _PREFIXES[text[0]], dimension
    return None


@lru_cache(maxsize=4096)
def _parse(code: str, spelled: str) -> tuple[float, Dimension]:
    """Size in base units and dimension of a code; `spelled` is what the user wrote."""
    size, powers, sign = 1.0, dict[str, int](), 1
    if not code:
        raise ValueError("the unit is missing")
    if len(spelled) > 40:
        raise ValueError(f"unit '{spelled[:40]}…' is longer than any unit")
    for token in re.split(r"([./])", code if not code.startswith("/") else "1" + code):
        if token in (".", "/"):
            sign = -1 if token == "/" else 1
            continue
        ten, term = _TEN.match(token), _TERM.match(token)
        if ten:
            size *= 10.0 ** (sign * int(ten[1]))
            continue
        found = _atom(term["atom"]) if term else None
        if term is None or found is None:
            hint = _hint(spelled)
            raise ValueError(f"unit '{spelled}' is not known{hint}; use UCUM, such as mg, mg/L, umol/L, 10*9/L, kg, h")
        exponent = sign * int(term["exponent"] or 1)
        size *= found[0] ** exponent
        for base, power in found[1]:
            powers[base] = powers.get(base, 0) + power * exponent
    if not 1e-200 < size < 1e200:
        raise ValueError(f"unit '{spelled}' is too large or too small to compute with")
    return size, tuple(sorted((base, power) for base, power in powers.items() if power))


def _hint(spelled: str) -> str:
    for guess in (spelled.lower(), spelled.lower().replace("l", "L")):
        if guess != spelled and _WORDS.get(guess, guess) in ("mg", "kg", "ug", "g", "h", "d", "mL", "mg/L", "cm", "a"):
            return f" (upper and lower case differ: did you mean {guess}?)"
    return ""


def dimension(unit: str) -> Dimension:
    """Base dimensions of a unit with their powers, `()` for a pure number."""
    return _parse(ucum(unit), unit)[1]


def factor(from_unit: str, to_unit: str, name: str = "", molar_mass: float | None = None) -> float:
    """How many `to_unit` one `from_unit` makes; see `convert`."""
    source, target = ucum(from_unit), ucum(to_unit)
    if source == target:
        return 1.0
    (size, have), (unit_size, want) = _parse(source, from_unit), _parse(target, to_unit)
    if have == want:
        return _tidy(size / unit_size)
    about = f" of {name}" if name else ""
    swap = _substance(have, want)
    if swap is None:
        raise ValueError(
            f"a value{about} in '{from_unit}' cannot be converted to '{to_unit}': they measure different things"
        )
    mass = molar_mass or MOLAR_MASS.get(name)
    if mass is None:
        raise ValueError(f"a value{about} in '{from_unit}' cannot be converted to '{to_unit}' without a molar mass")
    return size / unit_size * mass**swap


def _tidy(ratio: float) -> float:
    # Ratios of decimal units are powers of ten; rounding to them keeps 1 g/L = 0.1 g/dL exact.
    power = round(math.log10(ratio))
    exact = float(f"1e{power}")
    return exact if math.isclose(ratio, exact, rel_tol=1e-12) else ratio


def _substance(have: Dimension, want: Dimension) -> int | None:
    """+1 when mol become g, -1 when g become mol, None when the rest of the dimension differs."""
    a, b = dict(have), dict(want)
    rest = {k: v for k, v in a.items() if k not in ("g", "mol")} == {
        k: v for k, v in b.items() if k not in ("g", "mol")
    }
    if not rest or a.get("g", 0) + a.get("mol", 0) != b.get("g", 0) + b.get("mol", 0):
        return None
    moved = b.get("g", 0) - a.get("g", 0)
    return moved if moved in (1, -1) else None


def convert(value: float, from_unit: str, to_unit: str, name: str = "", molar_mass: float | None = None) -> float:
    """The value in another unit of the same dimension.

    Mass becomes substance, and back, by `molar_mass` in g/mol or by that of the analyte `name`
    (see `MOLAR_MASS`).

    Raises:
        ValueError: naming both units, when one is unknown or they measure different things.
    """
    return value * factor(from_unit, to_unit, name, molar_mass)
