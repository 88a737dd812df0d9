"""Connections: one engine per URL, set up so that SQLite, MariaDB, MySQL and PostgreSQL behave alike.

`reading` gives a consistent view, `writing` one transaction that is kept whole or not at all. Both turn a
database that is gone, locked or full into `Unavailable` with a sentence; values never appear in it.
"""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from threading import Lock
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, exc, make_url

from posology.clinic.errors import Conflict, Unavailable

DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
WAIT = 30
"""Seconds that a connection waits for a server or another writer (assumed: longer than any write here)."""
KEPT, MORE = 20, 20
"""Connections that a process keeps open, and opens for a moment: together as many as it has threads that answer."""
TURN = 0.002
"""Seconds, about, between two looks whether another process has ended its write to a SQLite file; a write takes about 5 ms."""
PAGES = 256
"""KiB of a SQLite file that each connection keeps; the operating system keeps them too, once for all connections."""
FRESH = 1.0
"""Seconds for which a connection that was given back is taken to stand (assumed; a server that ends ends them all at once)."""
READS, WRITES = "REPEATABLE READ", "READ COMMITTED"  # a writer must see what was committed while it waited
BUSY = f"is busy: another writer kept it for {WAIT} seconds; try again"
GONE = "does not answer; is it running, and is the address right?"
_STRICT = "SET time_zone = '+00:00', sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'"


def address(url: str) -> URL:
    """A database URL with the driver that Posology uses.

    Raises:
        ValueError: when it is no URL or of another kind of database.
    """
    allowed = "sqlite:///FILE, mariadb://…, mysql://… or postgresql://…"
    try:
        parsed = make_url(url)
    except exc.ArgumentError:
        raise ValueError(f"database: is not a database URL; allowed: {allowed}") from None
    kind = parsed.drivername.split("+")[0]
    if kind not in DRIVERS:
        raise ValueError(f"database: '{kind}' is not a known kind of database; allowed: {allowed}")
    return parsed.set(drivername=DRIVERS[kind])


def shown(url: str | URL) -> str:
    """A database URL without its password, for messages."""
    return (address(url) if isinstance(url, str) else url).render_as_string(hide_password=True)


def engine(url: str) -> Engine:
    """The engine of a database URL; the folder of a SQLite file is made."""
    where = address(url)
    kind = where.get_backend_name()
    if kind == "sqlite":
        if where.database and where.database != ":memory:":
            _folder(Path(where.database).parent)
        pool = {} if where.database in (None, "", ":memory:") else {"pool_size": KEPT, "max_overflow": MORE}
        made = create_engine(where, hide_parameters=True, connect_args={"timeout": WAIT}, **pool)
        _as_a_server(made)
        return made
    more: dict[str, Any] = {"connect_timeout": WAIT}
    if kind == "postgresql":
        more |= {"options": "-c timezone=UTC", "client_encoding": "utf8"}
    else:
        more |= {"charset": "utf8mb4", "init_command": _STRICT}
    # Setting a level costs MariaDB a round trip, PostgreSQL nothing: what is frequent there, reading, is the default.
    level = READS if kind in ("mysql", "mariadb") else WRITES
    made = create_engine(
        where, hide_parameters=True, pool_size=KEPT, max_overflow=MORE, isolation_level=level, connect_args=more,
    )  # fmt: skip
    _asked_when_idle(made)
    return made


def _asked_when_idle(server: Engine) -> None:
    """Ask a connection that was idle for a while whether it still stands; every time would cost a round trip each."""

    @event.listens_for(server, "checkin")
    def _given_back(connection: Any, record: Any) -> None:
        record.info["since"] = time.monotonic()

    @event.listens_for(server, "checkout")
    def _taken(connection: Any, record: Any, _: Any) -> None:
        idle = time.monotonic() - record.info.get("since", time.monotonic())
        if idle < FRESH:
            return
        try:
            stands = server.dialect.do_ping(connection)
        except server.dialect.loaded_dbapi.Error:
            stands = False
        if not stands:
            raise exc.DisconnectionError


def _folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(f"database: folder {path} cannot be made: {(error.strerror or str(error)).lower()}") from None


