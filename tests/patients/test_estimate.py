"""Typical values and variability from a cohort come back."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from posology.patients import past
from posology.patients.estimate import estimate, estimated
from posology.patients.models.phenobarbital_grasela1985 import MODEL
from posology.patients.population import Normal, draw
from posology.quantities import numbers_of

N, LEVELS = 100, (2.0, 110.0, 300.0)


def cohort():
    """Loading dose and twelve-hourly maintenance; three levels with 11 % error; cl 20 % above the model's."""
    rng = np.random.default_rng(3)
    patients = draw(MODEL, {"weight": Normal(1.5, 0.5, 0.6, 3.6)}, jax.random.key(1), N)
    covariates = {k: np.asarray(v) for k, v in patients.covariates.items()}
    pasts = []
    for i in range(N):
        cl, v, weight = 1.2 * float(patients.own.cl[i]), float(patients.own.v[i]), covariates["weight"][i]
        doses = [past.Dosed(0.0, 20 * weight)] + [past.Dosed(12.0 * k, 2.5 * weight) for k in range(1, 25)]
        levels = []
        for t in LEVELS:
            truth = sum(d.amount / v * np.exp(-cl / v * (t - d.time)) for d in doses if d.time < t)
            levels.append(past.Measurement(t, "concentration", truth * (1 + 0.11 * rng.standard_normal())))
        pasts.append(past.stretches(MODEL, doses, levels, LEVELS[-1]))
    return covariates, *past.together(pasts)


def test_a_simulated_cohort_gives_back_what_it_was_made_with():
    found = estimate(MODEL, ("cl", "v"), *cohort(), points=256)
    assert found.converged
    assert found.typical["cl"] == pytest.approx(1.2 * 0.0047, rel=0.05)
    assert found.typical["v"] == pytest.approx(0.96, rel=0.05)
    assert np.sqrt(found.variance["cl"]) == pytest.approx(0.188, abs=0.05)
    assert found.residual == pytest.approx(1.0, abs=0.15)
    made = numbers_of(estimated(MODEL, found).Params)
    assert made["cl"].value == found.typical["cl"]
    assert made["v_asphyxia"] == numbers_of(MODEL.Params)["v_asphyxia"]


def test_an_unknown_symbol_is_named():
    with pytest.raises(ValueError, match="has no parameter 'ka'; known: cl, v, v_asphyxia"):
        estimate(MODEL, ("ka",), *cohort())
