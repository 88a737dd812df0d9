"""A clinic as a process of its own, as `posology serve` starts it: begun, watched, killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from posology.benchmarks.servers import free_port

SECONDS = 60
"""Until a clinic must answer; it needs about three."""
COMPILING, COMPILED = 180, " is compiled, in "
"""Seconds until its processes must have compiled, and what each says then."""
ROLES = {"clinician": "demo-clinician", "researcher": "demo-researcher", "auditor": "demo-auditor", "admin": "demo-admin"}
PASSWORD = "all patients here are made up"
"""Of the demo's accounts; the login page shows it."""
UNLIMITED = {"POSOLOGY_REQUESTS_PER_SECOND": "100000", "POSOLOGY_BURST": "1000000", "POSOLOGY_LOGINS_PER_MINUTE": "100000"}
"""All requests come from one address, for which the limits per address are not meant."""
TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Clinic:
    """`posology serve --demo` on a database, on a free port, its data in a folder."""

    def __init__(self, folder: Path, database: str | None = None, workers: int = 1, settings: Mapping[str, str] | None = None):
        self.port, self.folder, self.workers = free_port(), folder, workers
        self.url = database or f"sqlite:///{folder / 'demo' / 'posology.db'}"
        given = {} if database is None else {"POSOLOGY_DATABASE": database}
        others = {name: value for name, value in os.environ.items() if not name.startswith("POSOLOGY_")}
        self.environment = {**others, "POSOLOGY_DATA": str(folder), **given, **UNLIMITED, **(settings or {})}
        self.process: subprocess.Popen[bytes] | None = None
        self.before, self.began = 0, 0.0

    @property
    def base(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> Path:
        """What it printed."""
        return self.folder / "serve.log"

    def start(self) -> float:
        """Start it; the seconds until it answered.

        Raises:
            RuntimeError: with the end of what it printed, when it does not.
        """
        self.before, self.began = self.log.stat().st_size if self.log.exists() else 0, time.monotonic()
        command = [sys.executable, "-m", "posology", "serve", "--demo", "--no-jobs", "--port", str(self.port)]
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [*command, "--workers", str(self.workers)], env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > self.began + SECONDS:
                raise RuntimeError(f"the clinic does not answer: {self._said()[-2000:]}")
            time.sleep(0.02)
        return time.monotonic() - self.began

    def compiled(self) -> float:
        """Wait until every process that answers has compiled what is asked for most; the seconds since `start` began.

        Raises:
            RuntimeError: with the end of what it printed, when one does not.
        """
        while self._said().count(COMPILED) < self.workers:
            if time.monotonic() > self.began + COMPILING:
                raise RuntimeError(f"the clinic does not compile: {self._said()[-2000:]}")
            time.sleep(0.1)
        return time.monotonic() - self.began

    def _said(self) -> str:
        """What it printed since it was started last."""
        return self.log.read_bytes()[self.before :].decode(errors="replace")

    def answers(self) -> bool:
        """Whether it says that it runs."""
        try:
            with urlopen(f"{self.base}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False

    def kill(self) -> None:
        """Kill all its processes at once, by SIGKILL."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """End it in an orderly way, or kill it."""
        if self.process is not None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(10)
        self.kill()

    def answering(self) -> list[int]:
        """The ids of the processes that answer."""
        if self.process is None:
            return []
        if self.workers == 1:
            return [self.process.pid]
        return [pid for pid in children(self.process.pid) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@contextmanager
def running(database: str | None = None, workers: int = 1, settings: Mapping[str, str] | None = None) -> Iterator[Clinic]:
    """A clinic in a temporary folder, which is not started yet; it has ended afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="posology-"))
    clinic = Clinic(folder, database, workers, settings)
    try:
        yield clinic
    finally:
        clinic.stop()
        shutil.rmtree(folder, ignore_errors=True)


def children(pid: int) -> list[int]:
    """The processes that a process began."""
    return [int(child) for task in _tasks(pid) for child in (task / "children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """Processor time of a process and its children, those that have ended too."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS + sum(cpu_seconds(child) for child in children(pid))


def memory_mib(pid: int) -> float:
    """Resident memory of a process, MiB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def threads(pid: int) -> dict[str, int]:
    """How many threads of each name a process has."""
    return dict(Counter((task / "comm").read_text().strip() for task in _tasks(pid)))


def _tasks(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/task").iterdir())
