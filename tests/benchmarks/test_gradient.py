"""Return against wall-clock and decisions: parts that are kept, curves that are combined, a level that all reach."""

from __future__ import annotations

import pytest

from posology.benchmarks import gradient, seeds, tables
from posology.benchmarks.evidence import Effort
from posology.benchmarks.gradient import Training
from posology.environments.catalogue import spec
from posology.learners.catalogue import LEARNERS, learner
from posology.learners.learner import annealing, configure, suited

TINY = {"hidden": "4", "patients": "4"}
SMALL = {"four-state-chemo-v1": {"analytic": Training(2, TINY), "ppo": Training(2, {**TINY, "minibatches": "1", "epochs": "1"})}}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The plan of one problem, twice."""
    effort = Effort(seeds=2, runs=tmp_path_factory.mktemp("gradient"))
    first: list[str] = []
    second: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for name, value in (("TRAININGS", SMALL), ("PUBLISHED", {}), ("SEEDS", 2), ("HELD_OUT", 4), ("POINTS", 2)):
            patch.setattr(gradient, name, value)
        found = gradient.plan(effort, first.append)
        return found, gradient.plan(effort, second.append), first, second, effort


def test_every_seed_is_learned_once_and_found_again(made):
    found, again, first, second, _ = made
    assert found == again
    assert sum("of 2 updates" in line for line in first) == 2 * 2 * 2 and not second
    assert [(r["learner"], r["seeds"], len(r["curve"])) for r in found["rows"]] == [("analytic", 2, 2), ("ppo", 2, 2)]


def test_seconds_are_those_of_learning_and_the_level_is_what_all_reach(made):
    rows = made[0]["rows"]
    for r in rows:
        seconds = [p["seconds"] for p in r["curve"]]
        assert 0 < seconds[0] < seconds[1] < r["compile_seconds"] + 60
        assert r["samples"] == r["curve"][-1]["samples"] == 2 * r["curve"][0]["samples"]
        assert r["level"] == min(other["return_mean"] for other in rows)
        assert r["level_samples"] in [p["samples"] for p in r["curve"]]


def test_a_published_problem_is_read_from_the_runs_of_its_own_evidence(made, monkeypatch):
    effort, asked = made[-1], []
    (effort.runs / "four-state-chemo-v1").symlink_to(effort.runs / "gradient" / "four-state-chemo-v1")
    monkeypatch.setattr(gradient.problems, "trained", lambda problem, name, run, *_: asked.append(run.updates) or [{}, {}])
    runs = gradient.published("four-state-chemo-v1", "analytic", effort, print)
    assert asked == [2000] and [len(run["curve"]) for run in runs] == [2, 2]


def point(mean, seconds):
    return {"updates": 1, "samples": 10, "seconds": seconds, "return_mean": mean, "lower": mean - 1, "upper": mean + 1}


def test_curves_are_combined_point_by_point():
    runs = [[point(1.0, 2.0), point(5.0, 4.0)], [point(3.0, 4.0), point(5.0, 8.0)]]
    first, last = seeds.mean_curve(runs, ["samples", "seconds"])
    assert (first["return_mean"], first["seconds"], first["samples"]) == (2.0, 3.0, 10)
    assert (last["lower"], last["upper"]) == pytest.approx((4.0, 6.0))  # seeds agree: the patients' error is left
    assert first["upper"] - 2.0 == pytest.approx((1 + (12.7062 * 2**0.5 / 2**0.5) ** 2) ** 0.5, rel=1e-4)
    assert gradient.reaching([first, last], 3.0) is last and gradient.reaching([first, last], 6.0) is None


def test_the_table_has_a_line_for_every_row(made):
    *_, analytic, ppo = tables.derivatives(made[0]["rows"]).splitlines()
    assert analytic.startswith("| `four-state-chemo-v1` | analytic |") and "| ppo |" in ppo
    assert analytic.count("|") == ppo.count("|") == 10


@pytest.mark.parametrize("problem", gradient.TRAININGS)
def test_every_setting_of_the_plan_is_one_of_its_learner(problem):
    for name, training in gradient.TRAININGS[problem].items():
        assert LEARNERS[name].refuses(spec(problem)) is None
        configure(annealing(suited(learner(name)(), spec(problem)), training.updates), training.settings)
