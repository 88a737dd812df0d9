"""Database servers to measure and to break: started on free ports of loopback in a temporary folder, ended by process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

SECONDS = 30
"""Until a server must answer; both need about one."""
DRIVERS = {"mariadb": "mariadb+pymysql", "postgresql": "postgresql+psycopg"}


class Missing(ValueError):
    """The server's programs are not installed."""


@dataclass
class Server:
    """A database server that can be killed and started again. `end` is the signal of a quick orderly stop."""

    command: list[str]
    url: str
    log: Path
    end: signal.Signals
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """End it at once, as a loss of power to the program would."""
        self.process.kill()
        self.process.wait()

    def again(self) -> None:
        """Start it on the data that it left, and wait until it answers."""
        until = time.monotonic() + SECONDS
        while True:
            self.process = _begun(self.command, self.log)
            try:
                return self.ready()
            except RuntimeError:  # PostgreSQL's other processes may still hold the memory they shared
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    def ready(self) -> None:
        """Wait until it answers.

        Raises:
            RuntimeError: with the end of its log, when it does not.
        """
        until = time.monotonic() + SECONDS
        while not answers(self.url):
            if self.process.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"{self.command[0]} does not answer: {self.log.read_text(errors='replace')[-2000:]}")
            time.sleep(0.02)

    def stop(self) -> None:
        """End it in an orderly way."""
        self.process.send_signal(self.end)
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(SECONDS)
        if self.process.poll() is None:
            self.kill()


def connected(url: str) -> sa.Engine:
    """An engine of a database's URL, for looking at it from outside the clinic."""
    kind, _, rest = url.partition("://")
    return sa.create_engine(f"{DRIVERS.get(kind, kind)}://{rest}", poolclass=sa.NullPool)


def answers(url: str) -> bool:
    """Whether a database lets one in."""
    try:
        connected(url).connect().close()
    except sa.exc.OperationalError:
        return False
    return True


def new_database(url: str, name: str) -> str:
    """The URL of a new, empty database of a server."""
    with connected(url).execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    return url.rpartition("/")[0] + f"/{name}"


@contextmanager
def mariadb(durable: bool = True) -> Iterator[Server]:
    """A MariaDB server; without `durable` it may lose what it acknowledged, as fits a test of something else."""
    install, program = _program("mariadb-install-db"), _program("mariadbd", "/usr/sbin/mariadbd")
    who = ["--user=mysql"] if os.getuid() == 0 else []
    with _folder("mysql") as folder:
        data, port = f"--datadir={folder / 'data'}", free_port()
        _run([install, "--no-defaults", *who, data, "--auth-root-authentication-method=normal", "--skip-test-db"])
        command = [
            program, "--no-defaults", *who, data, f"--socket={folder / 's'}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=32M", "--innodb-fast-shutdown=2",
            f"--innodb-flush-log-at-trx-commit={int(durable)}",
        ]  # fmt: skip
        with _running(command, f"mariadb://root@127.0.0.1:{port}/", folder / "log", signal.SIGTERM) as server:
            yield server


@contextmanager
def postgresql(durable: bool = True) -> Iterator[Server]:
    """A PostgreSQL server; without `durable` it does not wait for the disk."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not homes:
        raise Missing("postgresql is not installed")
    # setpriv becomes the server itself (runuser would stay between), so that the signal that ends it arrives.
    who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with _folder("postgres") as folder:
        data, port = str(folder / "data"), str(free_port())
        made = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run([*who, str(homes[-1] / "initdb"), *made])
        command = [*who, str(homes[-1] / "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", str(folder)]
        command += [] if durable else ["-F"]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with _running(command, url, folder / "log", signal.SIGQUIT) as server:
            yield server


SERVERS: Mapping[str, Callable[..., AbstractContextManager[Server]]] = {"mariadb": mariadb, "postgresql": postgresql}


def free_port() -> int:
    """A port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def _program(*names: str) -> str:
    found = [path for name in names if (path := shutil.which(name))]
    if not found:
        raise Missing(f"{names[0]} is not installed")
    return found[0]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout}{done.stderr}")


def _begun(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=out)


@contextmanager
def _running(command: list[str], url: str, log: Path, end: signal.Signals) -> Iterator[Server]:
    server = Server(command, url, log, end, _begun(command, log))
    try:
        server.ready()
        yield server
    finally:
        server.stop()


@contextmanager
def _folder(user: str) -> Iterator[Path]:
    """A folder that belongs to the user a server runs as; those of others are closed to it."""
    with tempfile.TemporaryDirectory(prefix="posology-") as name:
        if os.getuid() == 0:
            shutil.chown(name, user)
        yield Path(name)
