"""Courses of different lengths, played side by side and learned from."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.spec import Action, Feature, Spec, Step
from posology.learners.deep.ppo import PPO, Batch, parts_of
from posology.learners.rollout import rollout

MOST = 20


class Person(NamedTuple):
    lasts: Any  # decisions until the end
    dies: Any


@dataclass(frozen=True)
class Courses:
    """Patients whose course ends after as many decisions as they say; they see how many have passed."""

    spec: Spec = Spec(
        "courses",
        (Feature("passed", "1"),),
        tuple(Action(f"{i} mg", float(i), "mg") for i in range(2)),
        ("reward",),
        (1.0,),
        max_steps=MOST,
        horizon_days=20.0,
    )

    def reset(self, key, patient):
        return jnp.int32(0), jnp.zeros(1), jnp.ones(2, bool)

    def step(self, key, state, action, patient):
        after, over = state + 1, state + 1 >= patient.lasts
        seen, reward = after[None].astype(jnp.float32), jnp.float32(1)
        mask = jnp.stack([jnp.bool_(True), ~over])
        return Step(after, seen, reward, reward[None], jnp.zeros(0), over & patient.dies, over, mask)


def act(key, observation, mask, memory):
    return jnp.int32(1), observation[0], memory


LENGTHS = np.array([1, 3, 7, 12, 30])
DIES = np.array([True, False, True, False, False])


@pytest.fixture(scope="module")
def played():
    env, noise = Courses(), jax.random.key(0)
    one = lambda patient: rollout(env, act, (), noise, noise, patient)  # noqa: E731
    return jax.jit(jax.vmap(one))(Person(jnp.asarray(LENGTHS), jnp.asarray(DIES)))


def test_a_course_counts_until_its_own_end_however_long_others_take(played):
    counted = np.minimum(LENGTHS, MOST)
    assert (played.alive.sum(axis=1) == counted).all()
    assert (played.reward.sum(axis=1) == counted).all()
    assert (played.alive == (np.arange(MOST) < counted[:, None])).all()


def test_death_and_the_end_of_study_stand_at_the_last_decision(played):
    ends = np.arange(MOST) == LENGTHS[:, None] - 1
    assert (played.terminated == ends & DIES[:, None]).all()
    assert (played.truncated == ends & ~DIES[:, None]).all()


def test_after_the_end_the_true_last_observation_stays(played):
    assert (played.observation[:, :, 0] == np.minimum(np.arange(MOST + 1), LENGTHS[:, None])).all()
    assert (played.mask[:, :, 1] == (np.arange(MOST + 1) < LENGTHS[:, None])).all()
    assert (played.extra == np.minimum(np.arange(MOST), LENGTHS[:, None] - 1)).all()


@pytest.mark.parametrize(("memory", "length"), [("none", 7), ("gru", MOST)])
def test_every_decision_is_in_one_part_and_only_a_memory_needs_whole_courses(memory, length):
    alive = np.arange(MOST) < LENGTHS[:, None]
    number = jnp.arange(alive.size).reshape(alive.shape)
    parts = parts_of(PPO(memory=memory), Batch(*[number] * 6, jnp.asarray(alive)))
    assert parts.alive.shape[1] == length
    assert sorted(parts.action[parts.alive].tolist()) == np.asarray(number)[alive].tolist()
    ordered = [np.diff(row[lived]) for row, lived in zip(np.asarray(parts.action), np.asarray(parts.alive), strict=True)]
    assert all((step == 1).all() for step in ordered)
