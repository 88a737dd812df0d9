"""A training and a trial as jobs: what they print is what the commands print, and no argument reaches the server's files."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest

from posology.clinic import database
from posology.clinic.settings import Settings
from posology.clinic.store import jobs
from posology.clinic.tasks import checked_training, checked_trial, folder, tasks
from posology.clinic.worker import RELEASED, asked_to_leave, work, work_on
from posology.commands import run
from posology.learners import loops
from posology.policies import storage

TREATMENT = "phenobarbital-maintenance-v1"
TRAINING = {"treatment": TREATMENT, "learner": "ppo", "updates": 2, "settings": {"patients": 8, "repeats": 1, "epochs": 1}}


def tiny(monkeypatch, **more):
    """Trainings of few patients, that compile as fast as they can."""
    train = loops.train
    monkeypatch.setattr(loops, "train", lambda *a, **k: train(*a, **{**k, "pool": 64, "held_out": 16, **more}))


def test_a_policy_is_learned_by_one_job_and_tried_by_the_next(sqlite, tmp_path, monkeypatch):
    tiny(monkeypatch)
    learned = jobs.submit(sqlite, "training", TRAINING, "dr.a")
    assert work(sqlite, "w", tasks(tmp_path)) == "done"
    told = jobs.job(sqlite, learned)
    assert told["result"]["run"] == f"job:{learned}" and told["progress"]["of"] == 2
    curve = told["progress"]["curve"]
    assert [point["updates"] for point in curve] == [1, 2] and all(p["lower"] <= p["return_mean"] <= p["upper"] for p in curve)
    assert curve[-1]["return_mean"] == told["result"]["return_mean"] and curve[0]["samples"] < curve[1]["samples"]
    asked = {"treatment": TREATMENT, "arms": ["standard", f"job:{learned}"], "patients": 8}
    tried = jobs.submit(sqlite, "trial", checked_trial(tmp_path, asked), "dr.a")
    assert work(sqlite, "w", tasks(tmp_path)) == "done"
    found = jobs.job(sqlite, tried)["result"]
    assert set(found["arms"]) == {"standard", f"job:{learned}"}  # their order stands in the arguments
    assert found["paired"][f"job:{learned}"]["versus"] == "standard"


def test_a_training_whose_worker_is_killed_goes_on_from_its_checkpoint_to_the_same_bits(sqlite, tmp_path, monkeypatch):
    from posology.clinic import tasks as ours

    monkeypatch.setattr(ours, "OFTEN", 0.0)
    tiny(monkeypatch, checkpoint_seconds=0.0)
    asked = {"treatment": "adaptive-fractionation-control-v1", "learner": "reinforce", "updates": 6}
    keys = [jobs.submit(sqlite, "training", asked, "dr.a") for _ in range(2)]
    assert work(sqlite, "whole", tasks(tmp_path)) == "done"
    now, hour = datetime.now(UTC), timedelta(hours=1)
    lost = jobs.claim(sqlite, "killed", ["training"], hour, now)
    heard = []

    class Killed(BaseException):
        """As the end of a process: no handler of a task catches it."""

    def dies(progress):
        jobs.renew(sqlite, lost, progress, hour, now)
        if progress["updates"] >= 4:
            raise Killed

    dies.held, dies.before = lost, None
    with pytest.raises(Killed):
        ours.training(tmp_path, lost.arguments, dies)
    assert storage.checkpoint_progress(storage.partial_folder(folder(tmp_path, lost.key)))["updates"] == 3
    taken = jobs.claim(sqlite, "next", ["training"], now=now + 2 * hour)
    assert taken.key == keys[1] and [p["updates"] for p in taken.progress["curve"]] == [1, 2, 3]
    goes_on = lambda progress: heard.append(progress["updates"])  # noqa: E731
    goes_on.held, goes_on.before = taken, taken.progress
    jobs.finish(sqlite, taken, "next", ours.training(tmp_path, taken.arguments, goes_on))
    assert min(heard) == 3, "learning began anew instead of going on"
    first, second = (jobs.job(sqlite, key)["result"] for key in keys)
    assert [first[n] for n in ("return_mean", "samples")] == [second[n] for n in ("return_mean", "samples")]
    assert len({(folder(tmp_path, key) / "policy.safetensors").read_bytes() for key in keys}) == 1


def test_a_worker_that_is_asked_to_leave_gives_its_job_back_uncounted(sqlite):
    key = jobs.submit(sqlite, "count", {}, "dr.a")
    with asked_to_leave() as leave:

        def task(arguments, report):
            report({"n": 1})
            os.kill(os.getpid(), signal.SIGTERM)
            report({"n": 2})

        assert work(sqlite, "w", {"count": task}, leave=leave) == RELEASED
        assert work_on(sqlite, "w", {"count": task}, leave) == 0
    told = jobs.job(sqlite, key)
    assert (told["state"], told["attempts"], told["progress"], told["worker"]) == ("queued", 0, {"n": 2}, None)
    assert jobs.claim(sqlite, "w2", ["count"]).progress == {"n": 2}


def test_the_command_does_what_waits_and_ends(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("POSOLOGY_DATA", str(tmp_path))
    monkeypatch.delenv("POSOLOGY_DATABASE", raising=False)
    assert run(["work", "--once"]) == 1 and "run `posology db upgrade`" in capsys.readouterr().err
    assert run(["db", "upgrade"]) == 0
    engine = database.engine(Settings().url)
    key = jobs.submit(engine, "trial", {"treatment": "nothing"}, "dr.a")
    assert run(["work", "--once", "--name", "w"]) == 0 and "1 jobs" in capsys.readouterr().out
    assert jobs.job(engine, key)["error"].startswith("arms: is missing")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"treatment": "nothing-v1"}, "treatment: 'nothing-v1' is not known"),
        ({"arms": ["../../etc/passwd"]}, "is not known; allowed are names"),
        ({"arms": ["/etc"]}, "is not known; allowed are names"),
        ({"arms": ["label=standard"]}, "is not known; allowed are names"),
        ({"arms": ["job:" + "0" * 32]}, "is no training of this clinic"),
        ({"arms": []}, "arms: must be a list of 1 to 10"),
        ({"patients": 1}, "patients: must be a whole number from 2"),
        ({"patients": True}, "patients: must be a whole number"),
        ({"patients": None}, "patients: is missing"),
        ({"out": "/tmp"}, "out: is no field of this job"),
    ],
)
def test_a_trial_that_cannot_be_or_would_reach_a_file_is_refused(tmp_path, change, says):
    with pytest.raises(ValueError, match=says):
        checked_trial(tmp_path, {"treatment": TREATMENT, "arms": ["standard"], "patients": 8} | change)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"learner": "sac"}, "needs a continuous dose"),
        ({"learner": "value-iteration"}, "computes its policy at once"),
        ({"updates": 10**6}, "updates: must be a whole number from 1 to 10000"),
        ({"settings": {"nothing": 1}}, "nothing"),
        ({"settings": [1]}, "settings: must be names"),
    ],
)
def test_a_training_that_cannot_be_is_refused(change, says):
    with pytest.raises(ValueError, match=says):
        checked_training(TRAINING | change)


def test_a_run_lies_under_its_jobs_key(tmp_path):
    assert folder(tmp_path, "a" * 32) == tmp_path / "runs" / ("a" * 32)
