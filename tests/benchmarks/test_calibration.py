"""Bands of the next measured value hold what they say, and a belief that is too sure of itself is found out."""

from __future__ import annotations

import pytest
from scipy.stats import binom

from posology.benchmarks import calibration
from posology.patients import posterior

SETS = 200
NEONATE = "phenobarbital-grasela1985"


@pytest.mark.parametrize("method", ["map", "particles"])
def test_ninety_percent_bands_hold_ninety_percent(method):
    found = calibration.calibration(NEONATE, SETS, method)
    low, high = binom.ppf([0.001, 0.999], SETS, 0.9) / SETS
    assert low <= found["coverage"] <= high
    assert found["lower"] < found["coverage"] < found["upper"]
    assert found["data_sets"] == SETS


def test_a_belief_that_is_sure_of_the_wrong_thing_is_found_out(monkeypatch):
    fit = posterior.fit

    def wrong(*arguments):
        found = fit(*arguments)
        return found._replace(factor=0 * found.factor, mode=0 * found.mode + 1)  # sure, of something else

    monkeypatch.setattr(posterior, "fit", wrong)
    found = calibration.calibration(NEONATE, SETS, "map")
    assert found["upper"] < 0.87


def test_every_design_belongs_to_a_treatment_of_that_model():
    for name, design in calibration.DESIGNS.items():
        treatment = calibration.TREATMENTS[design.treatment]
        assert treatment.model.id == name
        past, frame = calibration.stretches(treatment.model, design)
        assert past.present.sum() == len(design.times) * len(design.at)
        assert max(design.times) <= frame.span
