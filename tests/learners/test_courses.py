"""Searches for a whole course: against every course there is, and against the published ones."""

from __future__ import annotations

import itertools
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import Now, Person, Titrate, begun  # noqa: E402

from posology.environments.problems import hiv_sti  # noqa: E402
from posology.environments.spec import Action, Feature, Spec, Step  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.learners.planning import open_loop  # noqa: E402
from posology.learners.planning.beam_course import BeamCourse, best_of_cells  # noqa: E402
from posology.learners.planning.evolved_course import EvolvedCourse  # noqa: E402
from posology.learners.planning.gradient_course import GradientCourse  # noqa: E402
from posology.policies.course import Course  # noqa: E402


@dataclass(frozen=True)
class Lock:
    """Six decisions of three rows; the worth of a row depends on the one before it."""

    spec: Spec = Spec(
        "lock", (Feature("time", "1"),), tuple(Action(str(i), float(i), "mg") for i in range(3)), ("reward",), (1.0,), max_steps=6
    )

    def draw(self, key, n):
        return Person(jnp.zeros(n, jnp.int32), jnp.arange(n, dtype=jnp.int32))

    def reset(self, key, patient):
        return Now(jnp.int32(0), jnp.int32(0), jnp.float32(0)), jnp.zeros(1), jnp.ones(3, bool)

    def step(self, key, state, action, patient):
        pay = jnp.array([[0.0, 1.0, 0.2], [0.5, 0.0, 2.0], [3.0, 0.1, 0.0]])
        reward = pay[state.kind, action]
        now, none = Now(action, state.t + 1, state.cue), jnp.bool_(False)
        seen = now.t.astype(jnp.float32)[None]
        return Step(now, seen, reward, reward[None], jnp.zeros(0), none, now.t == 6, jnp.ones(3, bool))


def test_selection_finds_the_best_of_all_courses():
    env = Lock()
    every = jnp.array(list(itertools.product(range(3), repeat=6)), jnp.int32)
    worth, taken = open_loop.tried(env, env.draw(None, 1), 1, every, 0.9)
    assert int(taken) == 6 * len(every)
    learner = EvolvedCourse(children=32, elite=8, discount=0.9)
    state, told = jax.jit(advance(learner, env))(begun(learner, env), env.draw(None, 4), jnp.int32(60))
    assert float(state.worth[0]) == pytest.approx(float(worth.max()))
    np.testing.assert_array_equal(state.courses[0], every[int(worth.argmax())])
    assert (np.diff(state.worth) <= 0).all()
    assert float(told["return"]) >= float(told["elite"])


def test_the_worth_of_a_course_is_its_discounted_return():
    course = jnp.array([[1, 2, 0, 1, 2, 0]], jnp.int32)
    worth, _ = open_loop.tried(Lock(), Lock().draw(None, 1), 1, course, 0.5)
    assert float(worth[0]) == pytest.approx(sum(0.5**t * r for t, r in enumerate([1.0, 2.0, 3.0, 1.0, 2.0, 3.0])))


def test_the_first_generation_holds_every_steady_therapy():
    env = hiv_sti.environment()
    learner = EvolvedCourse(children=8, elite=4, discount=1.0)
    state = jax.jit(advance(learner, env))(begun(learner, env), env.draw(jax.random.key(0), 2), jnp.int32(1))[0]
    assert float(state.worth[0]) == pytest.approx(6677898.6, rel=1e-3)  # both drugs throughout
    assert set(state.courses[0].tolist()) == {3}


def test_the_gradient_finds_the_dose_of_a_smooth_problem():
    """Of two kinds of patients, who need 2 and 7 mg; without looking, the mean is best."""
    env = Titrate()
    learner = GradientCourse(patients=200, restarts=4, learning_rate=0.1)
    many = jax.jit(advance(learner, env))
    state = many(begun(learner, env), env.draw(None, 200), jnp.int32(120))[0]
    people, keys = env.draw(None, 200), jax.random.split(jax.random.key(0), 200)
    cues = jax.vmap(env.reset)(keys, people)[1][:, 0]
    expected = jnp.mean(jnp.where(cues > 0, 7.0, 2.0))
    assert float(state.courses[0, 0]) == pytest.approx(float(expected), abs=0.05)


def test_a_course_counts_its_decisions_and_keeps_to_what_may_be_given():
    policy = Course(1, 3, 2).policy("made", {"doses": jnp.array([2.0, 1.0])})
    memory, free = policy.memory(), jnp.ones(3, bool)
    first, memory = policy.act(None, jnp.zeros(1), free, memory)
    second, memory = policy.act(None, jnp.zeros(1), free, memory)
    held, _ = policy.act(None, jnp.zeros(1), jnp.array([True, False, False]), memory)
    assert (int(first), int(second), int(held)) == (2, 1, 0)
    assert policy.probabilities(jnp.zeros(1), free, jnp.int32(0)).tolist() == [0.0, 0.0, 1.0]
    rate = Course(1, 0, 2).policy("made", {"doses": jnp.array([0.25, 0.5])})
    assert float(rate.act(None, jnp.zeros(1), jnp.ones(1, bool), jnp.int32(1))[0]) == 0.5


def test_impossible_settings_are_named():
    with pytest.raises(ValueError, match="elite is 0"):
        replace(EvolvedCourse(), elite=0)
    with pytest.raises(ValueError, match="children is 8; it must be at least elite, 32"):
        EvolvedCourse(children=8)


def test_a_beam_as_wide_as_all_courses_finds_the_best_and_a_narrow_one_looks_ahead():
    env = Lock()
    every = jnp.array(list(itertools.product(range(3), repeat=6)), jnp.int32)
    worth, _ = open_loop.tried(env, env.draw(None, 1), 1, every, 0.9)
    for learner in (BeamCourse(width=243, ahead=0, cell=1e-5, discount=0.9), BeamCourse(width=8, ahead=2, discount=0.9)):
        state, told = jax.jit(advance(learner, env))(begun(learner, env), env.draw(None, 4), jnp.int32(1))
        again, _ = open_loop.tried(env, env.draw(None, 1), 1, state.courses, 0.9)
        assert float(state.worth[0]) == pytest.approx(float(again[0]))  # the worth it tells is that of the course it keeps
        if learner.width == 243:
            assert float(told["found"]) == pytest.approx(float(worth.max()))
        assert float(told["found"]) >= float(jnp.sort(worth)[-12])


def test_of_courses_in_one_cell_only_the_best_goes_on():
    seen = jnp.array([[0.0, 0.0], [0.01, 0.0], [1.0, 0.0], [1.01, 5.0]])
    kept = best_of_cells(seen, jnp.array([1.0, 2.0, 3.0, 4.0]), jnp.full(2, 0.5), 0.2)
    assert kept.tolist() == [False, True, True, True]
