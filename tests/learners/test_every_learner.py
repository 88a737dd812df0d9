"""What is asked of every learner in the catalogue: a run that is stored, read back and doses as it was learned."""

from __future__ import annotations

import sys
from dataclasses import fields
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from finite_problems import gamble  # noqa: E402
from probes import Masked, Titrate, Window  # noqa: E402

from posology.learners.catalogue import LEARNERS, learner  # noqa: E402
from posology.learners.learner import annealing, configure, suited  # noqa: E402
from posology.learners.loops import seen as seen_by  # noqa: E402
from posology.learners.loops import train  # noqa: E402
from posology.learners.planning.plan import plan  # noqa: E402
from posology.policies.storage import load_policy  # noqa: E402

PROBLEMS = [Masked(), Titrate(), Window(), gamble(steps=3)]
TINY = {
    "patients": 8, "repeats": 2, "minibatches": 1, "epochs": 1, "hidden": (4,), "gradients": 2, "batch": 8, "capacity": 64,
    "cells": 4, "children": 8, "elite": 4, "restarts": 2, "quantiles": 4, "random_updates": 0,
    "members": 2, "model_layers": (4,), "fits": 2, "horizon": 2, "candidates": 8, "rounds": 2, "starts": 8, "planning": 2,
}  # fmt: skip


def tiny(id, env):
    made = annealing(suited(learner(id)(), env.spec), 2)
    return configure(made, {name: v for name, v in TINY.items() if name in {f.name for f in fields(made)}})


@pytest.mark.parametrize("id", LEARNERS)
def test_a_run_is_stored_and_read_back(id, tmp_path):
    env = next(e for e in PROBLEMS if LEARNERS[id].refuses(e.spec) is None)
    made, out = tiny(id, env), tmp_path / "run"
    env = seen_by(made, env)
    if LEARNERS[id].plans:
        result = plan(env, made, out, held_out=4)
    else:
        result = train(env, made, out, updates=2, chunk=1, pool=16, held_out=4)
        assert result["samples"] > 0
    assert np.isfinite(result["return_mean"]) and result["learner"] == id
    stored = load_policy(out, fingerprint=None)
    key, memory = jax.random.key(0), stored.policy.memory()
    _, seen, mask = env.reset(key, jax.tree.map(lambda v: v[0], env.draw(key, 1)))
    action, _ = stored.policy.act(key, seen, mask, memory)
    again, _ = made.policy(stored.arrays, env.spec).act(key, seen, mask, memory) if hasattr(made, "policy") else (action, ())
    assert action == again
    if env.spec.discrete:
        assert action.dtype == jnp.int32 and mask[action]
        share = stored.policy.probabilities(seen, mask, memory)
        assert float(share.sum()) == pytest.approx(1.0) and not share[~mask].any()
    else:
        assert env.spec.low <= float(action) <= env.spec.high


@pytest.mark.parametrize("id", LEARNERS)
def test_every_learner_can_learn_something_and_says_why_not_elsewhere(id):
    reasons = [LEARNERS[id].refuses(e.spec) for e in PROBLEMS]
    assert None in reasons
    assert all(r is None or e.spec.id in r for r, e in zip(reasons, PROBLEMS, strict=True))
