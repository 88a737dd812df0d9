"""The engine, as shipped and precise, against SciPy on small cohorts."""

from __future__ import annotations

from functools import cache

import jax
import numpy as np
import pytest

from posology.benchmarks import accuracy, cohort, reference
from posology.patients.catalogue import MODELS

N = 16


@cache
def solved(model_id):
    p = cohort.problem(model_id)
    patients = cohort.draw(p, jax.random.key(1), N)
    return p, patients, reference.solve(p, patients, "LSODA", 1e-11)


@pytest.mark.parametrize("model_id", MODELS)
def test_a_cohort_meets_the_bar_in_the_arithmetic_that_ships(model_id):
    p, patients, exact = solved(model_id)
    e = reference.errors(p, accuracy.computed(p, patients), exact, patients)
    assert np.sort(e)[-2] <= 1e-4  # 99 % of all patients are below; of so few, one may not be
    assert e.max() <= 1e-3


@pytest.mark.parametrize("model_id", ["benchmark-oral-friberg", "paclitaxel-henrich2017", "phenobarbital-grasela1985"])
def test_precise_is_a_hundred_times_as_exact(model_id):
    p, patients, exact = solved(model_id)
    e = reference.errors(p, accuracy.computed(p, patients, precise=True), exact, patients)
    assert e.max() <= accuracy.bars(p, True)["max"]


def test_two_solvers_agree_on_the_reference():
    p, patients, exact = solved("benchmark-oral-friberg")
    other = reference.solve(p, patients, "DOP853")
    assert reference.errors(p, other, exact, patients).max() < 1e-7


def test_an_error_of_one_part_in_a_thousand_is_seen():
    p, patients, exact = solved("phenobarbital-grasela1985")
    assert reference.errors(p, 1.001 * exact, exact, patients).max() == pytest.approx(1e-3, rel=0.01)
    assert np.isinf(reference.errors(p, np.full_like(exact, np.nan), exact, patients)).all()


def test_a_state_in_which_there_is_nothing_has_no_relative_error():
    p, patients, exact = solved("phenobarbital-grasela1985")
    noise = np.full_like(exact, 1e-30)  # what a solver leaves where a state starts and stays at 0
    assert reference.errors(p, np.zeros_like(exact), noise, patients).max() < 1e-20


def test_patients_of_a_cohort_do_not_depend_on_how_many_are_drawn():
    p = cohort.problem("paclitaxel-henrich2017")
    few, many = (cohort.draw(p, jax.random.key(1), n) for n in (3, 8))
    np.testing.assert_array_equal(few.amount, many.amount[:3])
    np.testing.assert_array_equal(few.own.v1, many.own.v1[:3])
