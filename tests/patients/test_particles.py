"""The belief as weighted particles: right against the exact posterior, and a function of the record alone."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.patients import particles
from posology.patients.model import Residual
from posology.patients.particles import Belief
from posology.patients.prior import Prior

sys.path.insert(0, str(Path(__file__).parent))
from toy_models import FRAME, Seen, level, stacked, stretch, toy  # noqa: E402

COUNT = 1024


def believed(m, *parts, covariates=None, count=COUNT):
    prior = Prior(m)
    typical = prior.typical(covariates or {})

    def run(past):
        first = particles.start(prior, typical, count)
        return jax.lax.scan(lambda b, i: (particles.assimilate(prior, FRAME, typical, b, i), None), first, past)[0]

    return jax.jit(run)(stacked(*parts))


def moments(belief):
    mean, factor = particles.moments(belief)
    return np.asarray(mean), np.asarray(factor @ factor.T)


def exact(value, t, effects=1, ln_sd=0.2, below=False):
    """Mean and SD of ln cl over the prior on a fine grid of it, for one value at `t` after a bolus."""
    from scipy.stats import norm

    eta = np.linspace(-2, 2, 4001)
    predicted = np.array([level(t, cl=np.exp(e)) for e in eta])
    distance = np.log(value / predicted) / ln_sd
    ln_density = norm.logpdf(eta, 0, 0.3) + (norm.logcdf(distance) if below else norm.logpdf(distance))
    weight = np.exp(ln_density - ln_density.max())
    weight /= weight.sum()
    mean = weight @ eta
    return mean, np.sqrt(weight @ (eta - mean) ** 2)


@pytest.mark.parametrize("below", [False, True])
def test_the_belief_after_one_value_is_the_exact_posterior(below):
    value = 0.8
    belief = believed(toy(1), stretch(seen=Seen((20.0,), (value,), (below,))))
    mean, covariance = moments(belief)
    wanted, sd = exact(value, 20.0, below=below)
    assert mean[0] == pytest.approx(wanted, abs=0.03)
    assert np.sqrt(covariance[0, 0]) == pytest.approx(sd, rel=0.08)


def test_a_value_below_its_limit_speaks_for_a_higher_clearance():
    nothing = believed(toy(1), stretch())
    low = believed(toy(1), stretch(seen=Seen((20.0,), (0.8,), (True,))))
    high = believed(toy(1), stretch(seen=Seen((20.0,), (80.0,), (True,))))
    assert moments(low)[0][0] > moments(nothing)[0][0] + 0.1
    assert moments(high)[0][0] == pytest.approx(moments(nothing)[0][0], abs=0.01)  # a limit far above says nothing


def test_resampling_keeps_mean_and_covariance(key):
    m = toy(2)
    prior = Prior(m)
    first = particles.start(prior, prior.typical({}), 4096)
    a, b = first.effects.T
    log_weight = jax.nn.log_softmax(-0.5 * ((a - 0.4) / 0.1) ** 2 - 2.0 * a * b)
    before = Belief(log_weight, first.effects, first.x, jnp.int32(1))
    after = jax.jit(particles._resampled)(before)
    assert float(1 / jnp.sum(jnp.exp(log_weight) ** 2)) < 2048  # so that it happens
    np.testing.assert_allclose(np.exp(after.log_weight), 1 / 4096, rtol=1e-4)
    np.testing.assert_allclose(moments(after)[0], moments(before)[0], atol=0.01)
    np.testing.assert_allclose(moments(after)[1], moments(before)[1], rtol=0.1, atol=1e-3)


def test_a_stretch_in_which_nothing_happens_changes_nothing():
    one = believed(toy(2, occasion=0.04), stretch(seen=Seen((5.0,), (6.0,))))
    nothing = stretch(mg=0.0, span=0.0, padding=1)
    again = believed(toy(2, occasion=0.04), stretch(seen=Seen((5.0,), (6.0,))), nothing, nothing)
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(again), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_the_belief_does_not_depend_on_padding():
    seen = Seen((5.0, 20.0), (6.0, 2.0))
    for a, b in zip(believed(toy(2), stretch(seen=seen)), believed(toy(2), stretch(seen=seen, padding=6)), strict=True):
        for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("effects", [0, 1, 5])
def test_any_number_of_random_effects_works(effects):
    belief = believed(toy(effects), stretch(seen=Seen((20.0,), (1.0,))), count=64)
    assert belief.effects.shape == (64, effects)
    assert np.isfinite(np.asarray(belief.log_weight)).all()
    np.testing.assert_allclose(np.exp(np.asarray(belief.log_weight)).sum(), 1.0, rtol=1e-5)


@pytest.mark.parametrize("covariates", [0, 1, 2, 5])
def test_any_number_of_covariates_works(covariates):
    """Clearance is the product of the covariates: values as if it were doubled leave the effect where it is."""
    m = toy(1, covariates)
    given = {f"x{i}": (2.0 if i == 0 else 1.0) for i in range(covariates)}
    value = level(20.0, cl=2.0 if covariates else 1.0)
    mean, _ = moments(believed(m, stretch(seen=Seen((20.0,), (value,))), covariates=given))
    assert mean[0] == pytest.approx(0.0, abs=0.03)


def test_the_belief_narrows_around_the_truth():
    truth = {"cl": 1.5, "v": 8.0}
    times = (1.0, 4.0, 8.0, 16.0, 23.0)
    values = tuple(level(t, **truth) for t in times)
    mean, covariance = moments(believed(toy(2, residual=Residual(ln_sd=0.05)), stretch(seen=Seen(times, values))))
    np.testing.assert_allclose(np.exp(mean), [1.5, 0.8], rtol=0.05)
    assert (np.sqrt(np.diag(covariance)) < 0.1).all()


def test_weighted_quantiles_are_those_of_repeated_values():
    values, repeats = np.array([3.0, 1.0, 2.0, 5.0]), np.array([2000, 1000, 4000, 3000])
    log_weight = jnp.log(jnp.asarray(repeats / repeats.sum(), jnp.float32))
    got = particles.quantiles(jnp.asarray(values), log_weight, (0.05, 0.5))
    middles = np.cumsum(repeats[np.argsort(values)]) - repeats[np.argsort(values)] / 2
    np.testing.assert_allclose(got, np.interp([500, 5000], middles, np.sort(values)), rtol=1e-5)


@pytest.mark.parametrize("count", [1, 2, 3, 6])
def test_a_belief_in_fewer_particles_than_effects_stays_a_number(count):
    effects = jax.random.normal(jax.random.key(3), (500, 64, 7)) * jnp.array([0.4, 0.2, 0.6, 0.3, 0.09, 0.4, 0.45])
    weight = jnp.where(jnp.arange(64) < count, 0.0, -1e4)
    found = jax.vmap(lambda e: particles.moments(Belief(jax.nn.log_softmax(weight), e, (), jnp.int32(1))))(effects)
    assert all(bool(jnp.isfinite(v).all()) for v in found)


def test_every_second_particle_of_the_first_belief_fills_space_as_well():
    points = particles.normal_points(256, 7)
    for every in (2, 4, 8):
        some = points[every // 2 :: every]
        assert np.abs(some.mean(axis=0)).max() < 0.12
        assert np.abs(some.std(axis=0) - 1).max() < 0.2
