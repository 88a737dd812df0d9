"""A worker of the clinic that is killed, or paused until another has its job: each job must have one result."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from posology.benchmarks import clinic_process, servers
from posology.benchmarks.clinic_client import Client, finished
from posology.benchmarks.clinic_load import audited, prepared
from posology.benchmarks.clinic_process import PASSWORD, ROLES, Clinic

ARMS = ["standard", "clinical-rule"]
JOB = {"kind": "trial", "arguments": {"treatment": "paclitaxel-cycles-v1", "arms": ARMS, "patients": 10_000}}
"""Long enough that a worker is met at its work (assumed: more than some seconds)."""
FATES = {"killed": signal.SIGKILL, "paused": signal.SIGSTOP}
PATIENCE = 300.0
"""Seconds until a job must have ended."""
ENDS = "SELECT COUNT(*) FROM audit WHERE subject = :job AND action IN ('job done', 'job failed', 'job cancelled')"


class NotOffered(Exception):
    """This clinic starts no jobs over HTTP."""


def worker_lost(kind: str, fate: str) -> dict[str, Any]:
    """Let a worker begin a trial, kill or pause it, let another finish, then let a paused one go on.

    Raises:
        Missing: when the database's server is not installed.
        NotOffered: when this clinic starts no jobs.
    """
    with prepared(kind, None) as (url, _), clinic_process.running(url) as clinic:
        clinic.start()
        return {"database": kind, "fate": fate, **finished(_lost(clinic, FATES[fate]))}


async def _lost(clinic: Clinic, fate: signal.Signals) -> dict[str, Any]:
    client = Client(clinic.port)
    await client.log_in(ROLES["researcher"], PASSWORD)
    answer = await client.ask("POST", "/api/jobs", JOB)
    if answer.status != 201:
        raise NotOffered(f"jobs are not started over HTTP here: answered {answer.status}: {answer.sentence}")
    job, workers = str(answer.json()["id"]), [worker(clinic, "first")]
    try:
        await ended(client, job, ("running",))
        workers[0].send_signal(fate)
        lost = time.monotonic()
        workers.append(worker(clinic, "second"))
        found = await ended(client, job, ("done", "failed", "cancelled"))
        took = time.monotonic() - lost
        if fate == signal.SIGSTOP:
            workers[0].send_signal(signal.SIGCONT)
            await asyncio.sleep(took)  # it comes to its end, too, and is refused
            client.close()  # the clinic has let the idle connection go
        again = (await client.ask("GET", f"/api/jobs/{job}")).json()
    finally:
        for each in workers:
            each.kill()
            each.wait()
        client.close()
    results, good, same = ends(clinic.url, job), audited(clinic)["ok"], again["result"] == found["result"]
    done = found["state"] == "done"
    return {
        "state": found["state"], "attempts": again["attempts"], "results": results, "ended_after_s": round(took, 1),
        "unchanged_afterwards": same, "audit_ok": good, "lost": int(not done), "half": 0, "twice": max(0, results - 1),
        "met": done and results == 1 and again["attempts"] == 2 and same and good,
    }  # fmt: skip


async def ended(client: Client, job: str, states: tuple[str, ...]) -> dict[str, Any]:
    """The job once it is in one of the states.

    Raises:
        TimeoutError: when it is not for long.
    """
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        found: dict[str, Any] = (await client.ask("GET", f"/api/jobs/{job}")).json()
        if found["state"] in states:
            return found
        await asyncio.sleep(0.05)
    raise TimeoutError(f"job {job} is {found['state']} after {PATIENCE:g} s")


def worker(clinic: Clinic, name: str) -> subprocess.Popen[bytes]:
    """A worker of its own process."""
    command = [sys.executable, "-m", "posology", "work", "--name", name, "--database", clinic.url]
    with Path(clinic.folder / f"{name}.log").open("ab") as out:
        return subprocess.Popen(command, env=clinic.environment, stdout=out, stderr=out)


def ends(url: str, job: str) -> int:
    """How often the end of a job stands in the audit trail."""
    with servers.connected(url).connect() as connection:
        return int(connection.execute(sa.text(ENDS), {"job": f"job/{job}"}).scalar_one())
