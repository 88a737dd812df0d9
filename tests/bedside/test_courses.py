"""What if, side by side: past and future of up to four regimens, on the same draws."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posology.bedside.courses import courses
from posology.bedside.recommend import recommend
from posology.environments.catalogue import TREATMENTS

NOW = 1512.0
ASKED = (
    {"dose": "110 mg/m2"}, {"dose": 110, "every_days": 14}, {"dose": 110, "start_in_days": 7}, {"dose": "wait a week"},
)  # fmt: skip


@pytest.fixture
def found(label, patient):
    return courses(label, patient(), ASKED, NOW, days=42)


def median(regimen, day, reading="anc"):
    return np.interp(day, regimen["time"], regimen["readings"][reading]["percentiles"]["50"])


def test_doses_are_given_where_and_as_often_as_asked(found):
    assert [r["given"] for r in found["regimens"]] == [[0.0, 21.0], [0.0, 14.0, 28.0], [7.0, 28.0], []]
    assert [r["next_visit"] for r in found["regimens"]] == [21.0, 14.0, 28.0, 7.0]
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    for r in found["regimens"]:
        assert r["time"][0] == 0.0 and r["time"][-1] == 42.0
        assert all(len(c) == len(r["time"]) for v in r["readings"].values() for c in v["percentiles"].values())


def test_all_start_at_what_is_believed_now_where_the_past_ends(found):
    last = {q: c[-1] for q, c in found["past"]["readings"]["anc"]["percentiles"].items()}
    for r in found["regimens"]:
        assert {q: c[0] for q, c in r["readings"]["anc"]["percentiles"].items()} == pytest.approx(last, rel=1e-4)
    assert found["past"]["time"][0] == -63.0 and found["past"]["time"][-1] == 0.0
    assert [d["time"] for d in found["past"]["doses"]] == [-63.0, -42.0, -21.0]
    assert found["past"]["measured"][0] == {"time": -56.0, "name": "anc", "value": 1.2, "unit": "10*9/L", "below": False}
    assert found["target"] == {"low": 0.5, "high": 2.0, "of": "lowest"}


def test_the_past_follows_what_was_measured(found):
    p, at = found["past"], [-56.0, -53.0, -35.0, -32.0, -14.0, -11.0]
    seen = [np.interp(t, p["time"], p["readings"]["anc"]["percentiles"]["50"]) for t in at]
    assert np.log(seen) == pytest.approx(np.log([1.2, 0.6] * 3), abs=0.6)  # the residual error has an SD of about 0.4


def test_a_regimen_of_the_table_brings_what_the_recommendation_says(found, label, patient):
    option = next(o for o in recommend(label, "standard", patient(), NOW)["options"] if o["label"] == "110 mg/m2")
    r = found["regimens"][0]
    assert r["harm"] == pytest.approx(option["harm"], abs=1e-6)
    assert r["mg"] == option["mg"]
    curve = r["readings"]["anc"]["percentiles"]
    at = r["time"].index(21.0)
    shown = option["reading"]["at_next_visit"]
    assert [curve[q][at] for q in ("5", "95")] == pytest.approx([shown["lower"], shown["upper"]], rel=1e-3)


def test_a_shorter_interval_is_a_lower_count_and_a_delay_moves_the_same_nadir(found):
    usual, often, late, none = found["regimens"]
    assert median(often, 24) < 0.7 * median(usual, 24)
    nadirs = [min(r["time"], key=lambda day, r=r: median(r, day) if day < 21 + r["start_in_days"] else 9) for r in (usual, late)]
    assert nadirs[1] - nadirs[0] == pytest.approx(7.0, abs=1.0)
    assert median(none, 40) > median(late, 40)
    assert none["harm"]["grade4"] == 0.0


def test_a_limit_that_waiting_may_open_is_left_to_the_day(label, patient):
    low = patient(observations=[{"time": 1500.0, "name": "anc", "value": 0.8, "unit": "10*9/L"}])
    now, later = courses(label, low, [{"dose": 110}, {"dose": 250, "start_in_days": 7}], NOW)["regimens"]
    assert (now["forbidden_by"], now["judged_on_the_day"]) == ("anc-gate", [])
    assert (later["forbidden_by"], later["judged_on_the_day"]) == ("paclitaxel-maximum", ["anc-gate"])


def test_another_record_dose_interval_or_start_compiles_nothing(found, label, patient, compilations):
    early = patient(doses=[], observations=[])
    with compilations() as compiled:
        courses(label, early, [{"dose": 95, "every_days": 10.5, "start_in_days": 0.5}], 0.0)
        courses(label, patient(), [{"dose": 80 + i, "every_days": 7 + i} for i in range(4)], NOW)
    assert compiled == []


def test_doses_several_times_a_day_are_followed_as_the_table_says(newborn):
    treatment = TREATMENTS["phenobarbital-maintenance-v1"]
    label = treatment.actions[-1].label
    asked = [{"dose": label}, {"dose": label, "start_in_days": 1}]
    answer = courses(treatment, newborn(3), asked, 36.0, draws=32)
    first, late = answer["regimens"]
    assert first["given"] == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert late["given"] == [1.0, 1.5, 2.0, 2.5, 3.0, 3.5]
    assert median(late, 0.9, "concentration") < median(first, 0.9, "concentration")
    assert answer["target"] == {"low": 15.0, "high": 30.0, "of": "course"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ([], "regimens: 0 were asked for; allowed are 1 to 4"),
        ([{"dose": 100}] * 5, "5 were asked for"),
        ([{"dose": 100}, {"dose": "much"}], "dose 'much': is neither an amount in mg/m2 nor one of: wait a week"),
        ([{"dose": 100, "every_days": 0}], "regimen 1, every_days: '0' is not allowed; it must be a number of days from 0.125"),
        ([{"dose": 100, "every_days": "weekly"}], "every_days: 'weekly' is not allowed"),
        ([{"dose": 100, "start_in_days": -1}], "start_in_days: '-1' is not allowed; it must be a number of days from 0 to 182"),
        ([{"dose": 100, "start": 1}], "regimen 1: says dose, start; it needs a dose"),
    ],
)
def test_what_is_no_regimen_is_refused_with_what_is_allowed(label, patient, asked, said):
    with pytest.raises(ValueError, match=said):
        courses(label, patient(), asked, NOW)
