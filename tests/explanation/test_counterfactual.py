"""The smallest change of one fact: a threshold that is known is found from its right side, and none where there is none."""

from __future__ import annotations

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from posology.explanation.counterfactual import FINENESS, changes, gap


def test_a_threshold_is_found_between_the_values_that_enclose_it():
    found = changes(lambda v: 140.0 if v < 0.5 else 175.0, 1.6, 0.1, 25.0)
    assert set(found) == {"lower"}
    low = found["lower"]
    assert low.value < 0.5 <= low.before and low.amount == 140.0
    assert low.value == pytest.approx(0.5, rel=2 * FINENESS)
    assert low.size(1.6) == pytest.approx(1.6 / low.value)


def test_of_changes_up_and_down_the_smaller_one_counts():
    """Lower doses on both sides: below 0.5 and above 2; a higher one above 20 only."""
    found = changes(lambda v: 3.0 if v > 20 else 1.0 if v < 0.5 or v > 2 else 2.0, 1.6, 0.1, 25.0)
    assert found["lower"].value == pytest.approx(2, rel=0.02) and found["lower"].value > 2
    assert found["higher"].value == pytest.approx(20, rel=0.02)


def test_a_choice_that_does_not_go_by_the_fact_has_no_counterfactual():
    assert changes(lambda v: 100.0, 1.6, 0.1, 25.0) == {}
    assert changes(lambda v: 100.0 if v < 30 else 50.0, 1.6, 0.1, 25.0) == {}


@settings(max_examples=50, deadline=None)
@given(st.floats(0.02, 50), st.floats(0.02, 50))
def test_every_single_threshold_within_the_range_is_found(recorded, threshold):
    assume(abs(recorded - threshold) > 1e-6 * recorded)
    found = changes(lambda v: float(v >= threshold), recorded, 0.01, 100.0)
    kind = "higher" if recorded < threshold else "lower"
    change = found.pop(kind)
    assert not found and (change.value >= threshold) != (recorded >= threshold)
    assert abs(change.value / threshold - 1) < 3 * FINENESS
    assert (change.before >= threshold) == (recorded >= threshold)


def test_the_answer_names_how_far_apart_the_search_looks():
    seen: list[float] = []
    changes(lambda v: seen.append(v) or 1.0, 2.0, 0.5, 8.0)
    ordered = sorted(seen)
    assert max(b / a for a, b in zip(ordered, ordered[1:], strict=False)) == pytest.approx(gap(2.0, 0.5, 8.0))


def test_a_value_that_is_not_positive_is_refused():
    with pytest.raises(ValueError, match="must be above 0"):
        changes(lambda v: 1.0, 0.0, 0.1, 2.0)
