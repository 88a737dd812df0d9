"""Treatments under Gymnasium's own checks."""

from __future__ import annotations

import warnings
from functools import cache

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from gymnasium.vector import AutoresetMode

from posology.environments import gym
from posology.environments.catalogue import PROBLEMS, TREATMENTS

ID = "posology/paclitaxel-cycles-v1"
LABEL = "posology/paclitaxel-label-v1"


@cache
def vector(id=ID, n=4, **settings):
    return gymnasium.make_vec(id, num_envs=n, vectorization_mode="vector_entry_point", **settings)


def allowed(info):
    return np.array([np.flatnonzero(mask)[-1] for mask in info["action_mask"]])


def episode(envs, seed):
    observation, info = envs.reset(seed=seed)
    seen = [observation]
    for _ in range(7):
        observation, reward, *_, info = envs.step(allowed(info))
        seen += [observation, reward]
    return seen


def test_every_treatment_and_problem_is_registered():
    assert {f"posology/{id}" for id in (*TREATMENTS, *PROBLEMS)} <= set(gymnasium.registry)


# one of a kind: rows that limits forbid, levels and intervals, a continuous dose, a published problem
@pytest.mark.parametrize(
    "id", ["paclitaxel-label-v1", "phenobarbital-maintenance-v1", "paclitaxel-any-dose-v1", "four-state-chemo-levels-v1"]
)
def test_gymnasium_finds_nothing_to_warn_of(id):
    env = gymnasium.make(f"posology/{id}").unwrapped
    if env.many.patient_spec.discrete:  # Gymnasium samples doses without asking the mask
        step = env.step
        env.step = lambda action: step(action if env.many._mask[0][action] else np.flatnonzero(env.many._mask[0])[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # a dose has a unit: scaling it to [-1, 1], as Gymnasium recommends, is the learner's business
        warnings.filterwarnings("ignore", ".*symmetric and normalized space")
        check_env(env, skip_render_check=True)


def test_the_same_seed_gives_the_same_patients_and_another_seed_others():
    first, again, other = (episode(vector(), seed) for seed in (1, 1, 2))
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(first[0], other[0])


def test_an_ended_patient_is_followed_by_the_next_in_the_same_step():
    envs = vector()
    assert envs.metadata["autoreset_mode"] == AutoresetMode.SAME_STEP
    start, info = envs.reset(seed=3)
    for k in range(6):
        observation, _, terminated, truncated, info = envs.step(allowed(info))
        assert truncated.all() == (k == 5)
    assert info["_final_obs"].all() and not terminated.any()
    anc_of = lambda rows: np.stack(list(rows))  # noqa: E731
    assert anc_of(info["final_obs"]).shape == observation.shape
    assert not np.allclose(anc_of(info["final_obs"]), observation)
    assert not np.allclose(observation, start)  # new patients, not the same ones again


def test_one_patient_alone_is_the_first_of_many_of_one():
    alone, envs = gymnasium.make(ID), vector(n=1)
    a, _ = alone.reset(seed=5)
    b, _ = envs.reset(seed=5)
    np.testing.assert_array_equal(a, b[0])
    a, r, *_ = alone.step(7)
    b, s, *_ = envs.step(np.array([7]))
    np.testing.assert_array_equal(a, b[0])
    assert r == s[0]


def test_a_vector_reward_is_the_terms_and_the_scalar_their_weighted_sum():
    both = vector(vector_reward=True), vector()
    (_, terms, *_), (_, reward, *_) = ([e.reset(seed=4), e.step(np.full(4, 9))][1] for e in both)
    assert terms.shape == (4, *both[0].unwrapped.reward_space.shape)
    np.testing.assert_allclose(terms @ np.array(both[1].unwrapped.patient_spec.weights), reward, rtol=1e-5, atol=1e-6)


def test_a_forbidden_dose_is_refused_with_the_allowed_ones():
    env = gymnasium.make(LABEL)
    _, info = env.reset(seed=0)
    forbidden = np.flatnonzero(info["action_mask"] == 0)
    if not forbidden.size:
        pytest.fail("the label forbids nothing at the start; choose another state for this test")
    with pytest.raises(ValueError, match=rf"action {forbidden[0]} of patient 0 is not allowed now; allowed: "):
        env.step(int(forbidden[0]))


def test_a_row_that_does_not_exist_is_refused():
    envs = vector()
    envs.reset(seed=0)
    with pytest.raises(ValueError, match="action 99 is no row of the dose table; rows are 0 to 18"):
        envs.step(np.full(4, 99))


def test_registering_twice_changes_nothing():
    before = dict(gymnasium.registry)
    gym.register()
    assert dict(gymnasium.registry) == before


@pytest.mark.parametrize("dose", [69.0, 251.0, float("nan")])
def test_a_dose_outside_the_range_is_refused_with_the_range(dose):
    env = gymnasium.make("posology/paclitaxel-any-dose-v1").unwrapped
    env.reset(seed=0)
    with pytest.raises(ValueError, match=r"mg/m2 of patient 0 is not allowed; allowed: 70 to 250 mg/m2"):
        env.step(np.array([dose], np.float32))


def test_a_published_problem_is_an_environment_of_gymnasium_like_a_treatment():
    env = gymnasium.make("posology/four-state-chemo-v1").unwrapped
    seen, _ = env.reset(seed=0)
    after, reward, terminated, truncated, _ = env.step(np.array([0.5], np.float32))
    assert env.observation_space.contains(seen) and env.observation_space.contains(after)
    assert np.isfinite(reward) and not terminated and not truncated


def test_the_state_of_a_finite_problem_is_a_number_of_its_own_kind(shared):
    envs = gymnasium.make_vec("posology/icu-sepsis-v1", num_envs=3, vectorization_mode="vector_entry_point")
    seen, info = envs.reset(seed=0)
    assert envs.single_observation_space == gymnasium.spaces.Discrete(716) and seen.dtype == np.int64
    over = np.zeros(3, bool)
    while not over.any():
        seen, reward, terminated, truncated, info = envs.step(allowed(info))
        over = terminated | truncated
    assert all(np.ndim(s) == 0 for s in info["final_obs"][over])
