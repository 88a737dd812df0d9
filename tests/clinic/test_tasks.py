"""A training and a trial as jobs: what they print is what the commands print, and no argument reaches the server's files."""

from __future__ import annotations

import pytest

from posology.clinic.store import jobs
from posology.clinic.tasks import checked_training, checked_trial, folder, tasks
from posology.clinic.worker import work

TREATMENT = "phenobarbital-maintenance-v1"
TRAINING = {"treatment": TREATMENT, "learner": "ppo", "updates": 2, "settings": {"patients": 8, "repeats": 1, "epochs": 1}}


def test_a_policy_is_learned_by_one_job_and_tried_by_the_next(sqlite, tmp_path, monkeypatch):
    from posology.learners import loops

    small = loops.train
    monkeypatch.setattr(loops, "train", lambda *a, **k: small(*a, **k, pool=64, held_out=16, chunk=1))
    learned = jobs.submit(sqlite, "training", TRAINING, "dr.a")
    assert work(sqlite, "w", tasks(tmp_path)) == "done"
    told = jobs.job(sqlite, learned)
    assert told["result"]["run"] == f"job:{learned}" and told["progress"]["of"] == 2
    assert [point["updates"] for point in told["progress"]["curve"]] == [1, 2]
    asked = {"treatment": TREATMENT, "arms": ["standard", f"job:{learned}"], "patients": 8}
    tried = jobs.submit(sqlite, "trial", checked_trial(tmp_path, asked), "dr.a")
    assert work(sqlite, "w", tasks(tmp_path)) == "done"
    found = jobs.job(sqlite, tried)["result"]
    assert set(found["arms"]) == {"standard", f"job:{learned}"}  # their order stands in the arguments
    assert found["paired"][f"job:{learned}"]["versus"] == "standard"


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
