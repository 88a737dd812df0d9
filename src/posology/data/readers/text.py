"""Files as text, with every failure as one sentence."""

from __future__ import annotations

import csv
import io
from pathlib import Path

LARGEST = 64 * 2**20  # bytes; one patient needs far less, and a service must not be filled by one upload


def load(path: str | Path) -> str:
    """The text of a file.

    Raises:
        ValueError: when it cannot be read, is empty, too large, or not UTF-8.
    """
    try:
        with open(path, "rb") as file:
            raw = file.read(LARGEST + 1)  # a device may have no end
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
    if len(raw) > LARGEST:
        raise ValueError(f"{path}: is larger than {LARGEST // 2**20} MiB")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise ValueError(f"{path}, line {line}: is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    if not text.strip():
        raise ValueError(f"{path}: is empty")
    return text


def save(text: str, path: str | Path) -> None:
    """Write text to a file.

    Raises:
        ValueError: when it cannot be written.
    """
    try:
        Path(path).write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None


Row = tuple[int, dict[str, str]]


def rows(text: str, where: str, upper: bool = False) -> tuple[list[str], list[Row]]:
    """Column names of a CSV and its rows with their line, cells stripped, blank lines left out.

    Names are compared without case: lower case, or upper case for NONMEM.

    Raises:
        ValueError: for no rows, a column twice or without a name, or a row of another length.
    """
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    columns: list[str] = []
    found: list[Row] = []
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if not any(cells) or (cells[0].startswith("#") and not columns):
                continue
            if not columns:
                columns = _columns([c.upper() if upper else c.lower() for c in cells], where)
                continue
            if len(cells) != len(columns):
                raise ValueError(
                    f"{where}, line {reader.line_num}: has {len(cells)} cells where the header has {len(columns)}"
                )
            found.append((reader.line_num, dict(zip(columns, cells, strict=True))))
    except csv.Error as error:
        raise ValueError(f"{where}, line {reader.line_num}: is not readable CSV ({error})") from None
    if not found:
        raise ValueError(f"{where}: has no rows below its header")
    return columns, found


def _columns(columns: list[str], where: str) -> list[str]:
    for number, column in enumerate(columns):
        if not column:
            raise ValueError(f"{where}, line 1: column {number + 1} has no name")
        if column in columns[:number]:
            raise ValueError(f"{where}, line 1: column {column} is there twice")
    return columns


def number(cell: str, where: str, line: int, field: str) -> float:
    """A finite number from a cell.

    Raises:
        ValueError: naming file, line and field.
    """
    try:
        # float() also reads "1_000", "nan" and "infinity", which no laboratory writes.
        value = float(cell) if cell.isascii() and "_" not in cell else float("nan")
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e300:
        raise ValueError(f"{where}, line {line}, field {field}: must be a finite number, got '{cell:.40}'")
    return value


def whole(cell: str, where: str, line: int, field: str) -> int:
    """A whole number from a cell.

    Raises:
        ValueError: naming file, line and field.
    """
    value = number(cell, where, line, field)
    if value != int(value):
        raise ValueError(f"{where}, line {line}, field {field}: must be a whole number, got '{cell:.40}'")
    return int(value)
