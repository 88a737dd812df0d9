"""The clinic's processes killed while clients write.

What was acknowledged must be there afterwards, whole, and the audit trail must hold. Everything is looked at from outside: over
HTTP, in the tables, and by `posology audit verify`.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from posology.benchmarks import clinic_process
from posology.benchmarks.clinic_client import Answer, Client, finished
from posology.benchmarks.clinic_ledger import Ledger, acknowledged, arrived, faults
from posology.benchmarks.clinic_load import KINDS, audited, prepared
from posology.benchmarks.clinic_mix import User
from posology.benchmarks.clinic_process import PASSWORD, ROLES, Clinic
from posology.benchmarks.servers import SERVERS
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

WRITING = (0.03, 0.4)
"""Seconds of writing after the first answer and before a kill, at random between these."""
Write = Callable[[Ledger], Awaitable[Answer]]
Told = Callable[[str], None]


def quiet(text: str) -> None:
    """Say nothing."""


async def ledgers_of(port: int, clients: int, name: str) -> list[Ledger]:
    """The ledgers of users that are logged in."""
    found = []
    for i in range(clients):
        client = Client(port)
        await client.log_in(ROLES["clinician"], PASSWORD)
        found.append(await arrived(User(client, f"{name}-{i}", [], random.Random(i))))
    return found


async def decides(ledger: Ledger) -> bool:
    """Whether this clinic keeps decisions; its programs are compiled afterwards."""
    return (await ledger.decide()).status == 201


async def write_until_lost(ledger: Ledger, writes: list[Write], seen: Counter[int]) -> None:
    """Write until the connection is lost; count the answers by status."""
    with suppress(OSError):
        while True:
            seen[(await ledger.user.chance.choice(writes)(ledger)).status] += 1


def kills(
    kind: str, number: int = 50, clients: int = 4, seed: int = 1, decide: bool = True, tell: Told = quiet
) -> dict[str, Any]:
    """Kill the clinic's processes by SIGKILL while clients write, again and again, and look after each start what is there.

    Raises:
        Missing: when the database's server is not installed.
    """
    chance, seen, wrong, bad = random.Random(seed), Counter[int](), Counter[str](), 0
    with prepared(kind, None) as (url, _), clinic_process.running(url) as clinic:
        clinic.start()
        ledgers = finished(_prepared(clinic, clients))
        for i in range(number):
            if i:
                clinic.start()
            finished(_killed(clinic, ledgers, decide, chance.uniform(*WRITING), seen))
            wrong.update(faults(clinic.url, ledgers))
            bad += not audited(clinic)["ok"]
            tell(f"{kind}: killed {i + 1} of {number}, {acknowledged(ledgers)} writes acknowledged, lost {wrong['lost']}")
        clinic.start()
        served = clinic.answers()
    return {
        "database": kind, "kills": number, "acknowledged": acknowledged(ledgers),
        "decisions": sum(len(ledger.decisions) for ledger in ledgers),
        "lost": wrong["lost"], "half": wrong["half"], "twice": wrong["twice"], "audit_broken": bad, "serves_again": served,
        "answers": {str(status): count for status, count in sorted(seen.items())},
        "met": served and not bad and not any(wrong.values()) and set(seen) <= {200, 201},
    }  # fmt: skip


async def _prepared(clinic: Clinic, clients: int) -> list[Ledger]:
    found = await ledgers_of(clinic.port, clients, "KILL")
    for ledger in found:
        ledger.user.client.close()
    return found


async def _killed(clinic: Clinic, ledgers: list[Ledger], decide: bool, after: float, seen: Counter[int]) -> None:
    writes: list[Write] = [Ledger.enter, Ledger.edit]
    if decide and await decides(ledgers[0]):
        writes.append(Ledger.decide)
    writing, before = asyncio.gather(*(write_until_lost(ledger, writes, seen) for ledger in ledgers)), seen.total()
    while seen.total() == before and not writing.done():  # a slow machine is not killed before it has answered once
        await asyncio.sleep(0.005)
    await asyncio.sleep(after)
    await asyncio.to_thread(clinic.kill)
    await writing
    for ledger in ledgers:
        ledger.user.client.close()


def statuses(said: list[dict[str, Any]]) -> dict[str, int]:
    """How often each status was answered."""
    return {str(status): count for status, count in sorted(Counter(s["status"] for s in said).items())}


FAULTS = ("kills", "database_lost", "worker_lost", "disk_full")


def measured(kinds: tuple[str, ...] = KINDS, number: int = 50, tell: Told = quiet) -> dict[str, Any]:
    """Kills on each kind of database, workers and servers lost, the disk full under SQLite; what cannot be tried says why.

    Raises:
        Missing: when a database's server is not installed.
    """
    return {fault: [row for kind in kinds for row in tried(fault, kind, number, tell)] for fault in FAULTS}


def tried(fault: str, kind: str, number: int = 50, tell: Told = quiet) -> list[dict[str, Any]]:
    """One of `FAULTS` on a kind of database; no row where it does not apply."""
    from posology.benchmarks.clinic_full import disk_full
    from posology.benchmarks.clinic_lost import database_lost
    from posology.benchmarks.clinic_workers import FATES, NotOffered, worker_lost

    if fault == "kills":
        return [kills(kind, number, tell=tell)]
    if fault == "database_lost":
        return [database_lost(kind, tell=tell)] if kind in SERVERS else []
    rows = []
    try:
        if fault == "disk_full":
            return [disk_full()] if kind == "sqlite" else []
        for fate in FATES:
            rows.append(worker_lost(kind, fate))
            tell(f"{kind}: a worker was {fate}, results {rows[-1]['results']}")
    except (NotOffered, PermissionError) as why:
        tell(f"{kind}: {why}")
    return rows


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Every fault on every kind of database; each is kept."""
    found: dict[str, Any] = {fault: [] for fault in FAULTS}
    for kind, fault in itertools.product(KINDS, FAULTS):
        path = effort.runs / "clinic-faults" / f"{kind}-{fault}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_file(path, json.dumps(tried(fault, kind, tell=tell)).encode())
        found[fault] += json.loads(path.read_text(encoding="utf-8"))
    return found | storage.machine()
