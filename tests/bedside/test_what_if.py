"""What if: the course of the key reading under a dose."""

from __future__ import annotations

import pytest

from posology.bedside.recommend import recommend
from posology.bedside.what_if import what_if

NOW = 1512.0


def test_the_course_starts_at_what_is_believed_now_and_lasts_until_the_next_visit(label, patient):
    found = what_if(label, patient(), "110 mg/m2", NOW)
    assert found["days"] == list(range(22))
    assert all(len(curve) == 22 for curve in found["percentiles"].values())
    p = found["percentiles"]
    assert all(p["5"][d] < p["25"][d] < p["50"][d] < p["75"][d] < p["95"][d] for d in range(22))
    assert min(p["50"]) < p["50"][0]
    assert (found["mg"], found["reading"], found["reading_unit"]) == (198.0, "anc", "10*9/L")


def test_it_agrees_with_the_recommendation(label, patient):
    option = next(o for o in recommend(label, "standard", patient(), NOW)["options"] if o["label"] == "110 mg/m2")
    end = [curve[-1] for q, curve in what_if(label, patient(), 110, NOW)["percentiles"].items() if q in ("5", "95")]
    shown = option["reading"]["at_next_visit"]
    assert end == pytest.approx([shown["lower"], shown["upper"]], rel=1e-3)


def test_more_dose_is_a_lower_course_and_no_dose_the_highest(label, patient):
    low, high = (min(what_if(label, patient(), dose, NOW)["percentiles"]["50"]) for dose in (175, 70))
    assert low < high
    assert min(what_if(label, patient(), "wait a week", NOW)["percentiles"]["50"]) > high


def test_a_dose_that_a_limit_forbids_is_shown_and_the_limit_named(label, patient):
    assert what_if(label, patient(), 250, NOW)["forbidden_by"] == "paclitaxel-maximum"
    assert what_if(label, patient(), 175, NOW)["forbidden_by"] is None


@pytest.mark.parametrize(
    ("dose", "said"), [("much", "is neither an amount in mg/m2 nor one of: wait a week"), (-1, "dose -1: is not allowed")]
)
def test_a_dose_that_is_none_is_refused(label, patient, dose, said):
    with pytest.raises(ValueError, match=said):
        what_if(label, patient(), dose, NOW)
