"""The clinic when things break: killed while it writes, its database gone, its disk full, its worker lost.

Few of each; `posology benchmark faults` makes many.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
import sqlalchemy as sa
from clinic_records import RECORD

from posology.benchmarks import clinic_process, servers
from posology.benchmarks.clinic_faults import kills
from posology.benchmarks.clinic_full import disk_full
from posology.benchmarks.clinic_ledger import Ledger, faults
from posology.benchmarks.clinic_lost import database_lost
from posology.clinic import audit, demo, store
from posology.clinic.store import jobs
from posology.data.record import from_dict


def test_what_was_acknowledged_is_there_after_the_clinic_was_killed_while_writing():
    found = kills("sqlite", number=1, decide=False)
    assert found["acknowledged"] > 4 and found["met"], found


def test_a_database_that_is_killed_is_answered_with_503_and_its_return_at_once():
    try:
        found = database_lost("postgresql", clients=2, workers=1, gone=0.3, watched=2.2)
    except servers.Missing as missing:
        pytest.skip(f"{missing}; its loss is not tried")
    assert found["refused"] > 0 and found["met"] and found["audit_ok"], found


def test_a_full_disk_refuses_writes_in_a_sentence_and_still_lets_one_read():
    try:
        found = disk_full(writes=10)
    except PermissionError as why:
        pytest.skip(str(why))
    assert found["met"], found


def test_the_ledger_sees_what_was_lost_and_what_is_there_in_part(sqlite):
    class Anyone:
        name = "dr"

    key = store.create(sqlite, from_dict({**RECORD, "id": "dr-own"}), "dr.a")
    url = f"sqlite:///{sqlite.url.database}"
    told = Ledger(Anyone(), {"dr-own": (1, 70.5)})
    assert faults(url, [told]) == {"lost": 0, "half": 0, "twice": 0}
    assert faults(url, [Ledger(Anyone(), {"dr-own": (2, 71.0), "dr-2": (1, 50.0)})])["lost"] == 2
    assert faults(url, [Ledger(Anyone(), {}, {"dr-own": (1, 60.0)})])["half"] == 1
    assert faults(url, [Ledger(Anyone(), {}, {}, {99})])["lost"] == 1
    unanswered = Ledger(Anyone(), {"dr-own": (1, 70.5)}, {"dr-own": (2, 71.0)})
    assert faults(url, [unanswered])["lost"] == 0 and unanswered.pending == {}
    with sqlite.begin() as connection:
        connection.execute(sa.text("DELETE FROM audit WHERE action = 'patient created'"))
    assert faults(url, [told])["half"] == 1
    assert key


def test_the_benchmarks_know_the_accounts_of_the_demo():
    assert clinic_process.PASSWORD == demo.PASSWORD
    assert set(clinic_process.ROLES.values()) <= {name for name, _ in demo.ACCOUNTS}


WORKER = """
import sys, time
from datetime import timedelta
from posology.clinic import database
from posology.clinic.worker import Stopped, work

def task(arguments, report):
    print("begun", flush=True)
    for step in range(arguments["steps"]):
        time.sleep(0.05)
        report({"step": step})
    return sys.argv[2]

print(work(database.engine(sys.argv[1]), sys.argv[2], {"count": task}, timedelta(seconds=1)), flush=True)
"""


def worker(engine: sa.Engine, name: str) -> subprocess.Popen[str]:
    """A worker of its own process, with a lease of a second, that has begun a job."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", WORKER, url, name]
    src = str(Path(store.__file__).parents[3])
    begun = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": src})
    assert begun.stdout is not None and begun.stdout.readline() == "begun\n"
    return begun


def results(engine: sa.Engine) -> Counter[str]:
    """How often each end of a job stands in the audit trail."""
    with engine.connect() as connection:
        return Counter(row.action for row in audit.rows(connection) if row.action.startswith("job "))


@pytest.mark.parametrize("fate", [signal.SIGKILL, signal.SIGSTOP])
def test_a_worker_that_is_killed_or_paused_beyond_its_lease_leaves_one_result(sqlite, fate):
    key = jobs.submit(sqlite, "count", {"steps": 10}, "dr.a")
    lost = worker(sqlite, "first")
    lost.send_signal(fate)
    time.sleep(1.1)
    second = worker(sqlite, "second")
    assert second.communicate(timeout=30)[0] == "done\n"
    if fate == signal.SIGSTOP:
        lost.send_signal(signal.SIGCONT)
        assert lost.communicate(timeout=30)[0] == "None\n"  # what it had to say was refused
    lost.wait(10)
    assert jobs.job(sqlite, key)["result"] == "second"
    assert results(sqlite) == {"job submitted": 1, "job done": 1}
    assert audit.verify(sqlite).fault is None
