"""Diameters of one tumour lesion per patient over time: the table of Ghaffari Laleh 2022 (doi:10.1371/journal.pcbi.1009822).

A CSV with the columns `Pt_hashID`, `T_days` and `Lesion_diam`; the last two are lists in brackets, days (0 is the first dose) and
mm (0: the lesion was not seen any more). Further columns are left alone.
"""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

COLUMNS = ("Pt_hashID", "T_days", "Lesion_diam")


class Lesion(NamedTuple):
    """A patient (a hash, without the study behind the dash), days in order, and the diameter (mm) on each."""

    patient: str
    day: np.ndarray
    diameter: np.ndarray


def read_lesions(path: Path) -> list[Lesion]:
    """The lesions of a file.

    Raises:
        ValueError: naming row and column of what cannot be read.
    """
    with path.open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file)
        if missing := [c for c in COLUMNS if c not in (rows.fieldnames or ())]:
            raise ValueError(f"{path}, line 1: column {missing[0]} is missing; lesions need {', '.join(COLUMNS)}")
        found = [_lesion(row, f"{path}, row {i}") for i, row in enumerate(rows, 1)]
    if not found:
        raise ValueError(f"{path}: holds no lesion")
    return found


def _lesion(row: dict[str, str], where: str) -> Lesion:
    day, diameter = (_numbers(row[c], f"{where}, {c}") for c in COLUMNS[1:])
    if len(day) != len(diameter):
        raise ValueError(f"{where}: {len(day)} days in T_days, but {len(diameter)} diameters in Lesion_diam")
    if (diameter < 0).any() or (diameter > 1000).any():
        raise ValueError(f"{where}, Lesion_diam: a diameter lies outside 0 to 1000 mm")
    order = np.argsort(day, kind="stable")
    return Lesion(row["Pt_hashID"].split("-")[0], day[order], diameter[order])


def _numbers(text: str, where: str) -> np.ndarray:
    try:
        values = json.loads(text)
    except (json.JSONDecodeError, TypeError):
        values = None
    good = isinstance(values, list) and values and all(type(v) in (int, float) and math.isfinite(v) for v in values)
    if not good:
        raise ValueError(f"{where}: '{str(text)[:40]}' is no list of numbers, such as [0, 42, 84]")
    return np.array(values, float)
