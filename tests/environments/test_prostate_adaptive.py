"""Adaptive androgen deprivation: the environment follows the cohort's own days, and what is known of it holds."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.adaptive_prostate import YEAR
from posology.environments.catalogue import PROBLEMS, environment
from posology.environments.problems import prostate_adaptive
from posology.patients import prostate_cohort

MEN = 256


@pytest.fixture(scope="module")
def played():
    """Returns and weeks of men who are always, or never, treated."""
    env, key = environment("prostate-adaptive-v1"), jax.random.key(0)

    def course(row, man):
        def week(carry, _):
            state, alive = carry
            step = env.step(key, state, row, man)
            return (step.state, alive & ~step.terminated), (alive * step.terms, alive, step.observation)

        first = (env.reset(key, man)[0], jnp.bool_(True))
        return jax.lax.scan(week, first, None, length=env.spec.max_steps)[1]

    men = env.draw(key, MEN)
    return men, {row: jax.jit(jax.vmap(lambda man, r=row: course(r, man)))(men) for row in (0, 1)}


def test_always_on_is_continuous_treatment_of_the_cohort(played):
    men, found = played
    years = np.asarray(found[1][0][..., 0].sum(axis=1))
    days = jax.jit(jax.vmap(lambda p: prostate_cohort.follow(p, 7 * 256, prostate_cohort.continuous).days))(men.p)
    np.testing.assert_allclose(years * YEAR, np.asarray(days), atol=0.5)
    np.testing.assert_allclose(np.asarray(found[1][0][..., 1].sum(axis=1)), years, rtol=1e-5)  # on treatment throughout


def test_a_tumour_that_is_not_treated_progresses_sooner_where_it_can_grow(played):
    men, found = played
    treated, untreated = (np.asarray(found[row][0][..., 0].sum(axis=1)) for row in (1, 0))
    grows = np.asarray((men.p.n0 < (1 - men.p.turnover) / 1.3) & (men.p.fr < 0.05))
    assert grows.mean() > 0.2
    assert (untreated[grows] < treated[grows] + 1e-3).mean() > 0.95
    assert untreated.mean() < treated.mean() - 0.5


def test_observations_are_finite_and_the_course_never_exceeds_the_follow_up(played):
    _, found = played
    for terms, _, seen in found.values():
        assert np.isfinite(np.asarray(seen)).all()
        assert float(terms[..., 0].sum(axis=1).max()) <= 7 * 256 / YEAR + 1e-3


@pytest.mark.slow
def test_the_known_times_are_those_of_the_cohort():
    known = PROBLEMS["prostate-adaptive-v1"].known
    for rule, name in (("continuous", "continuous"), ("at50", "AT50")):
        assert prostate_adaptive.reference(rule) == pytest.approx(known[name], abs=5e-4)
