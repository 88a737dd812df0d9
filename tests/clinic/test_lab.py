"""The immune system lab: courses that are those of the published model, and policies that were learned."""

from __future__ import annotations

import time

import pytest

from posology.clinic import lab
from posology.clinic.errors import NotFound
from posology.clinic.store import jobs
from posology.clinic.tasks import checked_lab, tasks
from posology.clinic.worker import work


def test_an_untreated_course_and_one_under_drug_meet_the_printed_values_of_the_model():
    untreated, treated = (lab.course("young", "constant", 60, dose=dose) for dose in (0.0, 1.0))
    assert untreated["tumour"][10] == pytest.approx(0.34250, abs=1e-4)  # tests of immune-depillis2003: u 0 and u 1
    assert treated["tumour"][10] == pytest.approx(0.20274, abs=1e-4) and treated["tumour"][50] == pytest.approx(0.02181, abs=1e-4)
    assert (untreated["normal"][0], untreated["tumour"][0], untreated["dose"][0]) == pytest.approx((0.9, 0.2, 0.0))
    assert untreated["ended_by_harm_on_day"] == len(untreated["dose"]) < 60
    assert untreated["normal"][-1] < untreated["least_normal"] <= untreated["normal"][-2]


def test_a_constant_dose_returns_what_the_problem_says():
    types = lab.choices()["types"]
    found = [lab.course(kind, "constant", dose=0.5)["reward"] for kind in types]
    assert sum(found) / len(types) == pytest.approx(1.09, abs=0.3)  # a third of the patients each, measured on drawn ones
    assert found[0] > found[1] > found[2]


def test_an_answer_has_its_units_its_status_and_takes_few_milliseconds():
    lab.course("young", "constant", dose=0.1)
    begun = time.perf_counter()
    told = lab.course("elderly", "constant", 30, dose=0.2)
    assert time.perf_counter() - begun < 0.05
    assert set(told["units"]) >= {"time", "tumour", "normal", "immune", "drug", "dose"} and "not calibrated" in told["status"]
    assert len(told["time"]) == len(told["tumour"]) == 31 and len(told["dose"]) == 30


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "old"}, "type: 'old' is not known; allowed: young, elderly, pregnant"),
        ({"days": 0}, "days: is 0"),
        ({"days": 151}, "days: is 151; it must be a whole number from 1 to 150"),
        ({"dose": float("nan")}, "dose: is nan"),
        ({"dose": 1.1}, "dose: is 1.1"),
        ({"seed": -1}, "seed: is -1"),
        ({"policy": "../x"}, "policy: '../x' is not known; allowed: constant, q-learning, dqn, actor-critic"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_its_field(tmp_path, change, says):
    with pytest.raises(ValueError, match=says):
        lab.course(**{"kind": "young", "policy": "constant", "days": 5, "data": tmp_path} | change)


def test_a_policy_is_learned_by_a_job_once_and_then_doses(sqlite, tmp_path, monkeypatch):
    few = {"patients": 8, "cells": 8, "explore_over": 2}
    monkeypatch.setattr(lab, "LEARNED", {**lab.LEARNED, "q-learning": ("Q-learning with a table", "q-learning", 2, few)})
    with pytest.raises(NotFound, match="was not learned here yet"):
        lab.course("young", "q-learning", data=tmp_path)
    key = jobs.submit(sqlite, "lab", checked_lab({"policy": "q-learning"}), "dr.a")
    assert work(sqlite, "w", tasks(tmp_path)) == "done" and lab.learned(tmp_path, "q-learning")
    told = jobs.job(sqlite, key)
    course = lab.course("young", "q-learning", data=tmp_path)
    assert course["policy"]["evaluation"]["return_mean"] == told["result"]["return_mean"]
    assert set(course["dose"]) <= set(lab.LEVELS) and told["progress"]["curve"][-1]["updates"] == 2
    assert lab.learn(tmp_path, "q-learning")["samples"] == told["result"]["samples"]
    with pytest.raises(ValueError, match="policy: 'ppo' is not known"):
        checked_lab({"policy": "ppo"})
