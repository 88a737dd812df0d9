"""Tuning: kept, resumed, judged on patients of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import yaml

sys.path.insert(0, str(Path(__file__).parent))
from probes import Probes  # noqa: E402

from posology.commands import run  # noqa: E402
from posology.learners.bandit.lin_ucb import LinUCB  # noqa: E402
from posology.learners.judge import EVALUATION_SEED  # noqa: E402
from posology.learners.planning.value_iteration import ValueIteration  # noqa: E402
from posology.learners.tuning import RANGES, TUNING_SEED, searched, tune  # noqa: E402


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    out = tmp_path_factory.mktemp("tuning") / "study"
    told = []
    first = tune(Probes(4), LinUCB(), out, trials=2, updates=3, report=told.append)
    again = tune(Probes(4), LinUCB(), out, trials=3, updates=3, report=told.append)
    return out, first, again, told


def test_a_study_goes_on_where_it_was(study):
    out, first, again, told = study
    assert (first["trials"], again["trials"]) == (2, 3)
    assert [t["number"] for t in told] == [0, 1, 2]
    assert again["return_mean"] >= first["return_mean"]
    assert tune(Probes(4), LinUCB(), out, trials=3, updates=3) == again


def test_the_best_settings_lie_within_their_ranges(study):
    settings = study[2]["settings"]
    assert set(settings) == {"alpha", "ridge"}
    assert all(RANGES[name].low <= value <= RANGES[name].high for name, value in settings.items())


def test_trials_are_judged_on_patients_who_judge_nothing_else(study):
    records = [json.loads(p.read_text()) for p in sorted((study[0] / "runs").glob("*/policy.json"))]
    assert len(records) == 3
    assert {r["seeds"]["evaluation"] for r in records} == {TUNING_SEED} != {EVALUATION_SEED}


def test_another_question_does_not_go_on_with_a_study(study):
    with pytest.raises(ValueError, match="has updates 3, not 4; choose another --out"):
        tune(Probes(4), LinUCB(), study[0], trials=4, updates=4)


def test_settings_that_are_fixed_are_not_looked_for():
    assert set(searched(LinUCB(), {"ridge": 1})) == {"alpha"}
    with pytest.raises(ValueError, match="value-iteration has nothing to tune"):
        searched(ValueIteration(), {})


def test_what_tune_found_trains(tmp_path, capsys):
    out = ["--out", str(tmp_path / "study")]
    assert run(["tune", "linear-bandit-v1", "--learner", "lin-ucb", "--trials", "1", "--updates", "2", *out]) == 0
    said = capsys.readouterr().out
    best = tmp_path / "study" / "best.yaml"
    assert f"--settings {best}" in said and "flatters" in said
    found = yaml.safe_load(best.read_text())
    made = ["--learner", "lin-ucb", "--updates", "1", "--settings", str(best), "--set", "ridge=2", "--out", str(tmp_path / "run")]
    assert run(["train", "linear-bandit-v1", *made]) == 0
    config = json.loads((tmp_path / "run" / "policy.json").read_text())["config"]
    assert config["alpha"] == found["alpha"] and config["ridge"] == 2.0


@pytest.mark.parametrize(
    ("text", "says"),
    [("- 1\n- 2\n", "expected lines of the form"), ("a: [", "it is no YAML"), ("clop: 1\n", "unknown setting 'clop'")],
)
def test_a_settings_file_that_is_wrong_is_answered_with_a_sentence(tmp_path, capsys, text, says):
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    assert run(["train", "linear-bandit-v1", "--learner", "lin-ucb", "--settings", str(path)]) == 1
    assert says in capsys.readouterr().err
    assert run(["train", "linear-bandit-v1", "--learner", "lin-ucb", "--settings", str(tmp_path / "none.yaml")]) == 1
    assert "there is no such file" in capsys.readouterr().err


def test_an_exact_planner_is_not_tuned(capsys):
    assert run(["tune", "icu-sepsis-v1", "--learner", "policy-iteration"]) == 1
    assert "computes an exact answer" in capsys.readouterr().err
