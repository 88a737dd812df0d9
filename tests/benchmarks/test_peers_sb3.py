"""The side of Stable-Baselines3, with what it brings replaced: clocks, judging, ends of courses, networks."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from posology.benchmarks import peers_sb3
from posology.benchmarks.peers_sb3 import Clock


class Callback:
    """As much of `BaseCallback` as is used."""

    model = SimpleNamespace(policy=SimpleNamespace(state_dict=lambda: "weights"))
    num_timesteps = 0


class Base:
    """As much of `VecEnv` as is used."""

    def __init__(self, envs, observations, actions):
        self.num_envs = envs

    def step(self, actions):
        self.step_async(actions)
        return self.step_wait()


@pytest.fixture(autouse=True)
def peer(monkeypatch):
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.callbacks", SimpleNamespace(BaseCallback=Callback))
    monkeypatch.setitem(sys.modules, "stable_baselines3.common.vec_env", SimpleNamespace(VecEnv=Base))


def trained(values, level, limit=100.0, samples=10**9):
    """The history of a training whose every step takes one second."""
    now, judged = [0.0], iter(values)
    callback, history = peers_sb3.until(level, limit, samples, lambda: now[0], lambda state: next(judged))
    going = True
    while going:
        now[0] += 1.0
        callback.num_timesteps += 4
        going = callback._on_step()
    return history


def test_a_training_is_judged_every_so_often_and_ends_at_the_level():
    history = trained([-3.0, -2.0, -1.0], level=-1.0)
    assert [(p["seconds"], p["samples"]) for p in history] == [(2.0, 8), (4.0, 16), (6.0, 24)]
    assert history[-1]["return_mean"] == -1.0


def test_a_training_that_never_gets_there_ends_at_its_limit_with_a_judgement():
    history = trained([-3.0] * 100, level=-1.0)
    assert history[-1]["seconds"] == 100.0
    assert len(history) == 50


def test_a_training_ends_when_its_decisions_are_spent():
    history = trained([-3.0] * 100, level=float("inf"), samples=40)
    assert history[-1]["samples"] == 40


def inner(discount):
    """Two patients, of whom the first comes to the end of the course."""
    last = np.array([np.array([7.0]), None], dtype=object)
    out = (np.zeros((2, 1)), np.zeros(2), np.array([False, False]), np.array([True, False]), {"final_obs": last})
    return SimpleNamespace(
        num_envs=2,
        unwrapped=SimpleNamespace(patient_spec=SimpleNamespace(discount=discount, discrete=True), _mask=np.ones((2, 3), bool)),
        single_observation_space=None,
        single_action_space=None,
        step=lambda actions: out,
    )


@pytest.mark.parametrize(("discount", "cut"), [(1.0, False), (0.99, True)])
def test_the_end_of_a_course_without_discount_is_the_end_of_the_question(discount, cut):
    clock = Clock()
    _, _, done, told = peers_sb3.vectorised(inner(discount), 0, clock).step(np.zeros(2, int))
    assert done.tolist() == [True, False]
    assert told[0]["TimeLimit.truncated"] is cut
    assert told[0]["terminal_observation"] == [7.0]
    assert told[1] == {}
    assert clock.seconds > 0


def test_the_compiled_step_alone_counts_as_simulation_and_compiling_does_not(monkeypatch):
    import jax

    monkeypatch.setattr(jax, "block_until_ready", lambda value: value)
    calls: list[int] = []
    many = SimpleNamespace(_many=calls.append)
    made = SimpleNamespace(
        unwrapped=many,
        reset=lambda seed: (None, {"action_mask": np.array([[0, 1], [1, 1]])}),
        step=lambda actions: many._many(int(actions[0])),
    )
    fake = SimpleNamespace(make_vec=lambda name, **settings: made)
    monkeypatch.setattr(peers_sb3, "import_module", lambda name: fake)
    clock = Clock()
    env = peers_sb3.simulated("p", 2, 0, clock)
    assert calls == [1]  # the first allowed dose, while it compiles
    assert clock.seconds == 0
    env.step(np.array([0, 0]))
    assert calls == [1, 0]
    assert clock.seconds > 0


def test_a_peers_network_is_told_as_ours():
    def layer(rows):
        return SimpleNamespace(cpu=lambda: SimpleNamespace(numpy=lambda: rows))

    spec = SimpleNamespace(states=0, discrete=True, low=0.0, high=10.0)
    weight, bias = np.array([[1.0, 2.0], [4.0, 5.0]]), np.array([0.5, -0.5])
    names = peers_sb3.LAYERS["dqn"]
    state = {f"{n}.{kind}": layer(v) for n in names for kind, v in (("weight", weight), ("bias", bias))}
    layers = peers_sb3.weights("dqn", state)
    x = np.array([0.1, -0.3])
    once = lambda v: weight @ v + bias  # noqa: E731
    expected = once(np.tanh(once(np.tanh(once(x)))))
    policy = peers_sb3.greedy(spec, "dqn", layers, np.zeros(2), np.ones(2))
    assert int(policy.act(None, x, np.ones(2, bool), ())[0]) == expected.argmax()
    assert int(policy.act(None, x, np.arange(2) != expected.argmax(), ())[0]) != expected.argmax()
    spec.discrete = False
    for learner, u in (("sac", np.tanh(expected[0])), ("ppo", np.clip(expected[0], -1, 1))):
        dose, _ = peers_sb3.greedy(spec, learner, layers, np.zeros(2), np.ones(2)).act(None, x, None, ())
        assert float(dose) == pytest.approx(5 * (u + 1), rel=1e-5)


def test_a_forbidden_row_becomes_the_next_that_may_be_given_and_a_dose_gets_its_unit():
    mask = np.array([[True, False, True], [True, False, False], [True, True, True]])
    env, table = SimpleNamespace(_mask=mask), SimpleNamespace(discrete=True)
    assert peers_sb3.meant(table, np.array([1, 1, 1]), env).tolist() == [2, 0, 1]
    doses = peers_sb3.meant(SimpleNamespace(discrete=False, low=70.0, high=250.0), np.array([[-1.0], [0.0], [1.0]]), env)
    assert doses[:, 0].tolist() == [70.0, 160.0, 250.0]


@pytest.mark.parametrize("envs", [1, 16, 256])
def test_more_environments_do_not_change_what_is_learned_per_decision(envs):
    assert peers_sb3.settings("ppo", envs, 100)["n_steps"] * envs == 2048
    assert all(peers_sb3.settings(name, envs, 100)["gradient_steps"] == envs for name in ("dqn", "sac"))
