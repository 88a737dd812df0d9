"""Intervals: exact cases, and coverage over simulated data sets whose truth is known."""

from __future__ import annotations

import numpy as np
import pytest

from posology.evaluation import intervals
from posology.evaluation.intervals import coverage, interval, paired, patient_counts, patient_sums, proportion


def test_every_resample_draws_as_many_patients_as_there_are():
    counts = np.concatenate(list(patient_counts(37, draws=50, seed=3)))
    assert counts.shape == (50, 37)
    assert (counts.sum(1) == 37).all()
    assert 0.8 < counts.var() < 1.2  # a multinomial count has variance 1 − 1/N


def test_resamples_do_not_depend_on_the_size_of_a_block(monkeypatch):
    columns = np.random.default_rng(0).random((40, 3))
    whole = patient_sums(columns, draws=64, seed=1)
    monkeypatch.setattr(intervals, "_BLOCK", 400)
    np.testing.assert_allclose(patient_sums(columns, draws=64, seed=1), whole, rtol=1e-6)


def test_a_single_seed_gives_the_normal_theory_width_of_a_mean():
    values = np.random.default_rng(1).normal(3.0, 2.0, size=(1, 4000))
    mean, lower, upper = interval(values, draws=4000, seed=5)
    assert mean == pytest.approx(values.mean())
    assert upper - lower == pytest.approx(2 * 1.96 * values.std() / np.sqrt(4000), rel=0.06)


def test_a_ratio_redraws_its_denominator_with_its_numerator():
    under = np.random.default_rng(2).integers(1, 7, size=(1, 200)).astype(float)
    mean, lower, upper = interval(0.25 * under, under, draws=500)
    assert (mean, lower, upper) == pytest.approx((0.25, 0.25, 0.25))


def test_an_arm_does_not_differ_from_itself():
    values = np.random.default_rng(3).random((1, 100))
    assert paired(values, None, values, None, draws=300) == pytest.approx((0, 0, 0), abs=1e-6)


def test_pairing_cancels_what_patients_have_in_common():
    generator = np.random.default_rng(4)
    patient = generator.normal(0, 5, size=(1, 300))
    one, other = patient + 1 + generator.normal(0, 0.1, (1, 300)), patient + generator.normal(0, 0.1, (1, 300))
    difference = paired(one, None, other, None, draws=1000)
    assert difference.upper - difference.lower < 0.05
    assert interval(one, draws=1000).upper - interval(one, draws=1000).lower > 0.5


def test_arms_with_other_patients_are_refused():
    with pytest.raises(ValueError, match="same patients, got 3 and 4"):
        paired(np.ones((1, 3)), None, np.ones((1, 4)), None)


def test_values_that_are_not_finite_are_refused_with_their_number():
    with pytest.raises(ValueError, match="numerator holds 2 values that are not finite"):
        interval(np.array([[1.0, np.nan, np.inf]]))


def test_an_empty_denominator_gives_no_number_and_no_error():
    assert np.isnan(interval(np.zeros((1, 5)), np.zeros((1, 5)), draws=20)).all()


def test_training_seeds_widen_the_interval_when_they_differ():
    patient = np.random.default_rng(5).normal(size=(1, 500))
    alike = interval(np.repeat(patient, 3, axis=0), draws=1000)
    apart = interval(patient + np.array([[-1.0], [0.0], [1.0]]), draws=1000)
    assert apart.upper - apart.lower > 5 * (alike.upper - alike.lower)


@pytest.mark.parametrize(
    ("seeds", "between", "least", "most"),
    [(1, 0.0, 0.92, 0.97), (3, 0.3, 0.93, 0.99), (3, 1.0, 0.92, 0.99), (5, 1.0, 0.90, 0.98)],
)
def test_intervals_cover_the_truth_over_500_data_sets(seeds, between, least, most):
    generator = np.random.default_rng(seeds)
    found = []
    for data_set in range(500):
        patient = generator.normal(size=(1, 60))
        values = 2 + patient + between * generator.normal(size=(seeds, 1)) + 0.3 * generator.normal(size=(seeds, 60))
        found.append(interval(values, draws=400, seed=data_set))
    share = coverage([i.lower for i in found], [i.upper for i in found], 2.0)
    assert least <= share.mean <= most, share


def test_a_share_of_cycles_within_patients_is_covered_over_500_data_sets():
    """Cycles of one patient resemble each other: counting each as independent would cover far less."""
    generator = np.random.default_rng(11)
    lower, upper, naive_lower, naive_upper = [], [], [], []
    for data_set in range(500):
        chance = generator.beta(0.6, 1.4, size=(1, 80))
        cycles = generator.integers(2, 7, size=(1, 80))
        events = generator.binomial(cycles, chance)
        _, low, high = interval(events, cycles, draws=400, seed=data_set)
        naive = proportion(int(events.sum()), int(cycles.sum()))
        lower.append(low), upper.append(high), naive_lower.append(naive.lower), naive_upper.append(naive.upper)
    assert 0.92 <= coverage(lower, upper, 0.3).mean <= 0.97
    assert coverage(naive_lower, naive_upper, 0.3).mean < 0.88


def test_the_exact_interval_of_a_proportion_is_the_published_one():
    # Clopper-Pearson of 5 in 20, as in textbooks: 0.0866 to 0.4910.
    assert proportion(5, 20) == pytest.approx((0.25, 0.0866, 0.4910), abs=1e-4)
    assert proportion(0, 100).upper == pytest.approx(1 - 0.025 ** (1 / 100))
    assert proportion(7, 7).upper == 1.0


@pytest.mark.parametrize(("events", "trials"), [(3, 2), (-1, 5), (0, 0)])
def test_impossible_proportions_are_refused(events, trials):
    with pytest.raises(ValueError, match=f"got {events} of {trials}"):
        proportion(events, trials)
