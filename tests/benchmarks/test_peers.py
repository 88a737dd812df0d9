"""Peers: a fair limit, an honest ratio, and what does not count."""

from __future__ import annotations

import contextlib
import json
import os
import sys

import pytest

from posology.benchmarks import learners, peers, speed
from posology.benchmarks.evidence import Effort
from posology.commands import run

LEVEL = -1.25
OURS = 30.0
COUNTED = 0.1

# a peer that says in one line what it was asked, and learns to what the test wants
FAKE = """#!{python}
import json, os, sys
asked = sys.argv[3:]
cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None
with open({log!r}, "a") as log:
    log.write(json.dumps([sys.argv[1:3], asked, cores]) + "\\n")
problem, learner, envs, seed, level, limit, samples, began = asked
seconds, reached, share = {results!r}[envs]
history = [{{"samples": 10, "seconds": seconds / 2, "return_mean": -2.0}}]
history.append({{"samples": 20, "seconds": seconds, "return_mean": float(level) + (0.0 if reached else -0.1)}})
found = {{"problem": problem, "learner": learner, "envs": int(envs), "level": float(level), "seconds": seconds + 1}}
print("chatter")
print(json.dumps({{**found, "history": history, "adapter_share": share, "simulation_share": 0.2}}))
"""


def timed(seed: int, seconds: float) -> dict:
    """What `learners.time_it` gives: the first seed finds nothing compiled."""
    end = {"samples": 5, "seconds": seconds, "judging_seconds": 1.0, "return_mean": LEVEL}
    return {"cold": seed == 0, "before_seconds": 1.0, "history": [end]}


@pytest.fixture
def asked(tmp_path, monkeypatch):
    """A plan with a peer whose three trainings are given: the result and what the peer was asked."""
    effort = Effort(seeds=3, runs=tmp_path / "runs", results=tmp_path / "results")
    effort.results.mkdir()
    row = {"problem": "p", "learner": "ppo", "level": LEVEL, "seconds": 1.0}
    columns = dict.fromkeys(("return_mean", "lower", "upper", "seeds", "samples", "reference"), 0.0)
    (effort.results / "learners.json").write_text(json.dumps({"rows": [row | columns]}))
    fake, log = tmp_path / "python", tmp_path / "log"
    log.touch()
    seconds = {0: 500.0, 1: 20.0, 2: 40.0}  # the cold one must not count
    monkeypatch.setattr(learners, "time_it", lambda problem, learner, seed, *rest: timed(seed, seconds[seed]))
    monkeypatch.setattr(peers, "PEERS", fake)

    def plan(**results):
        fake.write_text(
            FAKE.format(python=sys.executable, log=str(log), results={k[1:]: v for k, v in results.items()})
        )
        fake.chmod(0o755)
        found = peers.plan(effort, lambda text: None)
        return found, [json.loads(line) for line in log.read_text().splitlines()], effort

    return plan


def test_the_ratio_is_that_of_the_best_number_of_environments_to_our_warm_seconds(asked):
    found, _, _ = asked(_1=(310.0, True, COUNTED), _16=(360.0, True, COUNTED), _256=(331.0, False, COUNTED))
    [best] = found["compared"]
    assert (best["envs"], best["ours_seconds"]) == (1, OURS)
    assert best["ratio"] == best["ratio_at_least"] == pytest.approx(310 / OURS)
    assert best["counts"] and best["met"]
    assert [r["ratio"] for r in found["rows"]] == [pytest.approx(310 / OURS), pytest.approx(12.0), None]
    assert [r["seconds"] for r in found["rows"]] == [310.0, 360.0, None]


def test_a_peer_that_is_fast_enough_fails_the_bar(asked):
    found, _, _ = asked(_1=(331.0, False, COUNTED), _16=(290.0, True, COUNTED), _256=(331.0, False, COUNTED))
    [best] = found["compared"]
    assert (best["envs"], best["ratio"], best["met"]) == (16, pytest.approx(290 / OURS), False)


def test_where_no_peer_reached_the_level_there_is_only_a_lower_bound(asked):
    found, _, _ = asked(_1=(331.0, False, COUNTED), _16=(340.0, False, COUNTED), _256=(335.0, False, COUNTED))
    [best] = found["compared"]
    assert best["ratio"] is None and best["envs"] is None
    assert best["ratio_at_least"] == pytest.approx(332 / OURS)  # the least that any of them spent
    assert best["met"]
    assert [r["return_mean"] for r in found["rows"]] == [pytest.approx(LEVEL - 0.1)] * 3


