"""`posology work`: a process that does the clinic's trainings and trials."""

from __future__ import annotations

import os
import socket

import typer

from posology.commands.db import DATABASE, opened
from posology.commands.output import print_json


def work(
    name: str = typer.Option(None, "--name", help="What jobs call this worker; host and process unless given."),
    once: bool = typer.Option(False, "--once", help="End when no job waits."),
    database: str = DATABASE,
    as_json: bool = typer.Option(False, "--json", help="Print JSON: how many jobs were done."),
) -> None:
    """Do the jobs that wait in the database, one after the other; several may run.

    SIGTERM or Ctrl-C gives the job back to the queue; whoever takes it goes on from its last checkpoint.
    """
    from posology.clinic.migrations import needed
    from posology.clinic.settings import Settings
    from posology.clinic.tasks import tasks
    from posology.clinic.worker import asked_to_leave, work_on

    engine = opened(database)
    needed(engine)
    with asked_to_leave() as leave:
        done = work_on(engine, name or f"worker {socket.gethostname()} {os.getpid()}", tasks(Settings().data), leave, once)
    print_json({"jobs": done}) if as_json else print(f"{done} jobs")
