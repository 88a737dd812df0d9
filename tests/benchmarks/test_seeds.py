"""Several seeds together: means, intervals, learning curves, and what they say of DQN's options and of regret."""

from __future__ import annotations

import json
from dataclasses import fields
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.benchmarks import ablation, regret
from posology.benchmarks.evidence import Effort, Unfinished
from posology.benchmarks.seeds import learned, over_seeds
from posology.environments.catalogue import PROBLEMS, environment
from posology.figures import style
from posology.learners.bandit.lin_ucb import LinUCB
from posology.learners.deep.dqn import DQN
from posology.learners.learner import configure


def history(returns, step=100, seconds=2.0):
    at, judging = enumerate(returns, 1), {"judging_seconds": 0.5}
    return [{"updates": i, "samples": step * i, "seconds": seconds * i, "return_mean": r, **judging} for i, r in at]


def test_the_interval_over_seeds_is_students():
    """Mean 2, SD 1 of three: 4.3027·1/√3."""
    found = over_seeds([[1.0], [2.0], [3.0]])
    assert found["mean"] == [2.0]
    assert found["upper"][0] - 2.0 == pytest.approx(4.302653 / 3**0.5, rel=1e-6)
    assert over_seeds([5.0]) == {"mean": 5.0, "lower": 5.0, "upper": 5.0}


def test_a_learning_curve_is_the_mean_of_its_seeds_without_the_time_of_judging():
    runs = [history([1.0, 3.0], 100, 2.0), history([2.0, 5.0], 200, 4.0)]
    by_sample, by_second = learned(runs).columns(), learned(runs, "seconds").columns()
    np.testing.assert_allclose(by_sample["x"], [150, 300])
    np.testing.assert_allclose(by_second["x"], [2.5, 5.5])
    np.testing.assert_allclose(by_second["mean"], [1.5, 4.0])
    with pytest.raises(ValueError, match="judged after the same updates"):
        learned([runs[0], runs[1][:1]])


def test_a_variant_counts_what_it_reached_within_the_budget():
    problem = "four-state-chemo-levels-v1"
    budget = ablation.PLANNED[problem].decisions
    seeds = [history([1.0, 2.0 + k, 9.0], budget // 2) for k in (0, 1, 2)]
    row = ablation.row(problem, "double", seeds, np.array([1.0, 2.0, 3.0]))
    assert row["returns"] == [2.0, 3.0, 4.0]  # the third policy had seen half as many decisions again
    assert row["while_learning"]["mean"] == pytest.approx(2.0)
    assert row["less_plain"]["difference"] == pytest.approx(1.0)
    half = 2.776445 * (2 / 3) ** 0.5  # Welch of two threes with SD 1: 4 degrees of freedom
    assert row["less_plain"]["upper"] == pytest.approx(1.0 + half, rel=1e-5)
    assert ablation.row(problem, "plain", seeds, np.array([2.0, 3.0, 4.0]))["less_plain"] is None
    with pytest.raises(ValueError, match="no policy was judged within 50 decisions; the first was after 100"):
        ablation.within(history([1.0]), 50)


def test_every_variant_is_one_option_of_dqn_or_all_of_them():
    known = {f.name for f in fields(DQN)}
    singles = [v for name, v in ablation.VARIANTS.items() if name not in ("plain", "all")]
    assert all(len(v) == 1 and set(v) <= known for v in singles)
    assert ablation.VARIANTS["all"] == {k: x for v in singles for k, x in v.items()}
    for how in ablation.PLANNED.values():
        assert set(how.settings) <= known
        configure(DQN(), how.settings)
    assert set(ablation.PLANNED) <= set(PROBLEMS)


def test_an_ablation_that_is_stopped_keeps_the_seeds_that_are_done(tmp_path, monkeypatch):
    tiny = {"patients": "4", "gradients": "1", "batch": "4", "hidden": "4", "capacity": "16"}
    problem = "linear-bandit-v1"
    monkeypatch.setattr(ablation, "PLANNED", {problem: ablation.Trained(8, 2, 4, tiny)})
    monkeypatch.setattr(ablation, "SEEDS", 2)
    effort, heard = Effort(runs=tmp_path, seeds=1), []

    def stop(text):
        heard.append(text)
        if len(heard) == 3:
            raise Unfinished("stopped")

    with pytest.raises(Unfinished):
        ablation.histories(problem, "double", effort, stop)
    found = ablation.histories(problem, "double", effort, heard.append)
    assert len(heard) == 3 + 2  # the second seed alone
    assert [[p["samples"] for p in h] for h in found] == [[4, 8], [4, 8]]
    assert ablation.histories(problem, "double", effort, heard.append) == found
    assert len(heard) == 5


def test_regret_is_what_the_best_dose_would_have_brought_more():
    env = regret.FatedBandit(environment("linear-bandit-v1"))
    patient = jax.tree.map(lambda v: v[0], env.draw(jax.random.key(3), 5))
    state, seen, _ = env.reset(jax.random.key(0), patient)
    expected = env.bandit.theta @ jnp.concatenate([jnp.ones(1), seen])
    lost = [env.best(patient) - env.step(jax.random.key(0), state, a, patient).reward for a in range(3)]
    np.testing.assert_allclose(lost, expected.max() - expected, atol=1e-6)


def test_a_learner_loses_less_than_one_that_only_explores():
    env = regret.FatedBandit(environment("linear-bandit-v1"))
    total = {alpha: regret.regrets(env, LinUCB(patients=1, alpha=alpha), 3, 200).sum(axis=1) for alpha in (1.0, 1e6)}
    assert total[1.0].shape == (3,)
    assert (total[1.0] > 0).all()
    assert (total[1.0] < 0.5 * total[1e6]).all()


def test_the_exponent_of_a_power_is_found():
    at = np.geomspace(10, 4000, 50)
    np.testing.assert_allclose(regret.exponents(np.stack([3 * at**0.5, at**0.25]), at), [0.5, 0.25], rtol=1e-6)


def test_regret_is_kept_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(regret, "DECISIONS", 60)
    monkeypatch.setattr(regret, "SETTINGS", {"lin-ucb": {}})
    effort, heard = Effort(runs=tmp_path, seeds=1), []
    result = regret.plan(effort, heard.append)
    assert regret.plan(effort, heard.append) == result
    assert len(heard) == 1
    row = result["rows"][0]
    assert (row["seeds"], row["decisions"], row["curve"]["decisions"][-1]) == (10, 60, 60)
    assert row["regret"]["lower"] < row["regret"]["mean"] == row["curve"]["mean"][-1]
    assert json.loads(next(Path(tmp_path).glob("regret/*.json")).read_text())["learner"] == "lin-ucb"
    assert "√T" in style.svg(regret.figure(result))
