"""Finite problems: what is drawn is what the tables say."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "learners"))
from finite_problems import drawn, empirical, gamble, spec  # noqa: E402

from posology.environments.catalogue import PROBLEMS  # noqa: E402
from posology.environments.finite import FiniteEnvironment  # noqa: E402
from posology.environments.problems import icu_sepsis  # noqa: E402


def test_states_follow_as_often_as_the_table_says():
    often, reward, _ = empirical(gamble(), 1)
    np.testing.assert_allclose(often, [0.0, 0.8, 0.2], atol=0.01)
    assert reward == 0.0
    often, reward, _ = empirical(gamble(), 0)
    assert (often.tolist(), reward) == ([0.0, 0.0, 1.0], 1.0)


def test_rewards_may_depend_on_where_one_comes_from():
    env = drawn(3)
    assert env.pays is None
    often, reward, _ = empirical(env, 0)
    t, share = env.tables, env.tables.start
    np.testing.assert_allclose(often, share @ t.transition[:, 0], atol=0.015)
    assert reward == pytest.approx(share @ t.expected[:, 0], abs=0.03)


def test_the_end_of_the_problem_and_the_end_of_study_are_different_things():
    _, _, step = empirical(gamble(steps=1), 1, n=200)
    over = np.asarray(step.state.index) == 2
    np.testing.assert_array_equal(step.terminated, over)
    np.testing.assert_array_equal(step.truncated, ~over)
    np.testing.assert_array_equal(step.mask[~over], np.tile([True, False], (int((~over).sum()), 1)))


def test_a_patient_meets_the_same_fate_whoever_is_treated_with_him():
    env, key = drawn(1), jax.random.key(2)
    reset = lambda patients: jax.vmap(env.reset, (None, 0))(key, patients)[0].index  # noqa: E731
    many, few = env.draw(None, 50), jax.tree.map(lambda v: v[10:20], env.draw(None, 50))
    np.testing.assert_array_equal(reset(many)[10:20], reset(few))


def test_tables_that_are_no_probabilities_are_refused():
    t = gamble().tables
    with pytest.raises(ValueError, match="'transition' holds rows that are no probabilities"):
        replace(t, transition=t.transition * 0.9)
    with pytest.raises(ValueError, match="'start' holds"):
        replace(t, start=np.array([2.0, -1.0, 0.0]))
    with pytest.raises(ValueError, match="'reward' holds numbers that are not finite"):
        replace(t, reward=np.full((3, 2, 3), np.nan))
    with pytest.raises(ValueError, match="'admissible' allows nothing in state 1"):
        replace(t, admissible=np.array([[True, True], [False, False], [True, True]]))
    with pytest.raises(ValueError, match=r"must be \(4, 2, 4\)"):
        FiniteEnvironment(spec(4, 2, 1), t)


def test_the_fingerprint_tells_tables_apart():
    assert gamble().fingerprint == gamble().fingerprint != gamble(steps=2).fingerprint
    assert drawn(1).fingerprint != drawn(2).fingerprint


@pytest.fixture(scope="module")
def icu(shared):
    if not (shared / icu_sepsis.WHERE).is_dir():
        pytest.skip("no ICU-Sepsis tables under shared")
    return PROBLEMS["icu-sepsis-v1"].environment(shared)


def test_icu_sepsis_is_the_published_process(icu):
    t = icu.tables
    assert t.transition.shape == (716, 25, 716) and t.admissible.sum(axis=1)[:5].tolist() == [4, 1, 4, 4, 6]
    assert icu.pays[icu_sepsis.DISCHARGE] == 1.0 and np.count_nonzero(icu.pays) == 1
    often, _, step = empirical(icu, 7)
    np.testing.assert_allclose(often, t.start @ t.transition[:, 7], atol=0.02)
    np.testing.assert_array_equal(step.costs[:, 0], step.state.index == icu_sepsis.DEATH)


def test_levels_of_icu_sepsis_are_fluids_then_vasopressor():
    assert icu_sepsis.SPEC.actions[7].label == "fluids 1, vasopressor 2"
    assert len(icu_sepsis.SPEC.actions) == 25


def test_missing_or_damaged_tables_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"dynamics.npz is not there; set POSOLOGY_SHARED"):
        PROBLEMS["icu-sepsis-v1"].environment(tmp_path)
    with pytest.raises(ValueError, match="does not list 716 states"):
        icu_sepsis.admissible("1 2\n0\n0 1\n")


def test_an_index_becomes_a_row_of_the_first_layer():
    from posology.policies import network as net
    from posology.policies.network import Network

    form = Network(1, 2, (3,), states=4)
    shapes = net.shapes(form)
    assert shapes["layer0.w"] == (4, 3)
    params = {name: jnp.arange(np.prod(s, dtype=int), dtype=jnp.float32).reshape(s) / 10 for name, s in shapes.items()}
    out, _ = net.step(form, params, jnp.array([2.0]), ())
    hidden = np.tanh(params["layer0.w"][2] + params["layer0.b"])
    np.testing.assert_allclose(out, hidden @ params["head.w"] + params["head.b"], rtol=1e-6)
    np.testing.assert_allclose(net.unroll(form, params, jnp.array([[0.0], [2.0]]))[1], out, rtol=1e-6)
    with pytest.raises(ValueError, match="the index of a state is one input"):
        Network(2, 2, states=4)
