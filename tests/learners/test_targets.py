"""Targets against numbers worked by hand; plain, jitted and vmapped alike."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.learners import targets

NO, YES = False, True


def ways(function, *arguments):
    """The same call plain, under jit and under vmap."""
    batch = [jnp.stack([a, a]) for a in arguments]
    yield function(*arguments)
    yield jax.jit(function)(*arguments)
    yield jax.tree.map(lambda x: x[1], jax.vmap(function)(*batch))


def flags(*values):
    return jnp.array(values, bool)


REWARD = jnp.array([1.0, 2.0, 3.0, 9.0])
VALUE = jnp.array([0.5, 1.0, 1.5, 4.0, 7.0])
ALIVE = flags(YES, YES, YES, NO)
NONE = flags(NO, NO, NO, NO)
THIRD = flags(NO, NO, YES, NO)


def test_gae_after_death_counts_nothing_and_padding_gives_zero():
    # δ2 = 3 − 1.5 = 1.5; δ1 = 2 + .5·1.5 − 1 = 1.75; δ0 = 1 + .5·1 − .5 = 1; γλ = .25
    expected = [1 + 0.25 * (1.75 + 0.25 * 1.5), 1.75 + 0.25 * 1.5, 1.5, 0.0]
    for got in ways(lambda *a: targets.gae(*a, 0.5, 0.5), REWARD, VALUE, THIRD, NONE, ALIVE):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_gae_at_the_end_of_study_counts_the_value_of_the_true_last_observation():
    # δ2 = 3 + .5·4 − 1.5 = 3.5, and nothing flows back from beyond
    expected = [1 + 0.25 * (1.75 + 0.25 * 3.5), 1.75 + 0.25 * 3.5, 3.5, 0.0]
    for got in ways(lambda *a: targets.gae(*a, 0.5, 0.5), REWARD, VALUE, NONE, THIRD, ALIVE):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_gae_takes_a_discount_per_decision():
    got = targets.gae(REWARD, VALUE, THIRD, NONE, ALIVE, jnp.array([0.5, 0.25, 0.9, 0.9]), 0.0)
    np.testing.assert_allclose(got, [1.0, 2 + 0.25 * 1.5 - 1, 1.5, 0.0], rtol=1e-6)


def test_discounted_sums_stop_at_the_end():
    for got in ways(lambda r, a: targets.discounted(r, a, 0.5), REWARD, ALIVE):
        np.testing.assert_allclose(got, [1 + 0.5 * (2 + 0.5 * 3), 3.5, 3.0, 0.0])


@pytest.mark.parametrize(("death", "weights"), [(YES, [0.25, 0.0, 0.0, 0.0]), (NO, [0.25, 0.25, 0.5, 0.0])])
def test_two_step_returns_shorten_at_the_end_and_weigh_nothing_after_death(death, weights):
    dead, over = (THIRD, NONE) if death else (NONE, THIRD)
    for returns, weight, after in ways(lambda *a: targets.n_step(*a, 0.5, 2), REWARD, dead, over, ALIVE):
        np.testing.assert_allclose(returns, [2.0, 3.5, 3.0, 0.0])
        np.testing.assert_allclose(weight, weights)
        np.testing.assert_array_equal(after[:3], [2, 3, 3])


def test_n_step_of_one_is_the_plain_transition():
    returns, weight, after = targets.n_step(REWARD, THIRD, NONE, ALIVE, 0.9, 1)
    np.testing.assert_allclose(returns, [1, 2, 3, 0])
    np.testing.assert_allclose(weight, [0.9, 0.9, 0.0, 0.0], rtol=1e-6)
    np.testing.assert_array_equal(after[:3], [1, 2, 3])


def test_double_q_chooses_by_one_judges_by_the_other_and_never_takes_a_masked_dose():
    quick, slow, mask = jnp.array([1.0, 5.0, 9.0]), jnp.array([10.0, 20.0, 30.0]), flags(YES, YES, NO)
    for got in ways(targets.double_q, quick, slow, mask):
        assert got == 20.0


def test_symlog_is_the_logarithm_of_one_and_the_size_with_the_sign_and_symexp_undoes_it():
    x = jnp.array([-1e10, -1.0, 0.0, 1.718281828, 4e10])
    for got in ways(targets.symlog, x):
        np.testing.assert_allclose(got, [-23.02585, -0.693147, 0.0, 1.0, 24.412145], rtol=1e-6)
    np.testing.assert_allclose(targets.symexp(targets.symlog(x)), x, rtol=2e-5)
    assert jnp.isfinite(targets.symexp(jnp.float32(1e9)))
