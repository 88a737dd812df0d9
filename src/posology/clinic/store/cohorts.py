"""Cohorts: files of patients as they were uploaded, with the report on their quality.

A file lies in the data folder under the cohort's random key, by a name of ours: what the uploader calls it is shown, never used
as a path. It is written to `<key>.partial` and renamed once. What stands in the table is what those may see who see no patient:
names that are no known terms and quoted values are left out of the report there.
"""

from __future__ import annotations

import hashlib
import secrets
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, RowMapping, insert, select, update

from posology.clinic import audit
from posology.clinic.columns import NAME
from posology.clinic.database import reading
from posology.clinic.errors import NotFound
from posology.clinic.store.rows import fitting
from posology.clinic.tables import cohorts
from posology.clinic.terms import known
from posology.data import anonymity, quality
from posology.data.deidentify import deidentify
from posology.data.readers import nonmem as nonmem_data
from posology.data.readers import read_cohort, sidecar_path
from posology.data.readers.json import load_json
from posology.data.record import Record
from posology.policies.storage import write_file

JSON, TABLE = "cohort.json", "cohort.csv"


def add(
    engine: Engine, data: Path, name: str, file: str, content: bytes, actor: str, units: bytes | None = None
) -> tuple[str, dict[str, Any]]:
    """Keep a file of patients; its key, and the report with all it says, for the uploader alone.

    Args:
        data: the clinic's folder. file: what the uploader calls the file. units: of a NONMEM file, as JSON.

    Raises:
        ValueError: for a file that is too large, or of which no patient can be read.
    """
    title, shown = _text("name", name), _text("file", file.replace("\\", "/").rsplit("/", 1)[-1])
    if len(content) > quality.LARGEST:
        raise ValueError(f"{shown}: is larger than {quality.LARGEST // 1_000_000} MB; split it")
    made = secrets.token_hex(16)
    partial = data / "cohorts" / f"{made}.partial"
    partial.mkdir(parents=True)
    try:
        full, told = _kept(partial, shown, content, units)
        partial.rename(folder(data, made))
        row = {"id": made, "name": title, "file": shown, "rows": told["rows"], "patients": told["patients"]}
        row |= {"sha256": hashlib.sha256(content).hexdigest(), "quality": told, "at": datetime.now(UTC), "actor": actor}
        with audit.writing(engine, actor) as writer:
            writer.connection.execute(insert(cohorts).values(**fitting(cohorts, row)))
            writer.note("cohort added", f"cohort/{made}", {"sha256": row["sha256"], "patients": told["patients"]})
    except BaseException:
        for place in (partial, folder(data, made)):
            shutil.rmtree(place, ignore_errors=True)
        raise
    return made, full


def _kept(place: Path, shown: str, content: bytes, units: bytes | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Write the files; the report as the uploader sees it, and as all others do."""
    path = place / (JSON if content.removeprefix(b"\xef\xbb\xbf").lstrip()[:1] in (b"{", b"[") else TABLE)
    write_file(path, content)
    try:
        if units is not None:
            nonmem_data.units_from(load_json(units.decode(), "units"), "units")
            write_file(sidecar_path(path), units)
        full = quality.quality(path)
        return full, quality.masked(full, known())
    except UnicodeDecodeError:
        raise ValueError("units: is not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"{shown}: {str(error).removeprefix(str(path)).lstrip(', :')}") from None


def folder(data: Path, cohort: str) -> Path:
    """Where the files of a cohort lie."""
    return data / "cohorts" / cohort


def list_cohorts(engine: Engine, removed: bool = False) -> list[dict[str, Any]]:
    """The newest first, without their reports; those that were removed only when asked for."""
    shown = [c for c in cohorts.columns if c.name != "quality"]
    asked = select(*shown).order_by(cohorts.c.at.desc(), cohorts.c.id)
    with reading(engine) as connection:
        found = connection.execute(asked if removed else asked.where(cohorts.c.removed.is_(None)))
        return [dict(row) for row in found.mappings()]


def cohort(engine: Engine, key: str) -> dict[str, Any]:
    """Everything in the table of one cohort.

    Raises:
        NotFound: for an unknown or removed one.
    """
    with reading(engine) as connection:
        return dict(_row(connection, key))


def records(engine: Engine, data: Path, key: str) -> list[Record]:
    """The patients of a cohort that can be read.

    Raises:
        NotFound: for an unknown or removed one.
        ValueError: when its file is gone or was altered.
    """
    row = cohort(engine, key)
    place = folder(data, row["id"])
    path = next((place / name for name in (JSON, TABLE) if (place / name).is_file()), None)
    if path is None:
        raise ValueError(f"cohort '{row['name']}': its file is gone from the data folder")
    if hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
        raise ValueError(f"cohort '{row['name']}': its file is not the one that was uploaded")
    return read_cohort(path, refused=[])


def export(
    engine: Engine, data: Path, key: str, actor: str, k: int = anonymity.K, dates: str = "intervals"
) -> tuple[list[Record], dict[str, Any]]:
    """The patients of a cohort without identities, and the report; as `posology cohort deidentify` makes them.

    Raises:
        NotFound: for an unknown or removed one.
        ValueError: for an unknown way with dates, or k below 1.
    """
    kept, report = deidentify(records(engine, data, key), known(), k, dates)
    with audit.writing(engine, actor) as writer:
        said = {"k": k, "dates": dates, "released": report["released"]}
        writer.note("cohort exported without identities", f"cohort/{key}", said)
    return kept, report


def remove(engine: Engine, data: Path, key: str, actor: str) -> None:
    """Delete the file of a cohort; its row stays, without its report.

    Raises:
        NotFound: for an unknown or removed one.
    """
    with audit.writing(engine, actor) as writer:
        row = _row(writer.connection, key)
        shutil.rmtree(folder(data, row["id"]), ignore_errors=True)
        gone = {"removed": datetime.now(UTC), "quality": {}}
        writer.connection.execute(update(cohorts).where(cohorts.c.id == row["id"]).values(**gone))
        writer.note("cohort removed", f"cohort/{row['id']}")


def _row(connection: Any, key: str) -> RowMapping:
    asked = select(cohorts).where(cohorts.c.id == key, cohorts.c.removed.is_(None))
    row = connection.execute(asked).mappings().one_or_none()
    if row is None:
        raise NotFound("cohort: there is none with this key; it may have been removed")
    return row


def _text(field: str, given: str) -> str:
    text = "".join(c for c in given if c.isprintable()).strip()
    if not text or len(text) > NAME:
        raise ValueError(f"{field}: must be text of 1 to {NAME} characters")
    return text
