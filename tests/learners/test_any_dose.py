"""Learners of a continuous dose on the treatment that has one."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import jax
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from probes import begun  # noqa: E402
from test_every_learner import tiny  # noqa: E402

from posology.environments.catalogue import spec  # noqa: E402
from posology.learners.catalogue import LEARNERS  # noqa: E402

ID = "paclitaxel-any-dose-v1"
LEARN = ("td3", "ddpg", "sac", "ppo", "lagrangian-ppo", "analytic", "gradient-course")


@cache
def environment():
    from posology.environments.catalogue import environment

    return environment(ID)


@pytest.mark.parametrize("id", ["analytic", "sac"])  # the derivative through the patient, and one that tries doses
def test_one_update_changes_the_policy_and_its_doses_lie_in_the_range(id):
    env = environment()
    assert LEARNERS[id].refuses(env.spec) is None
    learner = tiny(id, env)
    patients = env.draw(jax.random.key(1), 8)
    before = begun(learner, env)
    after, metrics = jax.jit(lambda s, p: learner.update(s, env, p))(before, patients)
    assert all(np.isfinite(v) for v in metrics.values())
    assert int(after.decisions) > 0
    old, new = learner.parameters(before), learner.parameters(after)
    assert any(not np.array_equal(old[name], new[name]) for name in new)
    policy = learner.policy(new, env.spec)
    _, seen, mask = jax.jit(env.reset)(jax.random.key(2), jax.tree.map(lambda v: v[0], patients))
    dose, _ = policy.act(jax.random.key(3), seen, mask, policy.memory())
    assert 70.0 <= float(dose) <= 250.0


def test_what_chooses_from_rows_is_refused_without_compiling():
    refused = {id for id, e in LEARNERS.items() if e.refuses(spec(ID)) is not None}
    assert {"dqn", "qr-dqn", "q-learning", "lin-ucb", "evolved-course"} <= refused and not refused & set(LEARN)
