"""Nearest virtual patients, and the worth of the next measurement against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from posology.explanation.nearest import nearest
from posology.explanation.next_lab import symmetric_errors, worth
from posology.patients.particles import normal_points

K = 512


def test_distance_is_in_standard_deviations_of_the_population():
    cohort = np.array([[0.3, 0.0], [0.0, 2.0], [0.3, 2.0], [9.0, 9.0]])
    near = nearest(cohort, np.array([0.3, 0.3, 0.4, 0.0]), np.zeros(2), np.array([0.3, 1.0]), 2)
    assert near.rows.tolist() == [0, 1]
    np.testing.assert_allclose(near.distance, [np.sqrt(0.5), np.sqrt(2)])
    assert near.usual == pytest.approx(np.sqrt(2))


def test_patients_without_weight_do_not_exist():
    near = nearest(np.zeros((4, 1)), np.array([0.0, 1.0, 0.0, 1.0]), np.zeros(1), np.ones(1), 4)
    assert near.rows.tolist() == [1, 3]


def gaussian(slope, sd, draws=K):
    """θ ~ N(0, 1), y = slope·θ + N(0, sd²): E[Var(θ | y)] = sd²/(slope² + sd²)."""
    theta = normal_points(draws, 1)[:, 0]
    weight = np.full(draws, 1 / draws)
    values = slope * theta + sd * symmetric_errors(0, draws)
    told = lambda y, f: -0.5 * ((y[:, None] - f[None]) / sd) ** 2  # noqa: E731
    return worth(theta, weight, values, slope * theta, told)


@pytest.mark.parametrize(("slope", "sd"), [(1.0, 1.0), (1.0, 0.3), (0.2, 1.0), (2.0, 0.5)])
def test_a_linear_gaussian_measurement_is_worth_its_closed_form(slope, sd):
    w = gaussian(slope, sd)
    exact = sd**2 / (slope**2 + sd**2)
    assert w.before == pytest.approx(1.0, abs=0.02)
    assert w.expected == pytest.approx(exact, abs=0.01 + 3 * w.error)
    assert w.narrows == pytest.approx(1 - np.sqrt(exact), abs=0.03)


def test_a_measurement_of_nothing_is_worth_nothing_and_a_better_one_is_worth_more():
    none = gaussian(0.0, 1.0)
    assert none.narrows < 0.01 and none.effective == pytest.approx(K - 1, rel=0.01)
    shares = [gaussian(1.0, sd).narrows for sd in (2.0, 1.0, 0.5, 0.25)]
    assert shares == sorted(shares)


def test_how_many_draws_still_count_says_when_the_estimate_means_nothing():
    """An error far smaller than the distance between draws leaves one, which looks certain; it is not the truth's own."""
    w = gaussian(1.0, 1e-4, 64)
    assert w.effective < 1.5
    assert gaussian(1.0, 1.0, 64).effective > 20


def test_unequal_weights_stand_for_the_same_belief_as_repeated_draws():
    theta = np.array([0.0, 1.0, 2.0])
    told = lambda y, f: -0.5 * (y[:, None] - f[None]) ** 2  # noqa: E731
    w = worth(theta, np.array([0.5, 0.25, 0.25]), theta[None], theta, told)
    assert w.before == pytest.approx(0.6875)
