"""The clinic when its database is killed under load and comes back."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

from posology.benchmarks import clinic_process, servers
from posology.benchmarks.clinic_client import Answer, finished
from posology.benchmarks.clinic_faults import Told, ledgers_of, quiet, statuses
from posology.benchmarks.clinic_ledger import Ledger, faults, problem
from posology.benchmarks.clinic_load import audited
from posology.benchmarks.clinic_process import Clinic
from posology.benchmarks.servers import Server

BACK = 2.0
"""Seconds after a database is back within which requests succeed again."""


def database_lost(
    kind: str, clients: int = 8, workers: int = 2, gone: float = 2.0, watched: float = 2 * BACK, tell: Told = quiet
) -> dict[str, Any]:
    """Kill the database's server under load, start it again after a while (s), and see what is answered, also for a while after.

    Raises:
        Missing: when the server is not installed.
    """
    with servers.SERVERS[kind]() as server:
        url = servers.new_database(server.url, "posology_lost")
        with clinic_process.running(url, workers) as clinic:
            clinic.start()
            found = finished(_lost(clinic, server, clients, gone, watched))
            tell(f"{kind}: the database was gone for a while, {found['refused']} requests were refused")
            return {"database": kind, **found, "audit_ok": audited(clinic)["ok"]}


async def _lost(clinic: Clinic, server: Server, clients: int, gone: float, watched: float) -> dict[str, Any]:
    ledgers = await ledgers_of(clinic.port, clients, "LOST")
    answers: list[tuple[float, Answer | None]] = []
    over = asyncio.Event()
    asking = [asyncio.create_task(_ask_on(ledger, answers, over)) for ledger in ledgers]
    await asyncio.sleep(0.5)
    await asyncio.to_thread(server.kill)
    killed = time.monotonic()
    await asyncio.sleep(gone)
    await asyncio.to_thread(server.again)
    back = time.monotonic()
    await asyncio.sleep(watched)
    over.set()
    await asyncio.gather(*asking)
    wrong = faults(clinic.url, ledgers)
    retried = Counter([(await ledger.enter()).status for ledger in ledgers])
    refused = [(at, answer) for at, answer in answers if answer is None or answer.status >= 400]
    said = [problem(answer) for _, answer in refused if answer is not None]
    late = max((at - back for at, _ in refused), default=0.0)
    plain = all(s["status"] in (409, 503) and (s["again"] or s["status"] == 409) and s["sentence"] for s in said)
    broken = sum(answer is None for _, answer in refused)
    return {
        "requests": len(answers), "refused": len(refused), "connections_broken": broken, "statuses": statuses(said),
        "sentences": sorted({s["sentence"] for s in said if s["status"] != 409})[:5], "gone_s": round(back - killed, 2),
        "recovered_s": round(max(0.0, late), 2), "entered_afterwards": {str(k): v for k, v in retried.items()}, **wrong,
        "met": plain and not broken and late <= BACK and not any(wrong.values()) and set(retried) == {201},
    }  # fmt: skip


async def _ask_on(ledger: Ledger, answers: list[tuple[float, Answer | None]], over: asyncio.Event) -> None:
    """Read and write in turn; what was refused is sent again, as a person would do."""
    while not over.is_set():
        for ask in (lambda: ledger.user.client.ask("GET", "/api/patients?limit=10"), ledger.edit):
            try:
                answer: Answer | None = await ask()
            except OSError:
                answer = None
            answers.append((time.monotonic(), answer))
            if answer is not None and answer.status == 409:  # it was kept, and the answer said that it was not
                name = f"{ledger.user.name}-own"
                ledger.kept[name] = ledger.pending.pop(name)
        await asyncio.sleep(0.01)
