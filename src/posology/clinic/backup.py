"""A backup: one file that any of the databases can be restored from.

Gzipped JSON lines: a header, every row as `{"table", "row"}`, and a last line with the rows and the SHA-256 of each
table, and of all lines before it. The file appears under its name when it is whole and on the disk, or not at all.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from posology.clinic import database, migrations, portable
from posology.clinic.columns import canonical
from posology.clinic.tables import metadata

FORMAT = "posology-backup-1"


def backup(engine: Engine, path: Path) -> list[dict[str, Any]]:
    """Write everything that a database holds into a new file; per table its rows and content hash.

    Raises:
        ValueError: when the file is there already or cannot be written.
    """
    migrations.needed(engine)
    if path.exists():
        raise ValueError(f"{path}: is there already; name a new file")
    partial = path.with_name(path.name + ".partial")
    try:
        # Patients' data: nobody but the owner may read the file.
        handle = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            with os.fdopen(handle, "wb") as raw:
                with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
                    digests = _written(engine, file)
                raw.flush()
                os.fsync(raw.fileno())
            os.rename(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise ValueError(f"{path}: cannot be written: {(error.strerror or str(error)).lower()}") from None
    return [{"table": name, **told} for name, told in digests.items()]


def _written(engine: Engine, file: gzip.GzipFile) -> dict[str, dict[str, Any]]:
    whole, digests = hashlib.sha256(), {}

    def line(value: dict[str, Any]) -> None:
        said = canonical(value).encode() + b"\n"
        whole.update(said)
        file.write(said)

    line({"format": FORMAT, "step": migrations.newest(), "made": datetime.now(UTC).isoformat()})
    with database.reading(engine) as connection:
        for table in portable.TABLES:
            digest = portable.Digest()
            for row in portable.stream(connection, table):
                line({"table": table.name, "row": digest.add(row)})
            digests[table.name] = digest.told()
    file.write(canonical({"tables": digests, "sha256": whole.hexdigest()}).encode() + b"\n")
    return digests


def restore(engine: Engine, path: Path) -> list[dict[str, Any]]:
    """Fill an empty database from a backup, after the whole file was checked; per table its rows and content hash.

    Raises:
        ValueError: when the file is damaged, cut off, no backup or of another version, or the database not empty.
    """
    end = _checked(path)
    migrations.upgrade(engine)
    with database.writing(engine) as connection:
        portable.emptied_head(connection, engine)
        rows = (value for value in _lines(path) if "table" in value)
        for name, group in groupby(rows, key=lambda value: value["table"]):
            portable.fill(connection, metadata.tables[name], (value["row"] for value in group))
        if portable.digests(connection) != end["tables"]:
            raise ValueError(f"{path}: a table came out with another content hash; nothing was restored")
    return [{"table": table.name, **end["tables"][table.name]} for table in portable.TABLES]


def _checked(path: Path) -> dict[str, Any]:
    """The last line of a backup, when the whole of the file is as it was written."""
    whole, end, number = hashlib.sha256(), None, 0
    for number, value in enumerate(_lines(path), 1):
        if number == 1:
            if not isinstance(value, dict) or value.get("format") != FORMAT:
                raise ValueError(f"{path}: is no backup of Posology")
            if value.get("step") != migrations.newest():
                raise ValueError(f"{path}: is of step {value.get('step')}, this version restores {migrations.newest()}")
        elif end is not None:
            raise ValueError(f"{path}, line {number}: goes on after its end")
        elif "sha256" in value:
            end = value
            continue
        whole.update(canonical(value).encode() + b"\n")
    if end is None:
        raise ValueError(f"{path}: is cut off after line {number}; nothing was restored")
    if set(end.get("tables", ())) != set(metadata.tables):
        raise ValueError(f"{path}: does not end with the tables of this version; nothing was restored")
    if end["sha256"] != whole.hexdigest():
        raise ValueError(f"{path}: is damaged: its content does not give its checksum; nothing was restored")
    return end


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with gzip.open(path, "rb") as file:
            for number, line in enumerate(file, 1):
                value = json.loads(line)
                if not isinstance(value, dict):
                    raise ValueError(f"{path}, line {number}: is no object")
                yield value
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, json.JSONDecodeError):
        raise ValueError(f"{path}: is damaged or cut off; nothing was restored") from None
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {(error.strerror or str(error)).lower()}") from None
