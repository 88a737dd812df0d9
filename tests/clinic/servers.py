"""Database servers for the tests: started on free ports of loopback in a temporary folder, ended by process id."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import sqlalchemy as sa

from posology.clinic.database import address

SECONDS = 30  # until a server must answer; both need about one


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _program(*names: str) -> str:
    found = [path for name in names if (path := shutil.which(name))]
    if not found:
        pytest.skip(f"{names[0]} is not installed; its database is not tested")
    return found[0]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stdout}{done.stderr}"


@contextmanager
def _running(command: list[str], url: str, log: Path, end: signal.Signals) -> Iterator[str]:
    """The server's URL while it runs; `end` is the signal of a quick orderly stop."""
    with log.open("wb") as out:
        server = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        engine = sa.create_engine(address(url))
        until = time.monotonic() + SECONDS
        while True:
            try:
                engine.connect().close()
                break
            except sa.exc.OperationalError:
                assert server.poll() is None and time.monotonic() < until, log.read_text(errors="replace")
                time.sleep(0.05)
        engine.dispose()
        yield url
    finally:
        server.send_signal(end)
        with suppress(subprocess.TimeoutExpired):
            server.wait(SECONDS)
        if server.poll() is None:
            server.kill()
            server.wait()


@contextmanager
def _folder(user: str) -> Iterator[Path]:
    """A folder that belongs to the user a server runs as; pytest's own are closed to others than who runs it."""
    with tempfile.TemporaryDirectory(prefix="posology-") as name:
        if os.getuid() == 0:
            shutil.chown(name, user)
        yield Path(name)


@contextmanager
def mariadb() -> Iterator[str]:
    """The URL of a MariaDB server."""
    install, server = _program("mariadb-install-db"), _program("mariadbd", "/usr/sbin/mariadbd")
    who = ["--user=mysql"] if os.getuid() == 0 else []
    with _folder("mysql") as folder:
        data, port = f"--datadir={folder / 'data'}", _free_port()
        _run([install, "--no-defaults", *who, data, "--auth-root-authentication-method=normal", "--skip-test-db"])
        command = [
            server, "--no-defaults", *who, data, f"--socket={folder / 's'}", f"--port={port}", "--bind-address=127.0.0.1",
            f"--pid-file={folder / 'pid'}", "--innodb-buffer-pool-size=32M", "--innodb-fast-shutdown=2",
            "--innodb-flush-log-at-trx-commit=0",
        ]  # fmt: skip
        with _running(command, f"mariadb://root@127.0.0.1:{port}/", folder / "log", signal.SIGTERM) as url:
            yield url


@contextmanager
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server."""
    homes = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not homes:
        pytest.skip("postgresql is not installed; its database is not tested")
    # setpriv becomes the server itself (runuser would stay between), so that the signal that ends it arrives.
    who = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.getuid() == 0 else []
    with _folder("postgres") as folder:
        data, port = str(folder / "data"), str(_free_port())
        made = ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run([*who, str(homes[-1] / "initdb"), *made])
        command = [*who, str(homes[-1] / "postgres"), "-D", data, "-p", port, "-h", "127.0.0.1", "-k", str(folder), "-F"]
        url = f"postgresql://postgres@127.0.0.1:{port}/postgres"
        with _running(command, url, folder / "log", signal.SIGQUIT) as url:
            yield url
