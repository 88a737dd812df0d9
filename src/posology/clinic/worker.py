"""A worker: takes jobs from the database one after the other and says how far each is.

A task is `(arguments, report) -> result`, plain data both ways; `report(progress)` keeps the job and raises `Stopped` once
it was cancelled or given to another. While a task says nothing, a thread of the worker keeps its lease. A task that is
killed is begun again by the next worker with the progress it had last reported (`report.before`).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine

from posology.clinic.errors import Conflict, Unavailable
from posology.clinic.store import jobs
from posology.clinic.store.jobs import LEASE, Claim

LOG = logging.getLogger(__name__)


class Stopped(Exception):
    """The job was cancelled, or is in other hands now."""


@dataclass(frozen=True)
class Report:
    """What a task says while it works; `before` is what an earlier attempt said last."""

    engine: Engine
    held: Claim
    lease: timedelta
    before: Any

    def __call__(self, progress: Any) -> None:
        """Keep the job and say how far it is.

        Raises:
            Stopped: when it shall not go on.
        """
        try:
            go_on = jobs.renew(self.engine, self.held, progress, self.lease)
        except Conflict as error:
            raise Stopped(str(error)) from None
        if not go_on:
            raise Stopped("was cancelled")


Task = Callable[[Any, Report], Any]


def work(engine: Engine, worker: str, tasks: Mapping[str, Task], lease: timedelta = LEASE) -> str | None:
    """Take one job and do it; the state it ended in, None where nothing waits or the job was lost to another."""
    held = jobs.claim(engine, worker, list(tasks), lease)
    if held is None:
        return None
    done = threading.Event()
    keeper = threading.Thread(target=_keep, args=(engine, held, lease, done), daemon=True)
    keeper.start()
    result, error = None, None
    try:
        result = tasks[held.kind](held.arguments, Report(engine, held, lease, held.progress))
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


def _keep(engine: Engine, held: Claim, lease: timedelta, done: threading.Event) -> None:
    """Renew the lease until the job is done or lost."""
    while not done.wait(lease.total_seconds() / 3):
        with suppress(Unavailable):  # the database may come back before the lease ends
            try:
                jobs.renew(engine, held, None, lease)
            except Conflict:
                return
