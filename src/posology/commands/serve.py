"""`posology serve`: the clinic in a browser. Research use only."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import typer

from posology.commands.output import print_json, print_table

LOOPBACK = ("127.0.0.1", "localhost", "::1")
ONE_THREAD = {
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "NPROC": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1",
    "POLARS_MAX_THREADS": "1",
}  # fmt: skip
"""One computing thread per process: several would fight for the cores that other processes answer on. XLA makes as many as
`NPROC` says, the libraries under NumPy, SciPy and polars as theirs; all read it when they are first imported. (Code for fused
loops that goes straight to LLVM would compile in little more than half the time, and answer a quarter slower for good.)"""

MOST_ASKED = "paclitaxel-label-v1:map-greedy"


def serve(
    demo: bool = typer.Option(False, "--demo", help="With made-up patients and accounts, in a database of its own."),
    port: int = typer.Option(8000, min=1, max=65535, help="The port."),
    host: str = typer.Option("127.0.0.1", help="The address; not loopback: only with POSOLOGY_HTTPS=1, behind TLS."),
    workers: int = typer.Option(1, min=1, max=64, help="Processes that answer."),
    jobs: bool = typer.Option(True, "--jobs/--no-jobs", help="Also run the process that works on trainings and trials."),
    warm: bool = typer.Option(True, "--warm/--no-warm", help="Compile at once what is asked for most (else POSOLOGY_WARM)."),
    as_json: bool = typer.Option(False, "--json", help="Print address, database and accounts as JSON, then serve."),
) -> None:
    """Start the clinic: patients, doses, explanations, decisions, trainings and trials in a browser."""
    for name, value in ONE_THREAD.items():
        os.environ.setdefault(name, value)
    os.environ["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"  # at the next start small programs are there too
    import uvicorn

    from posology.clinic.database import engine, shown
    from posology.clinic.demo import ACCOUNTS, PASSWORD, seed
    from posology.clinic.migrations import upgrade
    from posology.clinic.settings import Settings

    if warm:
        os.environ.setdefault("POSOLOGY_WARM", json.dumps([MOST_ASKED]))
    settings = Settings()
    if host not in LOOPBACK and not settings.https:
        raise ValueError(f"host {host}: not loopback, passwords would travel in the open; put TLS in front, and POSOLOGY_HTTPS=1")
    if demo:
        os.environ["POSOLOGY_DEMO"] = "1"
        if settings.database is None:
            os.environ["POSOLOGY_DATA"] = str(Path(settings.data) / "demo")
        settings = Settings()
    database = engine(settings.url)
    upgrade(database)
    if demo:
        seed(database)
    where = f"http://{host}:{port}"
    if as_json:
        accounts = [{"name": name, "role": role, "password": PASSWORD} for name, role in ACCOUNTS if demo]
        print_json({"url": where, "database": shown(database.url), "accounts": accounts})
    else:
        print(f"Posology: {where} (database {shown(database.url)})")
    if demo and not as_json:
        print_table("Accounts of the demo", ["name", "role", "password"], [[name, role, PASSWORD] for name, role in ACCOUNTS])
    database.dispose()
    # uvicorn raises a SIGTERM again when it has ended; by default that would end us before the worker is told.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    worker = subprocess.Popen([sys.executable, "-m", "posology", "work"]) if jobs else None
    try:
        uvicorn.run(
            "posology.clinic.app:from_environment", factory=True, host=host, port=port, workers=workers,
            log_level="warning", proxy_headers=settings.https, server_header=False, timeout_keep_alive=30,
        )  # fmt: skip
    finally:
        if worker is not None:
            worker.terminate()
            worker.wait(30)
