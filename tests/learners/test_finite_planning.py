"""Planners on finite problems: exact by hand, exact by enumeration, exact against what was published."""

from __future__ import annotations

import itertools
import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from finite_problems import drawn, gamble  # noqa: E402

from posology.commands import run  # noqa: E402
from posology.environments.catalogue import PROBLEMS  # noqa: E402
from posology.environments.problems import icu_sepsis  # noqa: E402
from posology.learners.planning import finite  # noqa: E402
from posology.learners.planning.backward_induction import BackwardInduction  # noqa: E402
from posology.learners.planning.plan import plan  # noqa: E402
from posology.learners.planning.policy_iteration import PolicyIteration  # noqa: E402
from posology.learners.planning.value_iteration import ValueIteration  # noqa: E402
from posology.policies import storage  # noqa: E402

BOTH = pytest.mark.parametrize("planner", [ValueIteration, PolicyIteration])


@BOTH
@pytest.mark.parametrize(("discount", "second", "first"), [(0.9, 1.44, 1), (0.5, 0.8, 0)])
def test_a_gamble_is_taken_when_it_is_worth_the_wait(planner, discount, second, first):
    t = gamble().tables
    values = planner(discount=discount).plan(t, 50).values
    np.testing.assert_allclose(values[0], [1.0, second])
    np.testing.assert_allclose(values[1], [2.0, -np.inf])
    assert values[0].argmax() == first


@pytest.mark.parametrize("seed", range(6))
def test_value_and_policy_iteration_agree_and_no_policy_is_better(seed):
    t = drawn(seed).tables
    by_value, by_policy = (p(discount=0.95).plan(t, 0).values for p in (ValueIteration, PolicyIteration))
    np.testing.assert_allclose(by_value, by_policy, atol=1e-8)
    best = finite.best(t, by_policy)
    allowed = [np.flatnonzero(row) for row in t.admissible]
    for chosen in itertools.product(*allowed):
        assert (finite.of_policy(t, np.eye(3)[list(chosen)], 0.95) <= best + 1e-9).all()


@pytest.mark.parametrize("seed", range(4))
def test_backward_induction_finds_the_best_of_all_plans(seed):
    """Every plan of two decisions on a small problem, tried."""
    t = drawn(seed, states=3, actions=2).tables
    values = BackwardInduction(discount=0.9).plan(t, 2).values
    found = finite.start_value(t, finite.best(t, values[0]))
    allowed = [np.flatnonzero(row) for row in t.admissible]
    plans = list(itertools.product(*allowed))
    states, tried = np.arange(3), []
    for first, second in itertools.product(plans, plans):
        last = np.where(t.terminal, 0.0, finite.ahead(t, np.zeros(3), 0.9)[states, list(second)])
        tried.append(finite.start_value(t, np.where(t.terminal, 0.0, finite.ahead(t, last, 0.9)[states, list(first)])))
    assert found == pytest.approx(max(tried), abs=1e-12)


def test_a_policy_that_may_go_on_for_ever_has_no_undiscounted_value():
    t = drawn(0).tables
    transition = t.transition.copy()
    transition[0, 0] = np.eye(5)[0]
    stays = np.tile(np.eye(3)[0], (5, 1))
    with pytest.raises(ValueError, match="may go on for ever"):
        finite.of_policy(type(t)(transition, t.reward, t.start, t.terminal, t.admissible), stays, 1.0)


def test_a_plan_is_judged_stored_and_read_back(tmp_path):
    env = gamble(steps=2)
    result = plan(env, BackwardInduction(discount=1.0), tmp_path / "run", held_out=400)
    assert result["value"] == pytest.approx(1.6, abs=1e-6)
    assert result["lower"] < 1.6 < result["upper"]
    stored = storage.load_policy(tmp_path / "run", fingerprint=env.fingerprint)
    assert stored.record["form"]["steps"] == 2
    assert plan(env, BackwardInduction(discount=1.0), tmp_path / "run")["value"] == result["value"]
    with pytest.raises(ValueError, match="has learner backward-induction, not value-iteration"):
        plan(env, ValueIteration(discount=1.0), tmp_path / "run")


def test_with_one_decision_left_the_gamble_is_not_worth_taking(tmp_path):
    """The best dose in state 0 depends on how many decisions are left; the stored policy counts them."""
    made = plan(gamble(steps=1), BackwardInduction(discount=1.0), tmp_path / "one", held_out=10)
    assert made["value"] == made["return_mean"] == 1.0


@pytest.fixture(scope="module")
def icu(shared):
    if not (shared / icu_sepsis.WHERE).is_dir():
        pytest.skip("no ICU-Sepsis tables under shared")
    return PROBLEMS["icu-sepsis-v1"].environment(shared).tables, icu_sepsis.clinicians(shared)


@pytest.mark.parametrize(("discount", "expected"), [(1.0, 0.875142), (0.99, 0.801334)])
def test_the_optimum_of_icu_sepsis_is_the_published_one(icu, discount, expected):
    t = icu[0]
    plans = [p(discount=discount).plan(t, 0).values for p in (ValueIteration, PolicyIteration)]
    found = [finite.start_value(t, finite.best(t, values)) for values in plans]
    assert found[0] == pytest.approx(found[1], abs=1e-8)
    assert found[1] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("discount", "chance", "clinicians"), [(1.0, 0.780071, 0.781845), (0.99, 0.719095, 0.722158)])
def test_chance_and_clinicians_on_icu_sepsis_reach_what_was_published(icu, discount, chance, clinicians):
    t, logged = icu
    evenly = np.full(logged.shape, 1 / 25)
    for policy, expected in ((evenly, chance), (logged, clinicians)):
        assert finite.start_value(t, finite.of_policy(t, policy, discount)) == pytest.approx(expected, abs=1e-6)


def test_train_plans_where_there_are_tables_and_says_why_not_elsewhere(tmp_path, capsys, shared, monkeypatch):
    monkeypatch.setenv("POSOLOGY_SHARED", str(shared))
    where = ["--out", str(tmp_path / "run"), "--json"]
    assert run(["train", "icu-sepsis-v1", "--learner", "policy-iteration", *where]) == 0
    assert json.loads(capsys.readouterr().out)["value"] == pytest.approx(0.875142, abs=1e-6)
    assert run(["train", "paclitaxel-cycles-v1", "--learner", "policy-iteration"]) == 1
    assert "plans on tables of transitions" in capsys.readouterr().err
    assert run(["trial", "icu-sepsis-v1"]) == 2
    assert "published control problem" in capsys.readouterr().err
