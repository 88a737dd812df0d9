"""Learning that begins with the policy of a stored run."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest
from safetensors.numpy import load_file

sys.path.insert(0, str(Path(__file__).parent))
from probes import Masked, Probes, Recall, Titrate  # noqa: E402

from posology.environments.spec import Feature  # noqa: E402
from posology.learners.deep.dqn import DQN  # noqa: E402
from posology.learners.deep.ppo import PPO  # noqa: E402
from posology.learners.deep.sac import SAC  # noqa: E402
from posology.learners.loops import seen, train  # noqa: E402
from posology.learners.meta.context_ppo import ContextPPO  # noqa: E402
from posology.learners.safe.lagrangian_ppo import LagrangianPPO  # noqa: E402
from posology.learners.tabular.q_learning import QLearning  # noqa: E402
from posology.learners.warm import Start, begun  # noqa: E402

ONE = {"patients": 8, "repeats": 2, "minibatches": 1, "epochs": 1, "hidden": (4,)}
REPLAYED = {"patients": 8, "gradients": 2, "batch": 8, "capacity": 256, "hidden": (4,)}
LEARNER = PPO(**ONE)
SETTINGS = {"pool": 16, "held_out": 4}
SEVERAL = [
    (LEARNER, Probes(4)),
    (DQN(**REPLAYED), Probes(4)),
    (SAC(**REPLAYED, random_updates=0), Titrate()),
    (LagrangianPPO(**ONE), Masked()),
    (ContextPPO(**ONE), Probes(4)),
]


def arrays(run):
    return load_file(run / "policy.safetensors")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    out = tmp_path_factory.mktemp("warm") / "before"
    train(Probes(4), LEARNER, out, seed=1, updates=4, **SETTINGS)
    return out


def first(learner, env, seed):
    return jax.jit(lambda key: learner.init(key, env))(jax.random.key(seed))


def start_of(learner, env):
    """As if the policy of other first weights had been stored after 40 decisions."""
    state = first(learner, env, 1)
    arrays = {k: np.asarray(v) for k, v in learner.parameters(state).items()}
    scale = {f"observation.{k}": np.full_like(arrays["observation.mean"], v) for k, v in (("mean", 0.5), ("sd", 2.0))}
    return Start({}, {**arrays, **scale}, 40)


@pytest.mark.parametrize(("learner", "env"), SEVERAL, ids=[learner.id for learner, _ in SEVERAL])
def test_a_warm_start_is_the_stored_policy(learner, env):
    env = seen(learner, env)
    start = start_of(learner, env)
    fresh = first(learner, env, 2)
    assert any((np.asarray(v) != start.arrays[k]).any() for k, v in learner.parameters(fresh).items())
    state = begun(learner, fresh, start)
    for name, array in learner.parameters(state).items():
        np.testing.assert_allclose(array, start.arrays[name], rtol=1e-6, err_msg=name)
    inner = getattr(state, "inner", state)
    assert (inner.observations.count, inner.decisions) == (40, 0)


def test_a_run_says_which_one_it_began_with(run, tmp_path):
    train(Probes(4), LEARNER, tmp_path / "warm", updates=2, start=run, **SETTINGS)
    said, record = (json.loads((folder / "policy.json").read_text()) for folder in (run, tmp_path / "warm"))
    assert said["start"] is None
    assert record["start"] == {k: said[k] for k in ("treatment", "fingerprint", "seed", "arrays_sha256")}
    card = (tmp_path / "warm" / "CARD.md").read_text()
    assert f"began with a policy for probes, seed 1, arrays {said['arrays_sha256'][:12]}" in card
    assert any((arrays(run)[k] != v).any() for k, v in arrays(tmp_path / "warm").items())


def test_a_warm_run_that_was_stopped_ends_in_the_same_bits(run, tmp_path):
    class Stopped(Exception):
        pass

    def stop(event):
        if event["event"] == "progress" and event["updates"] == 2:
            raise Stopped

    settings = {"updates": 4, "chunk": 1, "checkpoint_seconds": 0, "start": run, **SETTINGS}
    train(Probes(4), LEARNER, tmp_path / "whole", **settings)
    with pytest.raises(Stopped):
        train(Probes(4), LEARNER, tmp_path / "cut", report=stop, **settings)
    with pytest.raises(ValueError, match="has start .*'seed': 1.*, not None; resume it unchanged"):
        train(Probes(4), LEARNER, tmp_path / "cut", **{**settings, "start": None})
    events = []
    train(Probes(4), LEARNER, tmp_path / "cut", report=events.append, **settings)
    assert {"resumed"} <= {e["event"] for e in events}
    for name, array in arrays(tmp_path / "whole").items():
        np.testing.assert_array_equal(arrays(tmp_path / "cut")[name], array)


@pytest.mark.parametrize(
    ("env", "learner", "says"),
    [
        (Probes(4), DQN(**REPLAYED), "was learned by ppo; dqn begins with a run of its own kind only"),
        (Probes(4), replace(LEARNER, hidden=(8,)), r"has hidden \[4\]; here it would be \[8\], and the two must agree"),
        (Recall(), LEARNER, "before sees 1 numbers, here there are 2"),
        (Masked(), LEARNER, "before sees cue where time is seen here"),
        (replace(Probes(), spec=replace(Probes().spec, observation=(Feature("hint", "1"),))), LEARNER, "sees cue where hint"),
    ],
)
def test_a_start_that_does_not_fit_is_refused_with_a_sentence(run, tmp_path, env, learner, says):
    with pytest.raises(ValueError, match=says) as refusal:
        train(env, learner, tmp_path / "x", updates=1, start=run, **SETTINGS)
    assert "\n" not in str(refusal.value)
    assert not list(tmp_path.iterdir())


def test_a_table_cannot_be_begun_with():
    learner = QLearning(patients=8, cells=4)
    with pytest.raises(ValueError, match="q-learning cannot begin with a stored run: it keeps no network"):
        begun(learner, first(learner, Probes(4), 0), Start({}, {}, 0))


def test_a_missing_run_is_named(tmp_path):
    with pytest.raises(ValueError, match="there is no run at"):
        train(Probes(4), LEARNER, tmp_path / "x", updates=1, start=tmp_path / "nowhere", **SETTINGS)
