"""Adaptive fractionation: the exact programme as printed, and an environment in which it comes true."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.catalogue import environment
from posology.environments.fractionation import Course, effect, programme
from posology.environments.problems.adaptive_fractionation import CONTROL, NARROW, WIDE

COURSES = {"narrow": NARROW, "wide": WIDE, "control": CONTROL}


@pytest.mark.parametrize(("course", "equal"), [(NARROW, 101.33), (WIDE, 128.91), (CONTROL, 146.67)])
def test_equal_fractions_as_printed(course: Course, equal: float) -> None:
    assert course.uniform() == pytest.approx(equal, abs=0.005)


@pytest.mark.parametrize(("course", "value", "first"), [(NARROW, 91.65, 5.3), (WIDE, 91.70, 6.4)])
def test_the_exact_programme_as_printed(course: Course, value: float, first: float) -> None:
    found = programme(course)
    assert found.value == pytest.approx(value, abs=0.02)
    at = lambda s: found.dose[0][0, int(np.argmin(np.abs(found.sparing - s)))]  # noqa: E731
    assert at(0.8) == pytest.approx(first, abs=0.1 + 1e-9)
    assert at(1.0) == pytest.approx({5.3: 1.4, 6.4: 2.1}[first], abs=0.1 + 1e-9)
    assert at(0.6) == 20.0


def test_where_the_organ_does_not_move_equal_fractions_are_the_best() -> None:
    found = programme(CONTROL)
    assert found.value == pytest.approx(CONTROL.uniform(), abs=0.01)
    assert found.dose[0][0, 0] == pytest.approx(8.0, abs=0.1)


@pytest.mark.parametrize("name", COURSES)
def test_simulated_courses_have_the_value_of_the_programme(name: str) -> None:
    env, course = environment(f"adaptive-fractionation-{name}-v1"), COURSES[name]
    found = programme(course)
    tables, grid, days = jnp.asarray(np.stack(found.dose)), jnp.asarray(found.reached), jnp.asarray(found.sparing)
    key = jax.random.key(3)

    def play(patient):
        def one(state, k):
            row = jnp.argmin(jnp.abs(days - state.sparing))
            step = env.step(key, state, jnp.interp(state.reached, grid, tables[k][:, row]), patient)
            return step.state, step.reward

        state, rewards = jax.lax.scan(one, env.reset(key, patient)[0], jnp.arange(course.fractions))
        return rewards.sum(), state.reached

    returns, reached = jax.jit(jax.vmap(play))(env.draw(key, 20_000))
    np.testing.assert_allclose(reached, course.goal, rtol=1e-5)  # whatever the days brought
    assert -returns.mean() == pytest.approx(found.value, abs=4 * float(returns.std()) / 20_000**0.5 + 0.03)


def test_a_dose_beyond_the_goal_is_not_given_and_the_last_fraction_gives_the_rest() -> None:
    env = environment("adaptive-fractionation-wide-v1")
    key, patient = jax.random.key(0), jax.tree.map(lambda v: v[0], env.draw(jax.random.key(0), 1))
    state = env.reset(key, patient)[0]
    for action in (100.0, 20.0, 20.0, 0.0, 0.0):
        step = env.step(key, state, action, patient)
        assert float(step.reward) == pytest.approx(-effect(float(state.sparing) * float(env.given(action, state)), 3.0), rel=1e-5)
        state = step.state
    assert float(state.reached) == pytest.approx(72.0, rel=1e-5) and bool(step.truncated)
