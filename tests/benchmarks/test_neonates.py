"""The evidence from real neonates: how it is counted, and that a level helps."""

from __future__ import annotations

import numpy as np
import pytest

from posology.benchmarks import neonates
from posology.data.readers import read_cohort
from posology.patients.models.phenobarbital_grasela1985 import MODEL


def rows(errors, alone, inside):
    return [
        {"error": e, "error_alone": a, "bias": e, "inside": i} for e, a, i in zip(errors, alone, inside, strict=True)
    ]


def test_errors_are_counted_in_pairs():
    found = neonates.summary(rows([0.1, 0.2, 0.3, 0.1], [0.2, 0.3, 0.4, 0.2], [True, True, True, False]))
    assert found["median_absolute_error"] == pytest.approx(0.15)
    assert found["paired_difference"] == pytest.approx(-0.1)
    assert found["paired_difference_interval"] == pytest.approx([-0.1, -0.1])
    assert found["coverage_of_90_percent_band"] == 0.75
    low, high = found["coverage_interval"]
    assert low == pytest.approx(0.194, abs=1e-3)  # Clopper and Pearson, 3 of 4
    assert high == pytest.approx(0.994, abs=1e-3)


def test_real_neonates_are_predicted_from_one_level(shared):
    cohort = [neonates.neonate(r, MODEL) for r in read_cohort(shared / neonates.WHERE)]
    assert len(cohort) == 59
    some = [n for n in cohort if len(n.levels) > 1][:12]
    after, draws = neonates.predicted(MODEL, some, 1)
    truth = np.array([n.levels[1].value for n in some])
    assert np.median(np.abs(after / truth - 1)) < 0.2
    assert draws.shape == (12, neonates.DRAWS)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"nothing\.csv is not there"):
        neonates.evidence(tmp_path / "nothing.csv")
