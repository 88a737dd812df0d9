"""Learners on published problems: seeds, exact values, rows, and what is shown of them."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "learners"))
from finite_problems import gamble  # noqa: E402

from posology.benchmarks import problems, tables  # noqa: E402
from posology.benchmarks.evidence import Effort, write  # noqa: E402
from posology.benchmarks.problems import Reference, Run  # noqa: E402
from posology.commands import run  # noqa: E402
from posology.environments import catalogue  # noqa: E402
from posology.environments.problem import Problem  # noqa: E402
from posology.learners.catalogue import entry  # noqa: E402

RUNS = {"value-iteration": Run(0, {"discount": 1.0}), "q-learning": Run(20, {"patients": 8})}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The plan of the gamble: a planner, and a learner with three seeds."""
    env, folder = gamble(), tmp_path_factory.mktemp("problems")
    problem = Problem("finite", "A gamble", "Which?", env.spec, lambda shared: env, "", "", known={"optimal": 1.6})
    effort = Effort(seeds=1, runs=folder / "runs", results=folder / "results")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(problems, "REFERENCES", {})
        patch.setitem(catalogue.PROBLEMS, "finite", problem)
        patch.setitem(problems.REFERENCES, "finite", Reference("optimal", "by planning", RUNS))
        patch.setattr(problems, "SEEDS", 3)
        patch.setattr(problems, "LOOKS", 2)
        said = []
        result = problems.plan("finite", effort, said.append)
        again = problems.plan("finite", effort, said.append)
        write("finite", result, effort.results)
        one = problems.plan("finite", replace(effort, learners=("value-iteration",)), said.append)
        with pytest.raises(ValueError, match="finite has no training of sac; it has value-iteration, q-learning"):
            problems.plan("finite", replace(effort, learners=("sac",)), said.append)
    assert one == result  # the rows that were not asked for stay
    return result, again, said, folder


def test_every_learner_has_a_row_with_what_a_table_of_learners_needs(made):
    result, _, said, _ = made
    assert [r["learner"] for r in result["rows"]] == list(RUNS)
    planned, learned = result["rows"]
    assert planned["return_mean"] == pytest.approx(1.6) and planned["exact"] and planned["seeds"] == 1
    assert learned["seeds"] == 3 and learned["exact"] and len(learned["history"]) == 2
    assert learned["lower"] <= learned["return_mean"] <= learned["upper"] < 1.6 + 1e-6
    assert learned["samples"] > 0 and learned["seconds"] > 0 and learned["reference"] == 1.6
    assert any("q-learning" in text for text in said)


def test_a_training_that_is_there_is_not_made_again(made):
    result, again, _, _ = made
    assert result == again


def test_the_value_of_a_policy_is_exact_where_tables_say_it(made):
    """The gamble is worth 1.6 and the sure dose 1: nothing between can be the value of a policy without lots."""
    learned = made[0]["rows"][1]
    assert all(min(abs(v - 1.0), abs(v - 1.6)) < 1e-6 for v in learned["returns"])


def test_the_interquartile_mean_leaves_out_a_quarter_at_each_end():
    assert problems.middle([0.0, 1.0, 2.0, 100.0]) == 1.5
    lower, upper = problems.interval(np.linspace(0, 1, 10).tolist())
    assert 0.1 < lower < 0.5 < upper < 0.9
    assert problems.interval([2.0, 2.0]) == (2.0, 2.0)


def test_rows_are_shown_as_a_table_and_by_the_command(made, capsys):
    result, _, _, folder = made
    text = tables.on_problems(result["rows"])
    assert text.count("\n") == 3 and "| `finite` | q-learning |" in text
    results = folder / "results"
    results.mkdir(exist_ok=True)
    (results / "learners.json").write_text(json.dumps({"rows": []}))
    (results / "icu-sepsis-v1.json").write_text(json.dumps(result))
    assert run(["benchmark", "learners", "--results", str(results), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [r["learner"] for r in shown] == list(RUNS)
    assert {"problem", "learner", "return_mean", "lower", "upper", "seeds", "samples", "seconds", "reference"} <= set(shown[0])


def test_the_trainings_of_a_problem_are_of_learners_that_it_admits_with_settings_that_they_have():
    for problem, reference in problems.REFERENCES.items():
        spec = catalogue.spec(problem)
        assert reference.against in catalogue.PROBLEMS[problem].known
        for name, training in reference.runs.items():
            assert entry(name).refuses(spec) is None, (problem, name)
            env = type("Env", (), {"spec": spec})
            problems.made(problem, name, training, env)
