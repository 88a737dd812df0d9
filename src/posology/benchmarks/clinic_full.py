"""The clinic when the disk under its SQLite file is full."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from posology.benchmarks import clinic_process, servers
from posology.benchmarks.clinic_client import finished
from posology.benchmarks.clinic_faults import ledgers_of, statuses
from posology.benchmarks.clinic_ledger import faults, problem
from posology.benchmarks.clinic_load import audited
from posology.benchmarks.clinic_process import Clinic


def disk_full(mib: int = 8, writes: int = 40) -> dict[str, Any]:
    """Fill the disk under a SQLite file: what is answered, what is there afterwards, and whether writing goes on.

    Raises:
        PermissionError: where this process may not mount a small file system in memory.
    """
    with small_disk(mib) as disk, clinic_process.running(f"sqlite:///{disk / 'posology.db'}") as clinic:
        clinic.start()
        return {"database": "sqlite", **finished(_full(clinic, disk, writes))}


async def _full(clinic: Clinic, disk: Path, writes: int) -> dict[str, Any]:
    [ledger] = await ledgers_of(clinic.port, 1, "FULL")
    client, reads = ledger.user.client, ("/api/patients", f"/api/patients/{ledger.user.key}", "/patients", "/health")
    for path in reads:
        await client.ask("GET", path)  # a record that was looked at needs no new entry of the trail
    fill(disk / "filler")
    refused: list[dict[str, Any]] = []
    for i in range(1000):
        answer = await (ledger.enter if i % 2 else ledger.edit)()
        refused += [problem(answer)] if answer.status >= 400 else []
        if len(refused) >= writes:
            break
    read = Counter([(await client.ask("GET", path)).status for path in reads])
    wrong, whole = faults(clinic.url, [ledger]), integrity(clinic.url)
    (disk / "filler").unlink()
    after = Counter([(await (ledger.enter if i % 2 else ledger.edit)()).status for i in range(10)])
    good = audited(clinic)["ok"]
    plain = all(s["status"] == 503 and s["again"] and "no space left" in s["sentence"] for s in refused)
    return {
        "refused": len(refused), "statuses": statuses(refused), "sentences": sorted({s["sentence"] for s in refused})[:5],
        "reads": {str(k): v for k, v in read.items()}, "writes_afterwards": {str(k): v for k, v in after.items()}, **wrong,
        "integrity": whole, "audit_ok": good,
        "met": bool(refused) and plain and set(read) == {200} and set(after) <= {200, 201} and not any(wrong.values())
        and whole == "ok" and good,
    }  # fmt: skip


def fill(path: Path) -> None:
    """Write a file until nothing more fits."""
    with suppress(OSError), path.open("wb", buffering=0) as out:
        while True:
            out.write(bytes(4096))


def integrity(url: str) -> str:
    """What SQLite says of its own file: 'ok' when it is whole."""
    with servers.connected(url).connect() as connection:
        return str(connection.execute(sa.text("PRAGMA integrity_check")).scalar_one())


@contextmanager
def small_disk(mib: int) -> Iterator[Path]:
    """A file system of that size in memory.

    Raises:
        PermissionError: where this process may not mount one.
    """
    folder = Path(tempfile.mkdtemp(prefix="posology-"))
    mount = shutil.which("mount")
    command = [mount or "mount", "-t", "tmpfs", "-o", f"size={mib}m", "posology", str(folder)]
    if mount is None or os.getuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        folder.rmdir()
        raise PermissionError("a small disk cannot be mounted here; run as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=False)
        with suppress(OSError):
            folder.rmdir()
