"""Shapley values: sums, symmetry, known games, and the stated error of the sampled ones."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from posology.explanation import attribution
from posology.explanation.attribution import attribute


def test_the_glove_game_has_its_published_values():
    """One left glove and two right ones, a pair is worth 1: 2/3 for the left, 1/6 for each right (Osborne 2004, ch. 8)."""
    a = attribute(lambda s: float(0 in s and len(s) > 1), 3)
    np.testing.assert_allclose(a.values, [2 / 3, 1 / 6, 1 / 6], atol=1e-12)
    assert (a.method, a.asked, a.typical, a.actual) == ("exact", 8, 0.0, 1.0)


def test_a_sum_of_shares_and_a_product_is_taken_apart_exactly():
    """What two inputs do only together is split between them; what one does alone is its own; a dummy gets nothing."""
    a = attribute(lambda s: 5.0 * (0 in s) - 2.0 * (1 in s) + 4.0 * ({1, 2} <= s), 4)
    np.testing.assert_allclose(a.values, [5.0, 0.0, 2.0, 0.0], atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(0, 10_000))
def test_the_values_add_up_to_the_difference_whatever_the_choice(n, seed):
    table = np.random.default_rng(seed).normal(size=2**n) * 100
    a = attribute(lambda s: table[sum(1 << i for i in s)], n)
    assert a.values.sum() == pytest.approx(a.actual - a.typical, abs=1e-9)


def test_many_inputs_are_sampled_with_an_error_that_covers_the_truth(monkeypatch):
    """The same game by all subsets and by orders: nine in ten of 90 % intervals hold the truth, and the sum stays exact."""
    rng = np.random.default_rng(3)
    table = rng.normal(size=2**6) * 10

    def worth(s):
        return table[sum(1 << i for i in s)]

    truth = attribute(worth, 6).values
    monkeypatch.setattr(attribution, "EXACT", 0)
    inside = []
    for seed in range(60):
        a = attribute(worth, 6, seed)
        assert a.method == "sampled" and a.values.sum() == pytest.approx(a.actual - a.typical, abs=1e-9)
        inside += list(np.abs(a.values - truth) < 1.70 * a.errors)  # Student's t, 31 degrees of freedom
    assert 0.84 < np.mean(inside) < 0.96
    assert attribute(worth, 6, 1).asked <= 64


def test_eleven_inputs_are_sampled_and_a_linear_choice_has_no_error():
    a = attribute(lambda s: float(sum(s)), 11)
    assert a.method == "sampled" and a.asked < 2**11
    np.testing.assert_allclose(a.values, np.arange(11), atol=1e-9)
    np.testing.assert_allclose(a.errors, 0, atol=1e-9)


def test_nothing_that_entered_is_nothing_that_moved():
    a = attribute(lambda s: 7.0, 0)
    assert len(a.values) == 0 and a.actual == a.typical == 7.0
