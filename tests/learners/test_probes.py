"""Every learner reaches the exact answer of the probe problems; one compiled program per learner."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import Masked, Probes, Recall, Titrate, begun  # noqa: E402

from posology.learners.deep import actor_critic, value_based  # noqa: E402
from posology.learners.deep.a2c import A2C  # noqa: E402
from posology.learners.deep.dqn import DQN  # noqa: E402
from posology.learners.deep.ppo import PPO  # noqa: E402
from posology.learners.deep.qr_dqn import QRDQN  # noqa: E402
from posology.learners.deep.recurrent_ppo import RecurrentPPO  # noqa: E402
from posology.learners.deep.reinforce import Reinforce  # noqa: E402
from posology.learners.judge import evaluator  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.policies.network import scores  # noqa: E402

SMALL = {"hidden": (32, 32), "learning_rate": 3e-3}
PPO_SMALL = PPO(patients=128, minibatches=2, discount=0.5, entropy=0.0, **SMALL)
REPLAYED = {"patients": 64, "gradients": 8, "batch": 128, "capacity": 4096, "follow": 0.1, "explore_over": 60, **SMALL}
DQN_SMALL = DQN(discount=0.5, **REPLAYED)
DEEP = [
    PPO_SMALL,
    DQN_SMALL,
    DQN(discount=0.5, double=False, duelling=True, prioritised=0.6, **REPLAYED),
    QRDQN(discount=0.5, quantiles=8, **REPLAYED),
    A2C(patients=128, discount=0.5, entropy=0.0, **{**SMALL, "learning_rate": 0.02}),
    Reinforce(patients=128, discount=0.5, **{**SMALL, "learning_rate": 0.02}),
]
NAMES = ["ppo", "dqn", "dqn with options", "qr-dqn", "a2c", "reinforce"]
CUES = jnp.array([[0.0], [1.0], [-1.0]])  # first observation of kinds 0, 2, 3; the two of kinds 1 and 4


@cache
def compiled(learner, env):
    return jax.jit(lambda key: learner.init(key, env)), jax.jit(advance(learner, env))


def learned(learner, env, updates, patients=None, seed=0):
    start, many = compiled(learner, env)
    patients = env.draw(jax.random.key(1), 64) if patients is None else patients
    return many(start(jax.random.key(seed)), patients, jnp.int32(updates))[0]


@cache
def state_of(learner, kind):
    return learned(learner, Probes(), 150, Probes(kind).draw(None, 64), seed=kind)


@cache
def values(learner):
    spec = Probes().spec
    if hasattr(learner, "trace"):
        return jax.jit(lambda s: actor_critic.value(learner, s, spec, CUES))
    network = learner.form(spec)
    found = lambda s, o: scores(network, value_based.outputs(network, s.weights, s.observations, o))  # noqa: E731
    return jax.jit(lambda s: jnp.max(jax.vmap(found, (None, 0))(s, CUES), 1))


@cache
def doses(learner):
    def choose(state):
        policy = learner.policy(learner.parameters(state), Probes().spec)
        return jax.vmap(lambda o: policy.act(jax.random.key(0), o, jnp.ones(2, bool), ())[0])(CUES)

    return jax.jit(choose)


every = pytest.mark.parametrize("learner", DEEP, ids=NAMES)


@every
def test_a_constant_reward_is_its_value(learner):
    assert values(learner)(state_of(learner, 0))[0] == pytest.approx(1.0, abs=0.01)


@every
def test_a_reward_told_by_the_observation_is_its_value(learner):
    np.testing.assert_allclose(values(learner)(state_of(learner, 1))[1:], [1.0, -1.0], atol=0.05)


@every
def test_a_later_reward_is_discounted(learner):
    np.testing.assert_allclose(values(learner)(state_of(learner, 2))[:2], [0.5, 1.0], atol=0.02)


@every
def test_the_end_of_study_is_worth_the_value_of_the_last_observation(learner):
    assert values(learner)(state_of(learner, 5))[0] == pytest.approx(2.0, abs=0.02)


@every
def test_the_rewarded_dose_is_found(learner):
    state = state_of(learner, 3)
    assert doses(learner)(state)[0] == 1
    assert values(learner)(state)[0] == pytest.approx(1.0, abs=0.02)


@every
def test_the_dose_that_fits_the_observation_is_found(learner):
    state = state_of(learner, 4)
    assert doses(learner)(state)[1:].tolist() == [1, 0]
    np.testing.assert_allclose(values(learner)(state)[1:], [1.0, 1.0], atol=0.05)


def judged(learner, env, state):
    policy_of = lambda parameters: learner.policy(parameters, env.spec)  # noqa: E731
    judge = evaluator(env, policy_of, env.draw(jax.random.key(9), 200), jax.random.key(8))
    return judge(learner.parameters(state))


@pytest.mark.parametrize(
    "learner",
    [PPO(patients=128, minibatches=2, memory="window", span=3, **SMALL), RecurrentPPO(patients=128, minibatches=2, **SMALL)],
    ids=["window", "recurrent"],
)
def test_a_memory_recalls_the_first_observation(learner):
    outcome = judged(learner, Recall(), learned(learner, Recall(), 80))
    assert outcome["returns"].mean() > 0.99


@pytest.mark.parametrize(
    "learner",
    [
        PPO(patients=64, minibatches=2, **SMALL),
        DQN(n_step=2, **REPLAYED),
    ],
    ids=["ppo", "dqn"],
)
def test_masked_doses_are_never_taken_in_learning_or_after(learner):
    env = Masked()
    start, _ = compiled(learner, env)
    patients = env.draw(None, 64)

    def costs(state, _):
        interact = actor_critic.interact if learner.id == "ppo" else value_based.interact
        episodes = interact(learner, jax.random.fold_in(state.key, state.updates), state, env, patients)
        return learner.update(state, env, patients)[0], episodes.costs.sum()

    state, forbidden = jax.jit(lambda s: jax.lax.scan(costs, s, None, length=40))(start(jax.random.key(0)))
    assert forbidden.sum() == 0
    outcome = judged(learner, env, state)
    assert outcome["costs"].sum() == 0
    assert outcome["returns"].min() == 4  # dose 1 at each of four steps


def test_a_continuous_dose_fits_the_observation():
    learner = PPO(patients=256, minibatches=2, entropy=0.0, **SMALL)
    outcome = judged(learner, Titrate(), learned(learner, Titrate(), 150))
    assert outcome["returns"].min() > -1e-3  # within 0.3 mg of the right dose


def test_two_calls_with_one_seed_agree_to_the_bit_and_chunks_do_not_matter():
    whole = state_of(PPO_SMALL, 4)
    start, many = compiled(PPO_SMALL, Probes())
    patients, state = Probes(4).draw(None, 64), start(jax.random.key(4))
    for n in (7, 93, 50):
        state, _ = many(state, patients, jnp.int32(n))
    for a, b in zip(jax.tree.leaves(whole.weights), jax.tree.leaves(state.weights), strict=True):
        np.testing.assert_array_equal(a, b)


def test_courses_of_one_patient_share_their_noise_but_not_their_lots():
    learner = PPO(patients=12, repeats=3, minibatches=1, **SMALL)
    env = Probes(4)
    state = begun(learner, env)
    episodes = jax.jit(lambda s: actor_critic.interact(learner, jax.random.key(2), s, env, env.draw(None, 64)))(state)
    cues = episodes.observation[:, 0, 0].reshape(4, 3)
    np.testing.assert_array_equal(cues, np.repeat(cues[:, :1], 3, axis=1))
    assert len(set(cues[:, 0].tolist())) == 2
    assert (episodes.action[:, 0].reshape(4, 3).std(axis=1) > 0).any()


def test_an_advantage_is_relative_to_the_other_courses_that_reached_the_decision():
    advantage = jnp.array([[1.0, 2.0], [3.0, 6.0], [5.0, 5.0], [7.0, 9.0]])
    alive = jnp.array([[True, True], [True, True], [True, False], [True, True]])
    relative = actor_critic.within_patient(advantage, alive, 2)
    np.testing.assert_allclose(jnp.where(alive, relative, 0.0), [[-2, -4], [2, 4], [-2, 0], [2, 9]])


def test_the_policy_is_the_running_mean_of_the_actor():
    state = state_of(PPO_SMALL, 3)
    stored = PPO_SMALL.parameters(state)
    np.testing.assert_array_equal(stored["head.w"], state.mean["head.w"])
    assert (stored["head.w"] != state.weights["actor"]["head.w"]).any()
