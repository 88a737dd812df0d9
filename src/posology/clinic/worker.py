"""A worker: takes jobs from the database one after the other and says how far each is.

A task is `(arguments, report) -> result`, plain data both ways; `report(progress)` keeps the job and raises `Stopped` once
it was cancelled or given to another. While a task says nothing, a thread of the worker keeps its lease. A task that is
killed is begun again by the next worker with the progress it had last reported (`report.before`). One that is asked to stop
(SIGTERM, Ctrl-C) gives its job back at the task's next word.
"""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from posology.clinic.errors import Conflict, Unavailable
from posology.clinic.store import jobs
from posology.clinic.store.jobs import LEASE, Claim

LOG = logging.getLogger(__name__)
IDLE = 1.0
"""Seconds that a worker without work waits before it asks again (assumed: short to a person, rare to a database)."""
RELEASED = "released"


class Stopped(Exception):
    """The job was cancelled, or is in other hands now."""


class Leaving(Stopped):
    """The worker was asked to stop; its job goes back into the queue."""


@dataclass(frozen=True)
class Report:
    """What a task says while it works; `before` is what an earlier attempt said last."""

    engine: Engine
    held: Claim
    lease: timedelta
    before: Any
    leave: threading.Event = field(default_factory=threading.Event)

    def __call__(self, progress: Any) -> None:
        """Keep the job and say how far it is.

        Raises:
            Stopped: when it shall not go on.
            Leaving: when the worker was asked to stop.
        """
        try:
            go_on = jobs.renew(self.engine, self.held, progress, self.lease)
        except Conflict as error:
            raise Stopped(str(error)) from None
        if not go_on:
            raise Stopped("was cancelled")
        if self.leave.is_set():
            raise Leaving("the worker was asked to stop")


Task = Callable[[Any, Report], Any]


def work(
    engine: Engine, worker: str, tasks: Mapping[str, Task], lease: timedelta = LEASE, leave: threading.Event | None = None
) -> str | None:
    """Take one job and do it; the state it ended in, None where nothing waits or the job was lost to another."""
    held = jobs.claim(engine, worker, list(tasks), lease)
    if held is None:
        return None
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(engine, held, lease, done), daemon=True)
    keeper.start()
    result, error = None, None
    try:
        result = tasks[held.kind](held.arguments, Report(engine, held, lease, held.progress, leave or threading.Event()))
    except Leaving:
        return _given_back(engine, held)
    except Stopped as stopped:
        error = str(stopped)
    except ValueError as refused:
        error = str(refused)
    except Exception as broken:  # a defect of a task ends the job, not the worker
        LOG.exception("job %s (%s) ended by a defect", held.key, held.kind)
        error = f"ended by a defect: {type(broken).__name__}"
    finally:
        done.set()
        keeper.join()
    try:
        return jobs.finish(engine, held, worker, result, error)
    except Conflict:
        return None


def _given_back(engine: Engine, held: Claim) -> str | None:
    with suppress(Conflict):
        jobs.release(engine, held)
        return RELEASED
    return None


def work_on(
    engine: Engine, worker: str, tasks: Mapping[str, Task], leave: threading.Event, once: bool = False, idle: float = IDLE
) -> int:
    """Do one job after the other until asked to leave; with `once`, until none waits. How many were done or given back."""
    done = 0
    while not leave.is_set():
        try:
            ended = work(engine, worker, tasks, leave=leave)
        except Unavailable as error:
            LOG.warning("%s", error)
            ended = None
        if ended is not None:
            done += 1
        elif once:
            break
        else:
            leave.wait(idle)
    return done


@contextmanager
def asked_to_leave() -> Iterator[threading.Event]:
    """An event that SIGTERM or Ctrl-C sets; a second one ends the process as usual."""
    leave = threading.Event()
    before = {kind: signal.getsignal(kind) for kind in (signal.SIGTERM, signal.SIGINT)}

    def ask(kind: int, frame: Any) -> None:
        leave.set()
        signal.signal(kind, before[signal.Signals(kind)] or signal.SIG_DFL)

    for kind in before:
        signal.signal(kind, ask)
    try:
        yield leave
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler or signal.SIG_DFL)


def _keep(engine: Engine, held: Claim, lease: timedelta, done: threading.Event) -> None:
    """Renew the lease until the job is done or lost."""
    while not done.wait(lease.total_seconds() / 3):
        with suppress(Unavailable):  # the database may come back before the lease ends
            try:
                jobs.renew(engine, held, None, lease)
            except Conflict:
                return