def _as_a_server(sqlite: Engine) -> None:
    """Make SQLite keep foreign keys, overwrite what is deleted, and take its write lock when a write begins."""

    @event.listens_for(sqlite, "connect")
    def _connected(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # the driver would begin late, and then fail instead of waiting
        for pragma in ("journal_mode=WAL", "synchronous=FULL", f"cache_size=-{PAGES}", "foreign_keys=ON", "secure_delete=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(sqlite, "begin")
    def _begun(connection: Connection) -> None:
        if connection.get_execution_options().get("writes"):
            _take_turn(connection)
        else:
            connection.exec_driver_sql("BEGIN")


def _take_turn(connection: Connection) -> None:
    """Begin to write once no other process does. SQLite's own waiting sleeps up to 100 ms at a time, and starves some."""
    until = time.monotonic() + WAIT
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        while True:
            try:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
                return
            except exc.OperationalError as busy:
                locked = getattr(busy.orig, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_BUSY
                if not locked or time.monotonic() > until:
                    raise
            time.sleep(random.uniform(0.5, 1.5) * TURN)
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {1000 * WAIT}")


_queues: dict[str, Lock] = {}
"""Of each SQLite file: the threads of this process write one after the other, so that two processes at most wait by looking."""


@contextmanager
def _queued(database: Engine) -> Iterator[None]:
    """The turn of this process's threads on a SQLite file."""
    lock = _queues.setdefault(str(database.url), Lock())
    if not lock.acquire(timeout=WAIT):
        raise Unavailable(f"database {shown(database.url)}: {BUSY}")
    try:
        yield
    finally:
        lock.release()


@contextmanager
def reading(database: Engine) -> Iterator[Connection]:
    """A connection on which all queries see the same moment."""
    with told(database):
        once = {"isolation_level": READS} if database.dialect.name == "postgresql" else {}
        with database.execution_options(**once).connect() as connection:
            yield connection


@contextmanager
def writing(database: Engine) -> Iterator[Connection]:
    """A transaction that is committed at the end, or rolled back by any exception."""
    queued = _queued(database) if database.dialect.name == "sqlite" else nullcontext()
    with queued, told(database), database.execution_options(writes=True).begin() as connection:
        if database.dialect.name in ("mysql", "mariadb"):
            # of this transaction alone: a level of the connection is set back after it, which fails where the server has gone
            connection.exec_driver_sql(f"SET TRANSACTION ISOLATION LEVEL {WRITES}")
        yield connection


@contextmanager
def told(database: Engine) -> Iterator[None]:
    """Turn a driver's exceptions into sentences without values."""
    where = f"database {shown(database.url)}"
    try:
        yield
    except exc.IntegrityError:
        raise Conflict("this was entered by somebody else meanwhile, or refers to what is gone; look again") from None
    except exc.DataError:
        raise ValueError(f"{where}: cannot keep a value: a number or a time is out of its range") from None
    except exc.TimeoutError:
        raise Unavailable(f"{where}: all its connections are in use; try again") from None
    except exc.DBAPIError as error:
        why = _why(str(error.orig))
        if not why:
            if not isinstance(error, (exc.OperationalError, exc.InterfaceError)):
                raise
            why = GONE
        raise Unavailable(f"{where}: {why}") from None
    except exc.StatementError as error:
        if not isinstance(error.orig, ValueError):
            raise
        raise ValueError(str(error.orig)) from None  # a value that its column refused
    except database.dialect.loaded_dbapi.Error:  # of a connection that was being given back
        raise Unavailable(f"{where}: {GONE}") from None


def _why(said: str) -> str:
    """What the message of a driver means; empty where it is not known."""
    low = said.lower()
    if "unknown database" in low or ("database" in low and "does not exist" in low):
        return "is not there; create it on the server first"
    if "no such table" in low or "doesn't exist" in low or "does not exist" in low:
        return "has no tables of Posology, or older ones; run `posology db upgrade`"
    if "is full" in low or "no space" in low or "disk full" in low:
        return "has no space left; nothing was written"
    if "locked" in low or "lock wait" in low:
        return BUSY
    if "denied" in low or "authentication" in low:
        return "refuses this user or password"
    return ""
