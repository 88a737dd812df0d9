"""Patients from files: the JSON record, long CSV, NONMEM data sets and FHIR R4 bundles.

    read(path)         one patient
    read_cohort(path)  all patients of a file
    parse(text, name)  all patients of a file's text
    write(records, path)

The kind of file is seen from its content; `KINDS` names those that `write` makes by the file's suffix.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from posology.data.readers import csv, fhir, json, nonmem
from posology.data.readers.csv import to_long_csv
from posology.data.readers.fhir import to_fhir
from posology.data.readers.json import to_json
from posology.data.readers.nonmem import NonmemUnits
from posology.data.readers.nonmem_write import to_nonmem, units_of
from posology.data.readers.text import load, save
from posology.data.record import Record


def read_cohort(path: str | Path, units: NonmemUnits | None = None, refused: list[str] | None = None) -> list[Record]:
    """All patients of a file; `units` are for NONMEM data. With a list `refused`, patients that cannot be read are named there
    and left out, as long as the file as a whole can be read.

    Raises:
        ValueError: one sentence with file, row and field.
    """
    where = str(path)
    try:
        return _parse(load(path), path, where, units, refused)
    except ValueError as error:
        if str(error).startswith(where):
            raise
        raise ValueError(f"{where}: {error}") from None


def parse(text: str, name: str) -> list[Record]:
    """All patients of a file's text, which came without a file; `name` is what messages call it.

    Raises:
        ValueError: one sentence with name, row and field.
    """
    if not text.strip("\ufeff \t\r\n"):
        raise ValueError(f"{name}: is empty")
    return _parse(text.removeprefix("\ufeff"), Path(Path(name).name), name, None, None)


def _parse(
    text: str, path: str | Path, where: str, units: NonmemUnits | None, refused: list[str] | None
) -> list[Record]:
    if text.lstrip()[0] in "{[":
        raw = json.load_json(text, where)
        bundle = isinstance(raw, dict) and "resourceType" in raw
        return fhir.records(raw, where, refused) if bundle else json.records(raw, where, refused)
    if Path(path).suffix.lower() == ".json":
        raise ValueError(f"{where}, line 1: is not valid JSON (must begin with an object)")
    header = next((line for line in text.splitlines() if line.strip() and not line.startswith("#")), None)
    if header is None:
        raise ValueError(f"{where}: holds comments alone, no header and no rows")
    columns = [c.strip().strip('"').lower() for c in header.split(",")]
    if "kind" in columns:
        return csv.records(text, where, refused)
    if "id" in columns and "time" in columns and {"amt", "dv", "evid"} & set(columns):
        return nonmem.records(text, where, units or _sidecar(path), refused)
    semicolons = "; separate columns by commas" if ";" in header else ""
    raise ValueError(
        f"{where}, line 1: columns are missing: a patient's CSV needs id, kind, value (long form)"
        f" or ID, TIME, AMT, DV (NONMEM){semicolons}"
    )


def _sidecar(path: str | Path) -> NonmemUnits | None:
    beside = sidecar_path(path)
    if not beside.exists():
        return None
    return nonmem.units_from(json.load_json(load(beside), str(beside)), str(beside))


def sidecar_path(path: str | Path) -> Path:
    """Where the units of a NONMEM file are looked for: `data.csv` → `data.csv.units.json`."""
    return Path(f"{path}.units.json")


def read(path: str | Path, units: NonmemUnits | None = None, patient: str | None = None) -> Record:
    """The patient of a file, or the one with id `patient` where it holds several.

    Raises:
        ValueError: one sentence with file, row and field.
    """
    found = read_cohort(path, units)
    if patient is not None:
        found = [record for record in found if record.id == patient]
        if not found:
            raise ValueError(f"{path}: holds no patient '{patient}'")
    if len(found) > 1:
        raise ValueError(f"{path}: holds {len(found)} patients; name one, such as '{found[0].id}'")
    return found[0]


def _fhir_text(records: list[Record]) -> str:
    if len(records) != 1:
        raise ValueError(f"a FHIR bundle holds one patient, got {len(records)}")
    return to_fhir(records[0])


def _json_text(records: list[Record]) -> str:
    texts = [to_json(record) for record in records]
    return texts[0] if len(texts) == 1 else "[\n" + ",\n".join(texts) + "]\n"


KINDS: dict[str, Callable[[list[Record]], str]] = {
    "json": _json_text,
    "csv": to_long_csv,
    "nonmem": to_nonmem,
    "fhir": _fhir_text,
}


def write(records: Record | Iterable[Record], path: str | Path, kind: str = "") -> None:
    """Write records as `kind` (see `KINDS`), by default what the suffix says: .json or .csv.

    NONMEM data get a `<path>.units.json` beside them, so that `read_cohort` needs no more.

    Raises:
        ValueError: for an unknown kind, or what that kind of file cannot hold.
    """
    written = [records] if isinstance(records, Record) else list(records)
    chosen = kind or Path(path).suffix.lower().removeprefix(".")
    if chosen not in KINDS:
        raise ValueError(f"{path}: '{chosen}' is not a kind of patient file; allowed: {', '.join(KINDS)}")
    save(KINDS[chosen](written), path)
    if chosen == "nonmem":
        save(units_of(written).model_dump_json(indent=2) + "\n", sidecar_path(path))


__all__ = [
    "KINDS", "NonmemUnits", "read", "read_cohort", "sidecar_path", "to_fhir", "to_json", "to_long_csv", "to_nonmem",
    "units_of", "write",
]  # fmt: skip
