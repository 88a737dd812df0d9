"""PSA of men under intermittent androgen deprivation: the files of the trials of Bruchovsky and Shaw.

One text file per man without a header and with ten columns: number, date, doses of cyproterone and leuprolide, PSA (ug/L),
testosterone, cycle, on treatment (1) or off (0), day, day of another count. A folder is searched for `patient*.txt`; a
`relapse_classification.csv` (trial, patient, class) in it says who relapsed.
"""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

COLUMNS, PSA, ON, DAY = 10, 4, 7, 8
CLASSES = "relapse_classification.csv"


class Man(NamedTuple):
    """One man: days since the first row, PSA (ug/L, NaN where not measured), on treatment from each row to the next, and
    whether he relapsed (None: not said)."""

    id: str
    day: np.ndarray
    psa: np.ndarray
    on: np.ndarray
    relapsed: bool | None

    @property
    def unknown(self) -> str:
        """What of his treatment is not understood, as a sentence; empty where all is."""
        codes = sorted({f"{v:g}" for v in self.on if v not in (0, 1)})
        return f"{self.id}: treatment {', '.join(codes)} is neither on (1) nor off (0)" if codes else ""

    @property
    def cycle(self) -> np.ndarray:
        """The cycle of each row, from 0: one begins when treatment begins again."""
        return np.cumsum(np.concatenate([[0], (np.diff(self.on) > 0).astype(int)]))


def read_men(path: Path) -> list[Man]:
    """The men of a folder, or the one of a file.

    Raises:
        ValueError: naming file, row and column of what cannot be read.
    """
    if path.is_file():
        return [_man(path, None)]
    known = _classes(path / CLASSES)
    files = sorted(path.rglob("patient*.txt"))
    if not files:
        raise ValueError(f"{path}: holds no file patient*.txt")
    return [_man(f, known.get((f.parent.name, f.stem.removeprefix("patient").lstrip("0")))) for f in files]


def _classes(path: Path) -> dict[tuple[str, str], bool]:
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {(r["trial"], r["patient"].lstrip("0")): r["class"] == "relapse" for r in csv.DictReader(file)}


def _man(path: Path, relapsed: bool | None) -> Man:
    rows = []
    for i, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        cells = line.split(",")
        if len(cells) != COLUMNS:
            raise ValueError(f"{path}, row {i}: has {len(cells)} columns, not {COLUMNS}")
        rows.append([_number(cells[c], f"{path}, row {i}, column {c + 1}", empty=c == PSA) for c in (DAY, PSA, ON)])
    if not rows:
        raise ValueError(f"{path}: holds no row")
    day, psa, on = np.array(sorted(rows, key=lambda row: row[0])).T
    if (psa < 0).any():
        raise ValueError(f"{path}, column {PSA + 1}: PSA below 0 is not possible")
    return Man(f"{path.parent.name}/{path.stem}", day - day[0], psa, on, relapsed)


def _number(text: str, where: str, empty: bool) -> float:
    if not text.strip() and empty:
        return math.nan
    try:
        value = float(text)
    except ValueError:
        value = math.inf
    if not math.isfinite(value):
        raise ValueError(f"{where}: '{text[:20]}' is no number")
    return value
