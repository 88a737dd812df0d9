"""Marrow and tumour of two published models under one drug: each as published, and linked as said."""

from __future__ import annotations

import math

import pytest

from posology.patients.lung_chemotherapy import MODEL
from posology.patients.models import paclitaxel_henrich2017
from posology.quantities import numbers_of

CYCLE, BSA = 504.0, 1.8  # h, m2
FULL = 200 * BSA  # mg
CYCLES = 3


@pytest.fixture(scope="module")
def patient(individual_of):
    return individual_of(MODEL, {"bsa": BSA})


@pytest.fixture(scope="module")
def after(patient, scipy_course):
    """The reference patient's course of three cycles of a share of the full dose, solved once per share."""

    def course(share):
        doses = [(CYCLE * k, share * FULL, 3.0) for k in range(CYCLES)] if share else []
        return scipy_course(MODEL, patient, doses, CYCLES * CYCLE)

    return {share: course(share) for share in (0.0, 0.5, 1.0, 5.0)}


def published(p, days):
    return p.b * math.exp(p.kl * days - p.kd / p.lam * (1 - math.exp(-p.lam * days)))


def test_full_doses_meet_the_published_curve_at_the_end_of_every_cycle(after, patient):
    for cycle in range(1, CYCLES + 1):
        assert after[1.0].reading("tumour_size", CYCLE * cycle) == pytest.approx(published(patient, 21 * cycle), rel=1e-3)


def test_the_marrow_is_that_of_its_own_model(after, individual_of, scipy_course):
    alone = paclitaxel_henrich2017.MODEL
    course = scipy_course(alone, individual_of(alone, {"bsa": BSA}), [(0.0, FULL, 3.0)], CYCLE)
    assert after[1.0].extreme("anc", 0.0, CYCLE)[0] == pytest.approx(course.extreme("anc", 0.0, CYCLE)[0], rel=1e-6)
    assert course.extreme("anc", 0.0, CYCLE)[0] == pytest.approx(1.164, abs=5e-4)  # printed: 200 mg/m2, first cycle


def test_half_the_dose_does_half_the_kill(after, patient):
    def kill(share):
        grown = patient.b * math.exp(patient.kl * 21 * CYCLES)
        return math.log(grown / after[share].reading("tumour_size", CYCLES * CYCLE))

    assert kill(0.5) == pytest.approx(kill(1.0) / 2, rel=1e-6)
    assert kill(5.0) == pytest.approx(5 * kill(1.0), rel=1e-6)


def test_an_untreated_tumour_grows_and_its_patient_keeps_his_neutrophils(after, patient):
    days = 21 * CYCLES
    assert after[0.0].reading("tumour_size", CYCLES * CYCLE) == pytest.approx(90 * math.exp(0.00107 * days), rel=1e-8)
    assert after[0.0].extreme("anc", 0.0, CYCLE)[0] == pytest.approx(patient.c0, rel=1e-9)


def test_more_dose_is_a_smaller_tumour_and_a_deeper_nadir_and_an_extreme_dose_almost_no_neutrophils(after):
    sizes = [after[share].reading("tumour_size", CYCLES * CYCLE) for share in (0.0, 0.5, 1.0, 5.0)]
    nadirs = [after[share].extreme("anc", 0.0, CYCLE)[0] for share in (0.0, 0.5, 1.0, 5.0)]
    assert sizes == sorted(sizes, reverse=True) and nadirs == sorted(nadirs, reverse=True)
    assert nadirs[-1] < 0.1


def test_the_link_is_said_to_be_assumed_and_no_number_stands_twice():
    numbers = numbers_of(MODEL.Params)
    assert numbers["full_dose"].status == numbers["cycle"].status == "assumed"
    assert len(numbers) == len(numbers_of(paclitaxel_henrich2017.Params)) + len(("b", "kl", "kd", "lam")) + 2
    assert not any(name.startswith("os_") for name in numbers)
