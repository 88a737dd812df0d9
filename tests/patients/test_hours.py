"""A model in days is the same patient when it is read in hours."""

from __future__ import annotations

import pytest

from posology.patients import case
from posology.patients.catalogue import model
from posology.patients.hours import in_hours


def test_a_course_in_hours_is_the_course_in_days():
    days = model("prostate-strobl2021")
    hours = in_hours(days)
    told = {"doses": [{"time": 0, "amount": 40, "duration": 40}], "times": [0, 20, 40, 90]}
    dose = {"time": 0, "amount": 40, "duration": 40 * 24}  # amounts keep their unit
    scaled = {"doses": [dose], "times": [t * 24 for t in told["times"]]}
    one, other = case.simulate(case.read(days, told)), case.simulate(case.read(hours, scaled))
    assert other["readings"]["size"] == pytest.approx(one["readings"]["size"], rel=2e-6)
    assert one["readings"]["size"][2] < 0.75 < one["readings"]["size"][3]
    assert (other["time_unit"], one["time_unit"]) == ("h", "d")


def test_a_model_in_hours_stays_as_it_is():
    assert in_hours(model("docetaxel-kloft2006")) is model("docetaxel-kloft2006")
