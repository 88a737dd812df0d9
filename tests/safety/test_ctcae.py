"""CTCAE v5.0 laboratory grades at and beside every boundary."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.environments import reward
from posology.evaluation.endpoints import GRADE_BOUNDS
from posology.figures import style
from posology.safety.ctcae import SCALES, bounds, grade


@pytest.mark.parametrize(
    ("test", "value", "expected"),
    [
        ("anc", 2.0, 0), ("anc", 1.99, 1), ("anc", 1.5, 1), ("anc", 1.0, 2), ("anc", 0.99, 3), ("anc", 0.5, 3), ("anc", 0.49, 4),
        ("platelets", 75.0, 1), ("platelets", 24.9, 4), ("leukocytes", 0.9, 4), ("lymphocytes", 0.5, 2), ("haemoglobin", 79.0, 3),
        ("potassium-high", 5.5, 1), ("potassium-high", 7.1, 4), ("potassium-low", 3.2, 1), ("potassium-low", 2.9, 3),
        ("magnesium-low", 0.29, 4), ("inr", 1.2, 0), ("inr", 9.0, 3), ("glucose-low", 1.6, 4), ("bilirubin", 21.0, 0),
        ("bilirubin", 64.0, 3), ("alt", 176.0, 3), ("ggt", 801.0, 4), ("creatinine", 90.1, 1), ("creatinine", 541.0, 4),
    ],
)  # fmt: skip
def test_a_value_has_the_grade_of_the_table(test, value, expected):
    assert grade(test, value).grade == expected


def test_the_laboratorys_own_limit_counts_and_a_default_is_said():
    assert grade("anc", 1.7, normal=1.6) == (0, None)
    assert grade("anc", 1.7) == (1, 2.0)
    assert grade("haemoglobin", 125.0) == (0, 120.0) and grade("haemoglobin", 125.0, male=True) == (1, 130.0)
    assert grade("inr", 1.3) == (1, None)  # graded by itself


def test_an_abnormal_value_before_treatment_changes_the_scale():
    assert grade("bilirubin", 60.0, normal=21.0, before=50.0).grade == 1  # 1.2 times before; 2.9 times normal would be 2
    assert grade("bilirubin", 60.0, normal=21.0, before=10.0).grade == 2  # it was normal before
    assert grade("alt", 150.0, normal=40.0, before=90.0).grade == 1
    assert grade("alp", 230.0, normal=120.0, before=130.0).grade == 0  # below twice the value before
    assert grade("creatinine", 120.0, normal=110.0, before=60.0).grade == 2  # twice the value before, whatever is normal


@given(st.sampled_from(sorted(SCALES)), st.floats(0.0, 2000.0), st.floats(1.0, 2.0))
def test_a_worse_value_never_has_a_milder_grade(test, value, factor):
    worse = value / factor if SCALES[test].falls else value * factor
    assert grade(test, worse).grade >= grade(test, value).grade


@pytest.mark.parametrize("nadir", [2.5, 2.0, 1.99, 1.5, 1.2, 1.0, 0.9, 0.5, 0.49, 0.01])
def test_grades_of_the_reward_and_of_the_trial_are_those_of_the_table(nadir):
    found = grade("anc", nadir).grade
    i = reward.Interval(175.0, 1.0, nadir, nadir, 21.0)
    assert reward.grade4(i) == (found == 4) and reward.grade0(i) == (found == 0)
    assert sum(nadir < bound for bound in GRADE_BOUNDS) == found


def test_what_is_not_graded_is_a_sentence():
    with pytest.raises(ValueError, match="unknown laboratory test 'sodium'; known: anc"):
        grade("sodium", 1.0)
    with pytest.raises(ValueError, match=r"anc: -1.0 is not allowed; it must be at least 0 10\*9/L"):
        grade("anc", -1.0)


def test_bounds_are_those_of_the_table():
    assert bounds("anc") == GRADE_BOUNDS == (2.0, 1.5, 1.0, 0.5)
    assert (reward.GRADE_0_FROM, reward.GRADE_2_BELOW, reward.GRADE_4_BELOW) == (2.0, 1.5, 0.5)
    assert [line[0] for line in style.GRADE_LINES] == [2.0, 0.5]
    with pytest.raises(ValueError, match="haemoglobin: not every grade is decided by a value"):
        bounds("haemoglobin")
