"""MAP with Laplace intervals: the exact mode, the right spread, and bands that hold what they say."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from posology.patients import posterior
from posology.patients.model import Residual
from posology.patients.prior import Prior

sys.path.insert(0, str(Path(__file__).parent))
from toy_models import FRAME, Seen, level, stacked, stretch, toy  # noqa: E402


def fitted(m, *parts, covariates=None):
    prior = Prior(m)
    typical = prior.typical(covariates or {})
    past = stacked(*parts)
    return prior, jax.jit(lambda p: posterior.fit(prior, FRAME, typical, p))(past)


def objective_of(cl_v, value, t, ln_sd):
    """−ln posterior of z over (cl, v) by hand; SD 0.3 each."""
    e = 0.3 * np.asarray(cl_v)
    predicted = level(t, cl=np.exp(e[0]), v=10 * np.exp(e[1]))
    return 0.5 * np.dot(cl_v, cl_v) + 0.5 * (np.log(value / predicted) / ln_sd) ** 2


def test_the_mode_is_that_of_an_independent_search():
    m = toy(2, residual=Residual(ln_sd=0.1))
    _, found = fitted(m, stretch(seen=Seen((20.0,), (0.7,))))
    wanted = minimize(objective_of, np.zeros(2), args=(0.7, 20.0, 0.1), tol=1e-10)
    np.testing.assert_allclose(found.mode, wanted.x, atol=2e-3)
    assert float(found.slope) < 1e-2
    assert float(found.objective) == pytest.approx(wanted.fun + np.log(0.1), abs=1e-3)


def test_the_spread_is_the_inverse_of_the_information():
    m = toy(2, residual=Residual(ln_sd=0.1))
    _, found = fitted(m, stretch(seen=Seen((20.0,), (0.7,))))
    z = np.asarray(found.mode, float)
    step = 1e-4
    slope = [
        (np.log(level(20.0, cl=np.exp(0.3 * (z + d)[0]), v=10 * np.exp(0.3 * (z + d)[1]))) -
         np.log(level(20.0, cl=np.exp(0.3 * (z - d)[0]), v=10 * np.exp(0.3 * (z - d)[1])))) / (2 * step)
        for d in step * np.eye(2)
    ]  # fmt: skip
    information = np.eye(2) + np.outer(slope, slope) / 0.1**2
    np.testing.assert_allclose(found.factor @ found.factor.T, np.linalg.inv(information), rtol=0.02, atol=1e-3)


@pytest.mark.parametrize("effects", [0, 1, 5])
def test_any_number_of_random_effects_works(effects):
    prior, found = fitted(toy(effects), stretch(seen=Seen((20.0,), (1.0,))))
    assert found.mode.shape == (effects,) and np.isfinite(np.asarray(found.objective))
    assert len(prior.names) == effects


@pytest.mark.parametrize("covariates", [0, 1, 2, 5])
def test_any_number_of_covariates_works(covariates):
    given = {f"x{i}": (2.0 if i == 0 else 1.0) for i in range(covariates)}
    value = level(20.0, cl=2.0 if covariates else 1.0)
    _, found = fitted(toy(1, covariates), stretch(seen=Seen((20.0,), (value,))), covariates=given)
    np.testing.assert_allclose(found.mode, 0.0, atol=1e-3)


def test_without_a_measurement_the_posterior_is_the_prior():
    _, found = fitted(toy(3, occasion=0.04), stretch(), stretch())
    np.testing.assert_allclose(found.mode, 0.0, atol=1e-6)
    np.testing.assert_allclose(found.factor @ found.factor.T, np.eye(5), atol=1e-5)


def test_an_occasion_takes_what_one_cycle_alone_shows():
    """Two equal cycles speak for the patient, two opposite ones for the occasions."""
    m = toy(1, residual=Residual(ln_sd=0.05), occasion=0.09)
    alike = [stretch(seen=Seen((20.0,), (level(20.0, cl=1.3),)))] * 2
    prior, found = fitted(m, *alike)
    assert float(found.mode[0]) * 0.3 > 1.5 * abs(float(found.mode[1]) * 0.3)
    opposite = (stretch(seen=Seen((20.0,), (level(20.0, cl=cl),))) for cl in (1.3, 1 / 1.3))
    _, found = fitted(m, *opposite)
    assert found.mode[1] > 0.3 and found.mode[2] < -0.3


def test_draws_have_the_covariance_of_the_fit(key):
    _, found = fitted(toy(2), stretch(seen=Seen((20.0,), (0.7,))))
    drawn = posterior.draws(found, key, 20_000)
    np.testing.assert_allclose(np.cov(np.asarray(drawn).T), found.factor @ found.factor.T, atol=0.03)
    np.testing.assert_allclose(jnp.mean(drawn, axis=0), found.mode, atol=0.03)


def test_many_patients_at_once_are_each_alone():
    m = toy(2)
    prior = Prior(m)
    typical = prior.typical({})
    pasts = [stacked(stretch(seen=Seen((20.0,), (v,)))) for v in (0.5, 2.0)]
    together = jax.tree.map(lambda *v: np.stack(v), *pasts)
    both = posterior.compiled(prior, FRAME)(jax.tree.map(lambda v: jnp.stack([v, v]), typical), together)
    for k, one in enumerate(pasts):
        alone = jax.jit(lambda p: posterior.fit(prior, FRAME, typical, p))(one)
        np.testing.assert_allclose(both.mode[k], alone.mode, atol=2e-3)  # two ways to the flat bottom of float32
