"""Evidence: kept, resumed, and exactly what the commands print."""

from __future__ import annotations

import contextlib
import io
import json
from dataclasses import replace
from pathlib import Path

import pytest

from posology.benchmarks import evidence, learners, readme, seeds, tables
from posology.benchmarks.evidence import Effort, Training, Unfinished
from posology.benchmarks.problems import REFERENCES
from posology.commands import run
from posology.environments.catalogue import TREATMENTS

ROOT = Path(__file__).resolve().parents[2]
ID = "paclitaxel-cycles-v1"
BY_ARM = ("arms", "paired", "per_cycle", "limits_hit", "anc", "training_seeds")
TINY = Training("ppo", 2, {"patients": "16", "minibatches": "1", "epochs": "1", "hidden": "8"})


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The plan of one treatment, stopped in training and between two arms before it may end."""
    folder = tmp_path_factory.mktemp("evidence")
    effort = Effort(patients=12, seeds=1, runs=folder / "runs", results=folder / "results")
    treatment = replace(TREATMENTS[ID], baselines=("standard", "fixed:175"))
    said: list[str] = []

    def stopping(word):
        def tell(text):
            said.append(text)
            if word in text:
                raise Unfinished(word)

        return tell

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "TRAININGS", {"ppo": TINY})
        patch.setattr(evidence, "HELD_OUT", 32)
        for word in ("of 2 updates", "standard played"):
            with pytest.raises(Unfinished):
                evidence.tried(treatment, None, effort, stopping(word))
        table = evidence.tried(treatment, None, effort, stopping("never"))
        before = len(said)
        again = evidence.tried(treatment, None, effort, stopping("never"))
    return effort, table, again, said[:before], said[before:]


def test_a_stopped_plan_goes_on_and_makes_no_part_twice(made):
    _, table, again, first, second = made
    assert sum("standard played" in line for line in first) == 1
    assert sum("fixed:175 played" in line for line in first) == 1
    assert not any("played" in line or "updates" in line for line in second)
    assert again == table


def test_a_treatments_evidence_is_what_trial_prints(made):
    effort, table, *_ = made
    arms = ["standard", "fixed:175", f"ppo={effort.runs / ID / 'ppo'}"]
    options = [part for arm in arms for part in ("--arm", arm)]
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert run(["trial", ID, *options, "--patients", "12", "--seed", str(effort.seed), "--json"]) == 0
    assert evidence.write(ID, table, effort.results).read_text() == out.getvalue()


def test_a_learner_that_is_asked_for_comes_beside_those_learned_before_and_one_without_a_training_is_refused(made, monkeypatch):
    effort, table, *_ = made
    treatment = replace(TREATMENTS[ID], baselines=("standard", "fixed:175"))
    monkeypatch.setattr(evidence, "TRAININGS", {"ppo": TINY, "again": TINY})
    both = evidence.tried(treatment, None, replace(effort, learners=("again",)), lambda text: None)
    assert both["arms"].keys() == {*table["arms"], "again"} and both["arms"]["ppo"] == table["arms"]["ppo"]
    with pytest.raises(ValueError, match="has no learned arm sac; it has ppo, again"):
        evidence.tried(treatment, None, replace(effort, learners=("sac",)), lambda text: None)


def test_an_arm_that_is_left_out_stays_as_it_is_stored_unless_the_patients_were_others(made, tmp_path):
    effort, table, *_ = made
    treatment = replace(TREATMENTS[ID], baselines=("standard", "fixed:175"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evidence, "TRAININGS", {"ppo": TINY})
        for stored, patients in ((table, 12), ({**table, "seed": 21}, 0)):
            evidence.write(ID, stored, tmp_path)
            less = replace(effort, skip=("fixed:175",), results=tmp_path)
            found = evidence.tried(treatment, None, less, lambda text: None)
            assert ("fixed:175" in found["arms"]) == (patients == 12)
            if patients:
                assert [list(found[k]) for k in BY_ARM] == [list(table[k]) for k in BY_ARM]
                assert all(found[k]["fixed:175"] == table[k]["fixed:175"] for k in BY_ARM)
                assert found["subgroups"].keys() == table["subgroups"].keys()
                ends = [t["arms"]["ppo"]["endpoints"]["return"]["mean"] for t in (found, table)]
                assert ends[0] == pytest.approx(ends[1])


def test_a_policy_trained_anew_is_played_anew(made):
    effort, *_ = made
    runs = effort.runs / ID / "ppo"
    before = evidence.stamp(runs, 0)
    path = runs / "seed-0" / "policy.json"
    record = json.loads(path.read_text())
    try:
        path.write_text(json.dumps({**record, "arrays_sha256": "0" * 64}))
        assert evidence.stamp(runs, 0) != before
    finally:
        path.write_text(json.dumps(record, indent=1) + "\n")
    assert evidence.stamp(None, 0) == ""


def test_every_treatment_and_its_shifts_have_a_plan():
    names = set(evidence.plans())
    others = {"learners", "kills", "peers", "peers-budget", "phenobarbital-neonates", *REFERENCES}
    others |= {"clinic-load", "clinic-faults", "symptoms-learning"}
    others |= {"ablation", "adaptation", "forecasts", "front", "gradient", "regret", "schedules", "speed"}
    assert others | {*TREATMENTS} <= names
    assert f"{ID}--slope-plus-30" in names
    assert all(name.split("--")[0] in {*TREATMENTS, *others} for name in names)


def test_the_clock_stops_a_plan_only_when_its_time_is_over(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(evidence.time, "monotonic", lambda: now[0])
    tell = evidence.clock(2, lambda text: None)
    tell("early")
    now[0] = 121.0
    with pytest.raises(Unfinished, match="after 2 minutes"):
        tell("late")
    evidence.clock(0, lambda text: None)("never")


def test_evidence_lists_its_plans_and_what_is_done(tmp_path, capsys):
    (tmp_path / "kills.json").write_text("{}")
    (tmp_path / f"{ID}.json").write_text(json.dumps({"treatment": ID, "shift": None, "arms": dict.fromkeys(["standard", "ppo"])}))
    assert run(["evidence", "--list", "--json", "--results", str(tmp_path)]) == 0
    state = {s["plan"]: s for s in json.loads(capsys.readouterr().out)}
    assert state["kills"]["done"]
    assert not state["learners"]["done"]
    assert not state[ID]["done"] and "dqn" in state[ID]["without"] and "ppo" not in state[ID]["without"]
    assert run(["evidence", "--list", "--results", str(tmp_path)]) == 0
    assert f"{ID} (without clinical-rule, " in capsys.readouterr().out
    assert run(["evidence", "everything"]) == 2
    assert "unknown plan 'everything'" in capsys.readouterr().err


def timed(points, cold=False, before=2.0):
    keys = ("seconds", "judging_seconds", "samples", "return_mean")
    history = [dict(zip(keys, p, strict=True)) | {"lower": p[3] - 0.1, "upper": p[3] + 0.1} for p in points]
    return {"before_seconds": before, "cold": cold, "history": history}


def test_the_time_to_close_the_gap_counts_from_process_start_without_the_judging():
    run = timed([(10, 1, 100, -2.0), (20, 2, 200, -1.1), (30, 3, 300, -1.2)])
    assert learners.closed(run, -1.5) == (20.0, 200)
    assert learners.closed(run, -1.0) is None


def test_a_row_asks_for_most_of_the_gap_from_every_seed():
    good, bad = timed([(10, 1, 100, -1.04)], cold=True), timed([(10, 1, 100, -2.0)])
    row = learners.row("p", "ppo", [good, good], rule=-3.0, reference=-1.0)
    assert (row["seconds"], row["samples"], row["seconds_cold"]) == (11.0, 100, 11.0)
    assert row["level"] == pytest.approx(-1.1)
    assert row["gap_closed"] == pytest.approx(0.98)
    row = learners.row("p", "ppo", [good, bad], rule=-3.0, reference=-1.0)
    assert (row["seconds"], row["samples"]) == (None, None)
    assert row["seconds_per_seed"] == [11.0, None]


def test_more_seeds_do_not_shrink_the_error_of_the_patients():
    ends = [{"return_mean": -1.0, "lower": -1.1, "upper": -0.9}] * 3
    assert seeds.combined(ends) == pytest.approx((-1.0, -1.1, -0.9))
    mean, lower, upper = seeds.combined([{**ends[0], "return_mean": m} for m in (-1.2, -1.0, -0.8)])
    assert mean == pytest.approx(-1.0)
    assert upper - mean == pytest.approx((0.1**2 + (4.302653 * 0.2 / 3**0.5) ** 2) ** 0.5, rel=1e-4)
    assert mean - lower == pytest.approx(upper - mean)


def test_rows_that_are_not_there_yet_are_answered_with_the_command(tmp_path):
    with pytest.raises(ValueError, match="posology evidence learners"):
        learners.stored(tmp_path)


def test_the_results_of_the_readme_are_those_of_the_files():
    page = (ROOT / "README.md").read_text()
    assert readme.updated(page, ROOT / "docs" / "results") == page


def made_up(shift=None, regret=None, **means):
    share = {arm.replace("_", "-"): dict.fromkeys(("mean", "lower", "upper"), m) for arm, m in means.items()}
    arms = {arm: {"endpoints": {"grade1to3_share": found}} for arm, found in share.items()}
    return {"treatment": "t", "shift": shift, "arms": arms, "regret": regret}


def test_a_guideline_that_beats_what_learned_under_another_model_is_named():
    won = made_up("near", clinical_rule=0.6, ppo=0.8, oracle=0.9) | {"patients": 2600}
    lost = made_up("far", clinical_rule=0.7, ppo=0.6, oracle=0.9) | {"patients": 10_000}
    text = tables.elsewhere([won, lost])
    assert text.startswith("The same arms on 2,600 or 10,000 patients of other models")
    assert "| ppo | 80.0 (80.0 to 80.0) | 60.0 (60.0 to 60.0) |" in text
    assert text.endswith("under `far` (clinical-rule).")
    assert "does better" not in tables.elsewhere([won])
    assert tables.elsewhere([]) == ""


def test_the_overview_sets_the_best_guideline_beside_the_best_that_plans_or_learned():
    left = {"versus": "oracle", "arms": {"ppo": {"difference": 0.1, "lower": 0.05, "upper": 0.15}}}
    table = made_up(regret=left, standard=0.3, clinical_rule=0.6, map_greedy=0.7, ppo=0.8, oracle=0.9)
    line = tables.overview([table]).splitlines()[-1]
    best = "clinical-rule: 60.0 (60.0 to 60.0) | ppo: 80.0 (80.0 to 80.0)"
    assert line == f"| `t` | Cycles in grade 1-3 (%) | {best} | 10.0 (5.0 to 15.0) |"


def test_arms_of_the_plan_that_were_not_tried_are_named():
    table = made_up(standard=0.3, clinical_rule=0.6) | {"treatment": "nab-paclitaxel-cycles-v1"}
    assert tables.missing(table) == ["map-greedy", "ensemble-greedy", "oracle", "ppo", "dqn", "ppo-belief"]


def test_times_are_told_and_a_level_that_was_not_reached_is_said():
    row = learners.row("p", "ppo", [timed([(10, 1, 100, -2.0)])], rule=-3.0, reference=-1.0)
    assert tables.learned([row]).splitlines()[-1] == (
        "| `p` | ppo | -2.000 (-2.100 to -1.900) | – | not reached | not reached | 45.0 |"
    )
    peer = {"problem": "p", "learner": "ppo", "envs": 16, "return_mean": -1.5, "level": -1.1, "ours_seconds": 20.0}
    slow = peer | {"seconds": None, "seconds_spent": 220.0, "ratio": None, "ratio_at_least": 11.0, "adapter_share": 0.02}
    fast = slow | {"seconds": 50.0, "ratio": 2.5, "ratio_at_least": 2.5}
    *_, first, second = tables.beside_peers([slow, fast]).splitlines()
    assert first == "| `p` | ppo | 16 | -1.500 | -1.100 | stopped after 220.0 | 20.0 | more than 11.0 | 2.0 |"
    assert "| 50.0 | 20.0 | 2.5 | 2.0 |" in second


def test_results_are_put_between_the_marks_and_nowhere_else(made):
    page = f"before\n{readme.BEGIN}\nold\n{readme.END}\nafter\n"
    new = readme.between(page, readme.results(made[1]))
    assert new.startswith(f"before\n{readme.BEGIN}\n")
    assert new.endswith(f"{readme.END}\nafter\n")
    assert "old" not in new
    assert "| ppo |" in new
    with pytest.raises(ValueError, match="no place for results"):
        readme.between("nothing", "x")
