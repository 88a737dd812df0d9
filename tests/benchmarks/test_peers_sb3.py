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


def trained(values, level, limit=100.0):
    """The history of a training whose every step takes one second."""
    now, judged = [0.0], iter(values)
    callback, history = peers_sb3.until(level, limit, lambda: now[0], lambda state: next(judged))
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


def inner(discount):
    """Two patients, of whom the first comes to the end of the course."""
    last = np.array([np.array([7.0]), None], dtype=object)
    out = (np.zeros((2, 1)), np.zeros(2), np.array([False, False]), np.array([True, False]), {"final_obs": last})
    return SimpleNamespace(
        num_envs=2,
        unwrapped=SimpleNamespace(patient_spec=SimpleNamespace(discount=discount)),
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

    weight, bias = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]), np.array([0.5, -0.5])
    names = peers_sb3.LAYERS["dqn"]
    state = {f"{n}.{kind}": layer(v) for n in names for kind, v in (("weight", weight), ("bias", bias))}
    arrays = peers_sb3.weights("dqn", state, 3)
    x = np.array([1.0, 0.0, -1.0])
    np.testing.assert_allclose(x @ arrays["layer0.w"] + arrays["layer0.b"], weight @ x + bias)
    assert set(arrays) == {f"{n}.{k}" for n in ("layer0", "layer1", "head") for k in "wb"} | {
        "observation.mean",
        "observation.sd",
    }


@pytest.mark.parametrize("envs", [1, 16, 256])
def test_more_environments_do_not_change_what_is_learned_per_decision(envs):
    assert peers_sb3.settings("ppo", envs)["n_steps"] * envs == 2048
    assert peers_sb3.settings("dqn", envs)["gradient_steps"] == envs
