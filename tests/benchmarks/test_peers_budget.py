"""A peer with a budget of decisions beside ours."""

from __future__ import annotations

import pytest

from posology.benchmarks import peers_budget


def training(seed, value, envs=16, seconds=100.0):
    history = [{"samples": 10, "seconds": 5.0, "return_mean": 0.0}, {"samples": 20, "seconds": seconds, "return_mean": value}]
    return {"problem": "p", "learner": "ppo", "version": "1", "envs": envs, "seed": seed, "history": history, "seconds": seconds,
            "adapter_share": 0.1}  # fmt: skip


OURS = {
    "return_mean": 9.0, "lower": 8.0, "upper": 10.0, "seeds": 10, "samples": 1000, "seconds": 30.0,
    "history": [{"seconds": 2.0, "return_mean": 1.0},
                {"seconds": 4.0, "return_mean": 5.5}, {"seconds": 30.0, "return_mean": 9.0}],
}  # fmt: skip


def test_the_number_of_environments_is_the_one_that_ended_best_and_at_a_tie_the_fastest():
    assert peers_budget.best([training(0, 1.0, 1), training(0, 3.0, 16), training(0, 2.0, 256)]) == 16
    assert peers_budget.best([training(0, 3.0, 1, 90.0), training(0, 3.0, 16, 80.0)]) == 16


def test_the_ratio_is_their_seconds_in_ours_to_where_they_ended():
    row = peers_budget.compared([training(n, 5.0) for n in range(5)], OURS)
    assert row["return_mean"] == 5.0 and row["not_worse"]
    assert row["ours_seconds"] == 4.0
    assert row["ratio"] == pytest.approx(25.0) and row["met"] and row["counts"]


def test_where_we_never_got_there_is_no_ratio_and_the_bar_is_not_met():
    row = peers_budget.compared([training(n, 20.0) for n in range(5)], OURS)
    assert row["ratio"] is None and not row["met"] and not row["not_worse"]
    assert "ours" not in peers_budget.compared([training(0, 20.0)], None)
