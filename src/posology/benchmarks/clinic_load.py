"""The clinic under load: clients that are logged in already ask one after the other, for a minute or ten.

The clients run in this process and share the machine with the clinic and its database; `cpu` says how much of a core each took.
Latencies are what a client waited, from sending to the last byte.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from posology.benchmarks import clinic_process
from posology.benchmarks.clinic_client import Client, finished
from posology.benchmarks.clinic_mix import CALLS, MIX, Kind, User, offered
from posology.benchmarks.clinic_process import PASSWORD, ROLES, Clinic
from posology.benchmarks.servers import SERVERS, Server, new_database
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

BARS = {"requests_per_s": 200.0, "p99_ms": 400.0, "recommendation_p95_ms": 100.0, "boot_s": 10.0, "mib_per_minute": 1.0}
"""On two cores with two workers and sixteen clients. Memory counts as flat below 1 MiB a minute (assumed)."""
LONG = 600.0
"""Seconds of load from which memory is judged: before, what is kept on purpose fills up."""
SAMPLED = 1.0
"""Seconds between two looks at the workers' memory."""
ALONE = 100
"""Recommendations that one client asks for while nobody else asks."""
EIGEN = "tf_XLAEigen"
"""The name of XLA's computing threads."""
KINDS = ("sqlite", *SERVERS)


@dataclass
class Seen:
    """What the clients saw: per kind of request the seconds of each; sentences of what failed, by kind and status."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in MIX})
    failures: int = 0
    sentences: dict[str, str] = field(default_factory=dict)
    memory: list[tuple[float, float]] = field(default_factory=list)


async def ask(user: User, name: str, kind: Kind, seen: Seen) -> None:
    """One request, timed."""
    began = time.perf_counter()
    try:
        answer = await CALLS[name](user)
        status, sentence = answer.status, answer.sentence if answer.status != kind.status else ""
    except OSError as lost:
        status, sentence = 0, str(lost)
    seen.seconds[name].append(time.perf_counter() - began)
    if status != kind.status:
        seen.failures += 1
        seen.sentences.setdefault(f"{name}, {status}", sentence)


async def busy(user: User, mix: dict[str, Kind], until: float, seen: Seen) -> None:
    """Ask until the time is over."""
    names, shares = list(mix), [kind.share for kind in mix.values()]
    while time.monotonic() < until:
        [name] = user.chance.choices(names, shares)
        await ask(user, name, mix[name], seen)


async def sampled(pids: list[int], until: float, seen: Seen) -> None:
    """Note the workers' memory, MiB, until the time is over."""
    began = time.monotonic()
    while time.monotonic() < until:
        seen.memory.append((time.monotonic() - began, sum(map(clinic_process.memory_mib, pids))))
        await asyncio.sleep(SAMPLED)


async def users(port: int, clients: int, seed: int) -> list[User]:
    """Users that are logged in, each with a patient of his own."""
    found = []
    for i in range(clients):
        client = Client(port)
        await client.log_in(ROLES["clinician"], PASSWORD)
        demo = [row["key"] for row in (await client.ask("GET", "/api/patients?limit=50")).json()]
        found.append(User(client, f"LOAD-{seed}-{i}", [] if i else demo, random.Random(1000 * seed + i)))
        found[-1].demo = found[0].demo
        await found[-1].arrive()
    return found


async def alone(user: User, mix: dict[str, Kind], calls: int) -> Seen:
    """Recommendations for one client, the record changed before each."""
    seen = Seen()
    for _ in range(calls if "recommendation" in mix else 0):
        await user.edit()
        await ask(user, "recommendation", mix["recommendation"], seen)
    return seen


async def load(clinic: Clinic, clients: int, seconds: float, seed: int, server: int | None) -> dict[str, Any]:
    """What clients see of a running clinic, and what it took. `server`: its database's process."""
    entered = await users(clinic.port, clients, seed)
    mix = await offered(entered[0])
    single = await alone(entered[0], mix, ALONE)
    warm = single.seconds["recommendation"]
    pids, seen = clinic.answering(), Seen()
    parts: dict[str, Callable[[], float]] = {
        "load generator": time.process_time,
        "workers": lambda: sum(map(clinic_process.cpu_seconds, pids)),
        **({"database": lambda: clinic_process.cpu_seconds(server)} if server else {}),
    }
    before, start = {name: spent() for name, spent in parts.items()}, time.monotonic()
    until = start + seconds
    await asyncio.gather(*(busy(user, mix, until, seen) for user in entered), sampled(pids, until, seen))
    wall = time.monotonic() - start
    for user in entered:
        user.client.close()
    return {
        "seconds": round(wall, 1), "requests": sum(map(len, seen.seconds.values())), "failures": seen.failures + single.failures,
        "requests_per_s": round(sum(map(len, seen.seconds.values())) / wall, 1),
        **percentiles([s for each in seen.seconds.values() for s in each]),
        "sentences": seen.sentences | single.sentences,
        "without": [name for name in MIX if name not in mix],
        "kinds": {
            name: {"share": mix[name].share, "requests": len(s), **percentiles(s)} for name, s in seen.seconds.items() if s
        },
        "cores": {name: round((spent() - before[name]) / wall, 3) for name, spent in parts.items()},
        "memory": memory(seen.memory),
        "recommendation_alone": {"requests": len(warm), **percentiles(warm)},
        "threads": [clinic_process.threads(pid) for pid in pids],
    }  # fmt: skip


