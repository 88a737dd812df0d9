"""A stored policy that sees what its decision before brought: told in a trial, refused at a bedside."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from posology.bedside.doser import doser
from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation.arms import of_run
from posology.evaluation.rollout import play
from posology.learners import runs
from posology.learners.loops import seen
from posology.learners.meta.rl2 import RL2
from posology.learners.rollout import rollout

TREATMENT = treatment("vancomycin-adults-v1")
KEY = jax.random.key(5)
REACHED = {"updates": 0, "samples": 0, "patients": 1, "return_mean": 0.0, "lower": 0.0, "upper": 0.0}


def stored(tmp_path, **settings):
    """A run of first weights whose head is large, so that doses follow what is seen."""
    made, plain = RL2(hidden=(4,), **settings), TreatmentEnvironment(TREATMENT)
    env = seen(made, plain)
    arrays = made.parameters(jax.jit(lambda key: made.init(key, env))(jax.random.key(0)))
    arrays = {k: np.asarray(v) * (1000.0 if k == "head.w" else 1.0) for k, v in arrays.items()}
    runs.save(tmp_path / "run", env, made, runs.identity(env, made, 0, 1), {k: np.float32(v) for k, v in arrays.items()}, REACHED)
    return made, env, arrays, tmp_path / "run"


def test_an_arm_is_told_the_reward_as_in_learning_and_a_record_cannot(tmp_path):
    made, env, arrays, run = stored(tmp_path)
    plain = TreatmentEnvironment(TREATMENT)
    patients = plain.draw(KEY, 6)
    policy = made.policy(arrays, env.spec)

    def one(patient):
        def act(key, observation, mask, memory):
            action, memory = policy.act(key, observation, mask, memory)
            return action, (), memory

        return rollout(env, act, policy.memory(), KEY, KEY, patient)

    courses = jax.jit(jax.vmap(one))(patients)
    assert env.spec.size == plain.spec.size + 1
    np.testing.assert_allclose(courses.observation[:, 1:, -1], courses.reward, rtol=1e-6)
    tried = play(plain, of_run(run, plain, False), patients, KEY)
    np.testing.assert_allclose(tried.reward, courses.reward, rtol=1e-4, atol=1e-4)
    assert len(set(np.asarray(courses.action).ravel().tolist())) > 2
    with pytest.raises(ValueError, match="which no record holds; learn with sees_reward=false"):
        doser(TREATMENT, str(run))


def test_a_policy_without_the_reward_sees_what_a_record_holds(tmp_path):
    _, env, _, run = stored(tmp_path, sees_reward=False)
    assert env.spec == TREATMENT.spec
    assert doser(TREATMENT, str(run)).policy is not None
