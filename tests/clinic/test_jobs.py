"""Jobs: each is done once, whatever becomes of its worker, on each database."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from posology.clinic import audit
from posology.clinic.errors import Conflict, NotFound
from posology.clinic.store import jobs
from posology.clinic.worker import work

SOON = timedelta(seconds=30)


def test_the_oldest_job_of_a_kind_is_taken_first_and_its_result_kept(engine):
    first, second = (jobs.submit(engine, "trial", {"patients": n}, "dr.a") for n in (1, 2))
    jobs.submit(engine, "training", {}, "dr.a")
    held = jobs.claim(engine, "w1", ["trial"])
    assert (held.key, held.arguments, held.fence) == (first, {"patients": 1}, 1)
    assert jobs.claim(engine, "w2", ["trial"]).key == second
    assert jobs.claim(engine, "w3", ["trial"]) is None
    assert jobs.renew(engine, held, {"done": 3})
    assert jobs.job(engine, first)["progress"] == {"done": 3}
    assert jobs.finish(engine, held, "w1", {"return": 0.5}) == "done"
    found = jobs.job(engine, first)
    assert (found["state"], found["result"], found["attempts"]) == ("done", {"return": 0.5}, 1)
    assert [j["kind"] for j in jobs.list_jobs(engine)][0] == "training"


def test_a_worker_that_lost_its_lease_is_refused_and_the_next_goes_on_from_its_progress(engine):
    key, now = jobs.submit(engine, "trial", {}, "dr.a"), datetime.now(UTC)
    lost = jobs.claim(engine, "paused", ["trial"], SOON, now)
    jobs.renew(engine, lost, {"chunk": 7}, SOON, now)
    assert jobs.claim(engine, "w2", ["trial"], SOON, now + SOON / 2) is None
    taken = jobs.claim(engine, "w2", ["trial"], SOON, now + 2 * SOON)
    assert (taken.key, taken.progress, taken.fence) == (key, {"chunk": 7}, lost.fence + 1)
    with pytest.raises(Conflict, match="no longer in the hands"):
        jobs.finish(engine, lost, "paused", "the first one's")
    with pytest.raises(Conflict, match="no longer in the hands"):
        jobs.renew(engine, lost)
    assert jobs.finish(engine, taken, "w2", "the second one's") == "done"
    assert jobs.job(engine, key)["result"] == "the second one's"
    with pytest.raises(Conflict):
        jobs.finish(engine, taken, "w2", "again")


def test_a_job_that_loses_every_worker_fails_with_the_reason(engine):
    key, now = jobs.submit(engine, "trial", {}, "dr.a"), datetime.now(UTC)
    for attempt in range(jobs.ATTEMPTS):
        assert jobs.claim(engine, "w", ["trial"], SOON, now + attempt * 2 * SOON)
    assert jobs.claim(engine, "w", ["trial"], SOON, now + 10 * SOON) is None
    assert jobs.job(engine, key)["state"] == "failed"
    assert "begun 3 times" in jobs.job(engine, key)["error"]


def test_a_cancelled_job_stops_at_its_next_word(engine):
    waits, runs = (jobs.submit(engine, "trial", {}, "dr.a") for _ in range(2))
    assert jobs.cancel(engine, waits, "dr.b") == "cancelled"
    with pytest.raises(Conflict, match="ended already, cancelled"):
        jobs.cancel(engine, waits, "dr.b")
    said = []

    def task(arguments, report):
        report({"step": 1})
        jobs.cancel(engine, runs, "dr.b")
        said.append("asked")
        report({"step": 2})
        said.append("went on")

    assert work(engine, "w", {"trial": task}) == "cancelled"
    assert said == ["asked"] and jobs.job(engine, runs)["result"] is None
    with pytest.raises(NotFound, match="is not here"):
        jobs.cancel(engine, "0" * 32, "dr.b")


def test_many_workers_do_every_job_once(engine):
    for n in range(12):
        jobs.submit(engine, "count", {"n": n}, "dr.a")
    done = []

    def worker(name):
        while work(engine, name, {"count": lambda arguments, report: done.append(arguments["n"])}):
            pass

    threads = [threading.Thread(target=worker, args=(f"w{i}",)) for i in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert sorted(done) == list(range(12))
    assert {j["state"] for j in jobs.list_jobs(engine)} == {"done"}
    assert audit.verify(engine).fault is None


def test_a_task_that_says_nothing_for_long_keeps_its_lease_and_a_defect_ends_the_job_alone(sqlite):
    jobs.submit(sqlite, "long", {}, "dr.a")
    lease, taken = timedelta(seconds=0.6), []

    def task(arguments, report):
        time.sleep(1.0)
        taken.append(jobs.claim(sqlite, "thief", ["long"], lease))
        return "mine"

    assert work(sqlite, "w", {"long": task}, lease) == "done"
    assert taken == [None]
    key = jobs.submit(sqlite, "broken", {}, "dr.a")
    assert work(sqlite, "w", {"broken": lambda arguments, report: 1 / 0}) == "failed"
    assert jobs.job(sqlite, key)["error"] == "ended by a defect: ZeroDivisionError"


@pytest.mark.parametrize(
    ("kind", "arguments", "says"),
    [("", {}, "kind: must be"), ("trial", {"x": float("nan")}, "plain data"), ("trial", {"x": {1}}, "plain data")],
)
def test_a_job_that_cannot_be_kept_is_refused(sqlite, kind, arguments, says):
    with pytest.raises(ValueError, match=says):
        jobs.submit(sqlite, kind, arguments, "dr.a")
    assert jobs.list_jobs(sqlite) == []