def test_a_comparison_counts_only_below_the_bar_of_the_adapter(asked):
    found, _, _ = asked(_1=(310.0, True, peers.ADAPTER_BAR), _16=(400.0, True, COUNTED), _256=(331.0, False, COUNTED))
    assert [r["counts"] for r in found["rows"]] == [False, True, True]
    [best] = found["compared"]
    assert best["envs"] == 1 and not best["counts"] and not best["met"]


def test_where_none_reached_the_level_all_must_count(asked):
    found, _, _ = asked(_1=(331.0, False, 0.5), _16=(331.0, False, COUNTED), _256=(331.0, False, COUNTED))
    assert not found["compared"][0]["counts"] and not found["compared"][0]["met"]


def test_the_peer_is_asked_for_the_level_within_the_limit_on_one_core(asked):
    before = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None
    found, calls, _ = asked(_1=(9.0, True, 0.0), _16=(9.0, True, 0.0), _256=(9.0, True, 0.0))
    assert [call[1][2] for call in calls] == ["1", "16", "256"]
    for module, (problem, learner, _, seed, level, limit, samples, _), cores in calls:
        assert module == ["-m", "posology.benchmarks.peers_sb3"]
        assert (problem, learner, seed, float(level), samples) == ("p", "ppo", "0", LEVEL, "0")
        assert float(limit) == pytest.approx(11 * OURS)
        assert not found["one_core"] or len(cores) == 1
    assert before is None or os.sched_getaffinity(0) == before


def test_a_part_that_exists_is_made_again_only_for_another_level(asked):
    results = {"_1": (310.0, True, 0.0), "_16": (320.0, True, 0.0), "_256": (330.0, True, 0.0)}
    first, calls, effort = asked(**results)
    again, more, _ = asked(**dict.fromkeys(results, (1.0, True, 0.0)))
    assert again == first and more == calls
    path = next((effort.runs / "peers").glob("*envs-16-*.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "level": -9.0}))
    _, more, _ = asked(**results)
    assert [call[1][2] for call in more[len(calls) :]] == ["16"]


def test_what_is_missing_is_named_with_the_command_that_makes_it(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(peers, "PEERS", tmp_path / "nowhere")
    with pytest.raises(ValueError, match="posology evidence learners"):
        peers.plan(Effort(results=tmp_path), lambda text: None)
    with pytest.raises(ValueError, match="nowhere is not there; `make peers` makes it"):
        peers.plan(Effort(results=tmp_path / "results"), lambda text: None)
    assert run(["evidence", "peers", "--results", str(tmp_path / "results"), "--runs", str(tmp_path / "runs")]) == 1


def test_where_our_own_learner_misses_the_level_with_a_warm_seed_there_is_no_ratio(asked, monkeypatch):
    late = {**timed(2, 40.0), "history": [{**timed(2, 40.0)["history"][0], "return_mean": LEVEL - 0.01}]}
    monkeypatch.setattr(
        learners, "time_it", lambda problem, learner, seed, *rest: late if seed == 2 else timed(seed, 20.0)
    )
    found, calls, _ = asked(_1=(310.0, True, 0.0), _16=(320.0, True, 0.0), _256=(330.0, True, 0.0))
    [best] = found["compared"]
    assert found["rows"] == calls == []
    assert best["ratio"] is best["ratio_at_least"] is best["ours_seconds"] is None
    assert not best["met"]


def test_the_learners_are_shown_with_their_peers_once_these_are_there(asked, capsys):
    found, _, effort = asked(_1=(310.0, True, 0.0), _16=(320.0, True, 0.0), _256=(331.0, False, 0.5))
    command = ["benchmark", "learners", "--results", str(effort.results)]
    assert run([*command, "--json"]) == 0
    assert "peers" not in json.loads(capsys.readouterr().out)[0]
    (effort.results / "peers.json").write_text(json.dumps(found))
    assert run([*command, "--json"]) == 0
    [row] = json.loads(capsys.readouterr().out)
    assert row["peers"] == found["rows"] and row["compared"] == found["compared"]
    assert run(command) == 0
    assert "Stable-Baselines3" in capsys.readouterr().out


def test_every_benchmark_looks_for_the_same_peers():
    assert peers.PEERS == speed.PEERS


def test_one_core_is_given_back_when_the_work_fails():
    if not hasattr(os, "sched_getaffinity"):
        pytest.skip("this platform cannot bind a process to a core")
    before = os.sched_getaffinity(0)
    with contextlib.suppress(RuntimeError), peers.one_core():
        assert len(os.sched_getaffinity(0)) == 1
        raise RuntimeError
    assert os.sched_getaffinity(0) == before
