"""How likely a measured value is: each kind of residual error against SciPy, censored values included."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

from posology.patients.likelihood import log_likelihood, observed, observed_each, spread
from posology.patients.model import Residual

sys.path.insert(0, str(Path(__file__).parent))
from toy_models import Seen, stretch, toy  # noqa: E402

CONSTANT = 0.5 * np.log(2 * np.pi)
ERRORS = [Residual(ln_sd=0.3), Residual(proportional=0.2), Residual(additive=0.5), Residual(proportional=0.2, additive=0.5)]


def expected(r, value, predicted):
    if r.ln_sd:
        return norm.logpdf(np.log(value), np.log(predicted), r.ln_sd) + CONSTANT
    return norm.logpdf(value, predicted, np.hypot(r.proportional * predicted, r.additive)) + CONSTANT


@pytest.mark.parametrize("r", ERRORS)
def test_the_likelihood_is_that_of_the_residual_error(r):
    i = stretch(seen=Seen((1.0, 2.0), (3.0, 4.0)), padding=2)
    got = log_likelihood(toy(residual=r), jnp.array([2.5, 4.4, 9.0, 9.0]), i)
    assert float(got) == pytest.approx(expected(r, 3.0, 2.5) + expected(r, 4.0, 4.4), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("r", ERRORS)
def test_a_value_below_its_limit_counts_with_the_probability_to_be_there(r):
    i = stretch(seen=Seen((1.0,), (2.0,), (True,)))
    got = log_likelihood(toy(residual=r), jnp.array([2.5]), i)
    sd = r.ln_sd or np.hypot(r.proportional * 2.5, r.additive)
    distance = (np.log(2.0 / 2.5) if r.ln_sd else -0.5) / sd
    assert float(got) == pytest.approx(norm.logcdf(distance), rel=1e-5)


@pytest.mark.parametrize("r", ERRORS)
def test_measured_values_scatter_as_the_likelihood_says(r, key):
    m, truth = toy(residual=r), jnp.full(20_000, 2.0)
    z = jax.random.normal(key, (3, 20_000))
    drawn = observed(m, "concentration", truth, z)
    np.testing.assert_allclose(drawn, observed_each(m, jnp.zeros(20_000, int), truth, z), rtol=1e-5)
    sd, logarithmic, _ = spread(m, jnp.array([0]), jnp.array([2.0]))
    scatter = np.std(np.log(drawn / 2.0) if bool(logarithmic[0]) else drawn - 2.0)
    assert scatter == pytest.approx(float(sd[0]), rel=0.03)


def test_the_gradient_is_finite_where_nothing_is_predicted():
    for r in ERRORS:
        i = stretch(seen=Seen((1.0, 2.0), (3.0, 1.0), (False, True)))
        slope = jax.jit(jax.grad(lambda p, r=r, i=i: log_likelihood(toy(residual=r), p, i)))(jnp.array([1e-3, 1e-3]))
        assert np.isfinite(slope).all()


def test_a_reading_without_an_error_that_comes_first_poisons_no_gradient():
    """What was not measured points at the first reading; its NaN is masked, and so must its derivative be."""
    m = toy()
    m = replace(m, reading_units={"amount": "mg", **m.reading_units})
    i = stretch(seen=Seen((1.0,), (3.0,)), padding=1)
    i = i._replace(reading=jnp.where(i.present, 1, 0))
    slope = jax.grad(lambda p: log_likelihood(m, p, i))(jnp.array([2.5, 1.0]))
    assert np.asarray(slope) == pytest.approx([np.log(3.0 / 2.5) / 0.2**2 / 2.5, 0.0], rel=1e-4)