def percentiles(seconds: list[float]) -> dict[str, float | None]:
    """p50, p95, p99 and the longest, ms."""
    if not seconds:
        return dict.fromkeys(("p50_ms", "p95_ms", "p99_ms", "longest_ms"))
    at = {f"p{q}_ms": q for q in (50, 95, 99)} | {"longest_ms": 100}
    return {name: round(1000 * float(np.percentile(seconds, q)), 1) for name, q in at.items()}


def memory(samples: list[tuple[float, float]]) -> dict[str, float]:
    """MiB of all workers at start and end, and how it grew in the second half: a least-squares slope, MiB a minute."""
    half = samples[len(samples) // 2 :]
    seconds, mib = np.array(half).T
    slope = float(np.polyfit(seconds, mib, 1)[0]) * 60 if len(half) > 2 else 0.0
    return {"start_mib": round(samples[0][1], 1), "end_mib": round(samples[-1][1], 1), "mib_per_minute": round(slope, 2)}


def measured(
    kind: str = "sqlite", url: str | None = None, seconds: float = 60, clients: int = 16, workers: int = 2, seed: int = 1
) -> dict[str, Any]:
    """A clinic under load on a kind of database that is started for it, or on an empty one at a URL; and which bars it meets.

    Raises:
        Missing: when the database's server is not installed.
    """
    with (
        tempfile.TemporaryDirectory(prefix="posology-") as programs,
        prepared(kind, url) as (database, server),
        clinic_process.running(database, workers, {"JAX_COMPILATION_CACHE_DIR": programs}) as clinic,
    ):
        about = {"database": kind, "workers": workers, "clients": clients, "cpus": os.cpu_count(), **started(clinic)}
        found = finished(load(clinic, clients, seconds, seed, server.process.pid if server else None))
        found = {**about, **found, "audit": audited(clinic)}
    return {**found, "bars": BARS, "met": met(found)}


def started(clinic: Clinic) -> dict[str, float]:
    """Start a clinic twice: seconds until it answers and until all its processes have compiled, on an empty store of compiled
    programs, then on what the first start has stored; it runs afterwards."""
    first = [clinic.start(), clinic.compiled()]
    clinic.stop()
    again = [clinic.start(), clinic.compiled()]
    names = ("first_answer_s", "first_boot_s", "answer_s", "boot_s")
    return dict(zip(names, (round(seconds, 1) for seconds in first + again), strict=True))


@contextmanager
def prepared(kind: str, url: str | None) -> Iterator[tuple[str | None, Server | None]]:
    """The URL of an empty database (None: the clinic's own SQLite file), and its server where one was started."""
    if url is not None or kind == "sqlite":
        yield url, None
        return
    with SERVERS[kind]() as server:
        yield new_database(server.url, "posology_load"), server


def audited(clinic: Clinic) -> dict[str, Any]:
    """What `posology audit verify` says of a clinic's database."""
    command = [sys.executable, "-m", "posology", "audit", "verify", "--json", "--database", clinic.url]
    done = subprocess.run(command, env=clinic.environment, capture_output=True, text=True, timeout=600, check=False)
    if not done.stdout.startswith("{"):
        raise RuntimeError(f"posology audit verify: {done.stderr[-500:]}")
    said = json.loads(done.stdout)
    return {name: said[name] for name in ("ok", "rows", "fault", "altered")}


def met(found: dict[str, Any]) -> dict[str, bool | None]:
    """Which bars a measurement meets; None for what was not measured."""
    warm = found["recommendation_alone"]["p95_ms"]
    return {
        "failures": found["failures"] == 0,
        "requests_per_s": found["requests_per_s"] >= BARS["requests_per_s"],
        "p99_ms": found["p99_ms"] <= BARS["p99_ms"],
        "recommendation_p95_ms": None if warm is None else warm <= BARS["recommendation_p95_ms"],
        "boot_s": found["boot_s"] <= BARS["boot_s"],
        "mib_per_minute": found["memory"]["mib_per_minute"] <= BARS["mib_per_minute"] if found["seconds"] >= LONG else None,
        "one_computing_thread": all(names.get(EIGEN, 0) <= 1 for names in found["threads"]),
        "audit": found["audit"]["ok"],
    }


def plan(effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """A minute on each kind of database and ten on one, on a machine that does nothing else; each is kept."""
    rows = []
    for kind, seconds in (*((kind, 60) for kind in KINDS), ("sqlite", 600)):
        path = effort.runs / "clinic-load" / f"{kind}-{seconds}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_file(path, json.dumps(storage.machine() | measured(kind, seconds=seconds)).encode())
        rows.append(json.loads(path.read_text(encoding="utf-8")))
        tell(f"clinic-load: {kind}, {seconds} s, {rows[-1]['requests_per_s']} requests/s")
    return rows
