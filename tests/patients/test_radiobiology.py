"""Radiobiology against the printed values of the catalogue's section 4 and against what is known of dose and time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from posology.patients import radiobiology as rb

NPC = rb.NasopharynxTumour()


@pytest.mark.parametrize(
    ("fractions", "d", "tumour", "late"),
    [(35, 2.0, 84, 116.67), (30, 2.0, 72, 100), (33, 2.0, 79.2, 110), (33, 2.12, 84.79, 119.40), (3, 18.0, 151.2, 378)],
)
def test_biologically_effective_doses_of_known_schedules(fractions, d, tumour, late):
    assert rb.bed(fractions, d, 10.0) == pytest.approx(tumour, abs=0.006)
    assert rb.bed(fractions, d, 3.0) == pytest.approx(late, abs=0.006)


def test_repopulation_takes_part_of_the_effect():
    lost = rb.regrowth(46.0, NPC.doubling, NPC.kick_off) / NPC.alpha
    assert rb.bed(35, 2.0, 10.0, lost) == pytest.approx(70.14, abs=0.005)
    assert rb.eqd2(rb.bed(33, 2.12, 10.0), 10.0) == pytest.approx(70.66, abs=0.005)


def test_repair_during_and_between_fractions():
    assert rb.during(10 / 60, 1.0) == pytest.approx(0.9626, abs=5e-5)
    assert rb.during(0.5, 1.0) == pytest.approx(0.8938, abs=5e-5)
    assert rb.during(1e-5, 1.0) == pytest.approx(1.0, abs=1e-5)
    assert rb.between(2, 6.0, 1.0) == pytest.approx(0.015625, abs=5e-7)
    assert rb.between(1, 6.0, 1.0) == 0.0


def test_control_of_a_tumour():
    steady = NPC._replace(kick_off=1e6)
    assert rb.control(steady, 35, 2.0, 46.0) == pytest.approx(0.98869, abs=5e-6)
    assert rb.control(steady, 30, 2.0, 46.0) == pytest.approx(0.65959, abs=5e-6)
    assert rb.control(NPC, 35, 2.0, 46.0) == pytest.approx(0.4830, abs=5e-5)
    assert rb.control(NPC, 35, 2.0, 46.0, 0.35) == pytest.approx(0.9891, abs=5e-5)
    assert rb.mean_control(NPC, 35, 2.0, 46.0) == pytest.approx(0.4782, abs=5e-5)
    assert rb.mean_control(NPC._replace(alpha=0.35), 35, 2.0, 46.0) == pytest.approx(0.8158, abs=5e-5)


@pytest.mark.parametrize(
    ("organ", "dose", "probability"),
    [
        ("parotid", 26.0, 0.1919), ("lung", 20.0, 0.1716), ("lung", 13.0, 0.0591), ("spinal-cord", 45.0, 0.0323),
        ("spinal-cord", 50.0, 0.0781), ("brainstem", 54.0, 0.1134), ("oesophagus", 34.0, 0.2211),
    ],
)  # fmt: skip
def test_complications_of_organs(organ, dose, probability):
    assert rb.complication(rb.ORGANS[organ], dose) == pytest.approx(probability, abs=5e-5)


@given(st.floats(0.1, 20.0), st.floats(0.05, 0.5), st.floats(0.01, 0.1), st.floats(0.0, 1.0), st.floats(1.0, 3.0))
def test_a_higher_dose_leaves_fewer_cells_and_hypoxia_more(d, alpha, beta, hypoxic, oer):
    left = rb.survival(d, alpha, beta)
    assert rb.survival(1.1 * d, alpha, beta) < left <= rb.survival(d, alpha, beta, 1.0, hypoxic, oer) * (1 + 1e-12)
    assert left <= rb.survival(d, alpha, beta, 0.9)


def test_half_an_organ_at_a_dose_counts_more_in_a_serial_organ():
    parallel, serial = (rb.uniform_dose([60.0, 0.0], [0.5, 0.5], n) for n in (1.0, 0.05))
    assert parallel == pytest.approx(30.0)
    assert 55.0 < serial < 60.0


def test_a_prolonged_course_controls_less():
    assert rb.control(NPC, 35, 2.0, 60.0) < rb.control(NPC, 35, 2.0, 46.0)
