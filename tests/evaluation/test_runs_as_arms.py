"""A stored run as an arm: a continuous dose is given as it is, or rounded to a table, or refused with a sentence."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation import arms
from posology.evaluation.trial import load
from posology.learners import runs
from posology.learners.deep.ppo import PPO
from posology.policies.storage import load_policy

KEY = jax.random.key(3)
ANY, TABLE = "paclitaxel-any-dose-v1", "paclitaxel-cycles-v1"
RESULT = {"updates": 0, "samples": 0, "patients": 1, "return_mean": 0.0, "lower": 0.0, "upper": 0.0}


@cache
def environment(name):
    return TreatmentEnvironment(TREATMENTS[name])


@cache
def begun(name):
    """Twenty patients at their first visit: who, state, observation, mask."""
    env = environment(name)
    patients = env.draw(KEY, 20)
    return (patients, *jax.jit(jax.vmap(env.reset, (None, 0)))(KEY, patients))


def stored(folder, name):
    """A policy of first weights that are large enough to tell patients apart."""
    env, learner = environment(name), PPO(hidden=(4,))
    state = learner.init(jax.random.key(1), env)
    state = state._replace(mean={**state.mean, "head.w": 30 * state.mean["head.w"]})
    runs.save(folder, env, learner, runs.identity(env, learner, 1, 1), learner.parameters(state), RESULT)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return stored(tmp_path_factory.mktemp("runs") / "any", ANY)


def asked(run):
    """What the policy asks for at the first visit."""
    patients, state, seen, mask = begun(ANY)
    policy = load_policy(run).policy
    return np.asarray(jax.vmap(lambda o, m: policy.act(KEY, o, m, policy.memory())[0])(seen, mask))


def given(run, name):
    """What the arm gives, on that treatment."""
    env, (arm,) = environment(name), load(str(run), environment(name), False)
    choose = lambda p, s, o, m: arm.choose(env, KEY, s, o, m, p, arm.memory())[0]  # noqa: E731
    return jax.vmap(choose)(*begun(name))


def test_a_continuous_dose_is_given_as_the_policy_asks(run):
    wanted = asked(run)
    assert wanted.std() > 5.0
    np.testing.assert_allclose(given(run, ANY).amount, wanted, rtol=1e-5)


def test_on_a_table_the_dose_is_rounded_to_the_nearest_row(run):
    chosen = given(run, TABLE)
    np.testing.assert_array_equal(chosen.amount, np.round(asked(run) / 10) * 10)
    assert (np.asarray(chosen.wait) == 21.0).all()


def test_a_row_that_is_closed_now_is_not_rounded_to(run):
    env, (arm,) = environment(TABLE), load(str(run), environment(TABLE), False)
    patients, state, seen, mask = begun(TABLE)
    closed = mask & (jnp.asarray(env.amount) <= 100.0)[None]
    choose = lambda p, s, o, m: arm.choose(env, KEY, s, o, m, p, arm.memory())[0]  # noqa: E731
    assert np.asarray(jax.vmap(choose)(patients, state, seen, closed).amount).max() == 100.0


def test_what_cannot_be_tried_is_refused_with_a_sentence(run, tmp_path):
    with pytest.raises(ValueError, match="a policy sees something else than in paclitaxel-label-v1"):
        arms.of_run(run, environment("paclitaxel-label-v1"), False)
    rows = stored(tmp_path / "rows", TABLE)
    with pytest.raises(ValueError, match="rows of the table of paclitaxel-cycles-v1; the dose of paclitaxel-any-dose-v1 is"):
        arms.of_run(rows, environment(ANY), True)
    path = rows / "policy.json"
    other = json.loads(path.read_text()) | {"treatment": ANY, "fingerprint": "of before"}
    path.write_text(json.dumps(other | {"spec": {**other["spec"], "actions": []}}))
    with pytest.raises(ValueError, match="trained on another paclitaxel-any-dose-v1 than this version knows"):
        arms.of_run(rows, environment(TABLE), False)


def test_doses_of_another_unit_are_not_rounded(run):
    t = environment(TABLE).treatment
    other = TreatmentEnvironment(replace(t, standard=replace(t.standard, unit="mg")))
    with pytest.raises(ValueError, match="doses in mg/m2 and paclitaxel-cycles-v1 in mg"):
        arms.of_run(run, other, False)
