"""What holds for every control problem in cancer: equal patients and noise, baselines that reach what is known of them."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.benchmarks import problems, tables
from posology.benchmarks.evidence import Effort
from posology.environments.catalogue import PROBLEMS
from posology.learners.judge import summary
from posology.policies.policy import Policy

sys.path.insert(0, str(Path(__file__).parent))
from cancer import PATIENTS, env_of, first_of, played, result  # noqa: E402


@pytest.mark.parametrize("problem", PATIENTS)
def test_patients_are_the_same_whoever_is_drawn_beside_them(problem):
    env, key = env_of(problem), jax.random.key(5)
    many, few = env.draw(key, 40), env.draw(key, 7)
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(few), strict=True):
        np.testing.assert_allclose(a[:7], b, rtol=1e-5)
    assert any(np.ptp(np.asarray(v)) > 0 for v in jax.tree.leaves(many.p))


@pytest.mark.parametrize("problem", PATIENTS)
def test_equal_doses_give_equal_courses_and_a_later_difference_changes_nothing_before(problem):
    env = env_of(problem)
    steps = min(env.spec.max_steps, 6)
    same = np.ones(steps, np.int32) if env.spec.discrete else np.full(steps, 0.5, np.float32)
    other = np.concatenate([same[:-2], 0 * same[-2:]])
    first, again, later = (played(problem, first_of(problem), a) for a in (same, same, other))
    np.testing.assert_array_equal(first.observation, again.observation)
    np.testing.assert_array_equal(first.observation[: steps - 2], later.observation[: steps - 2])
    assert not np.array_equal(first.observation, later.observation)


@pytest.mark.parametrize("problem", PATIENTS)
def test_what_is_known_of_a_problem_is_what_its_baselines_reach(problem):
    for name in set(PROBLEMS[problem].known) & set(PROBLEMS[problem].policies):
        found = result(problem, name)["returns"]
        error = float(found.std(ddof=1)) / len(found) ** 0.5
        assert found.mean() == pytest.approx(PROBLEMS[problem].known[name], abs=4 * error + 0.001), name


@pytest.mark.parametrize("problem", PATIENTS)
def test_the_row_of_a_baseline_adds_up_and_is_shown(problem):
    name, spec = next(iter(PROBLEMS[problem].known)), env_of(problem).spec
    row = {"policy": name, **summary(env_of(problem), result(problem, name))}
    total = sum(weight * row["terms"][n] for n, weight in zip(spec.terms, spec.weights, strict=True))
    assert row["return_mean"] == pytest.approx(total, rel=1e-3, abs=1e-4)
    text = tables.beside([row])
    assert text.count("\n") == 2 and name in text and f"cost: {spec.costs[0].replace('_', ' ')}" in text


def test_the_result_of_a_problem_tells_its_baselines_on_the_patients_that_learners_are_judged_on(monkeypatch):
    problem, said = "zhao-chemo-v1", []
    monkeypatch.setattr(problems, "HELD_OUT", 50)
    monkeypatch.setattr(problems, "trained", lambda *_: [])
    monkeypatch.setattr(problems, "row", lambda problem, name, *_: {"learner": name})
    found = problems.plan(problem, Effort(), said.append)
    assert [r["policy"] for r in found["baselines"]] == list(PROBLEMS[problem].policies)
    row = next(r for r in found["baselines"] if r["policy"] == "constant 0.3")
    three = Policy("three", lambda key, seen, mask, memory: (jnp.int32(3), memory))
    assert row["return_mean"] == pytest.approx(problems.played(env_of(problem), three), rel=1e-5) and row["patients"] == 50
    assert row["lower"] < row["return_mean"] < row["upper"] and len(said) == len(found["baselines"])
