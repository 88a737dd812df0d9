"""Fronts and hypervolumes by hand, and against counting."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.evaluation.pareto import hypervolume, non_dominated

POINTS = np.array([[1.0, 5.0], [3.0, 3.0], [5.0, 1.0], [2.0, 2.0], [3.0, 3.0]])


def test_the_front_is_what_nothing_else_beats():
    assert non_dominated(POINTS).tolist() == [True, True, True, False, True]


def test_the_area_under_a_front_of_three():
    assert hypervolume(POINTS, np.zeros(2)) == pytest.approx(1 * 5 + 2 * 3 + 2 * 1)
    assert hypervolume(POINTS, np.array([2.0, 0.0])) == pytest.approx(1 * 3 + 2 * 1)
    assert hypervolume(POINTS, np.array([9.0, 9.0])) == 0.0


@given(st.lists(st.tuples(*[st.integers(1, 6)] * 3), min_size=1, max_size=8))
def test_the_volume_is_the_number_of_unit_cubes_below_some_point(points):
    cubes = sum(
        any(x < p[0] and y < p[1] and z < p[2] for p in points) for x in range(6) for y in range(6) for z in range(6)
    )
    assert hypervolume(np.array(points), np.zeros(3)) == pytest.approx(cubes)
    front = np.array(points)[non_dominated(np.array(points))]
    assert hypervolume(front, np.zeros(3)) == pytest.approx(cubes)
