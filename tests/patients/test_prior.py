"""What is believed before anything is measured: the model's own spread, and nothing about what is known."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from posology.patients import particles
from posology.patients.catalogue import model
from posology.patients.population import draw
from posology.patients.prior import Prior

sys.path.insert(0, str(Path(__file__).parent))
from toy_models import toy  # noqa: E402

PACLITAXEL = model("paclitaxel-henrich2017")


def test_a_measured_baseline_is_no_longer_uncertain():
    prior = Prior(PACLITAXEL, ("baseline_anc",))
    assert "c0" not in prior.names and "c0" in Prior(PACLITAXEL).names
    typical = prior.typical({"baseline_anc": 3.2})
    assert float(typical.own.c0) == pytest.approx(3.2)
    belief = particles.start(prior, typical, 64)
    np.testing.assert_allclose(np.asarray(belief.x.circ), 3.2, rtol=1e-6)


def test_the_prior_is_the_population_the_model_draws(key):
    prior = Prior(PACLITAXEL)
    drawn = draw(PACLITAXEL, {}, key, 4000).own
    effects = np.log([np.asarray(getattr(drawn, n)) / float(getattr(prior.typical({}).own, n)) for n in prior.names])
    np.testing.assert_allclose(np.cov(effects), prior.factor @ prior.factor.T, atol=0.03)


def test_a_measured_parameter_shifts_what_correlates_with_it():
    from dataclasses import replace

    from posology.patients.model import Covariate

    m = replace(
        toy(2), correlations={("cl", "v"): 0.8}, covariates=(Covariate("cl_measured", "1", 0, 9, "clearance", sets="cl"),)
    )
    prior = Prior(m, ("cl_measured",))
    typical = prior.typical({"cl_measured": np.e})
    assert prior.names == ("v",)
    assert float(typical.mean[0]) == pytest.approx(0.8, rel=1e-5)  # both spreads are equal, so the slope is the correlation
    assert float(prior.factor[0, 0]) == pytest.approx(0.3 * np.sqrt(1 - 0.8**2), rel=1e-5)
