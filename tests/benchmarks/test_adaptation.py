"""How fast a policy adapts: what is read off judged runs."""

from __future__ import annotations

import json
from dataclasses import replace

import jax
import numpy as np
import pytest

from posology.benchmarks import adaptation, tables
from posology.benchmarks.adaptation import TRANSFERS, environments, middle, reached, row
from posology.benchmarks.evidence import Effort
from posology.benchmarks.seeds import mean_curve
from posology.environments.catalogue import spec
from posology.learners.catalogue import LEARNERS, learner
from posology.learners.learner import configure, suited


def points(*returns):
    return [{"samples": 100 * (i + 1), "return_mean": r, "lower": r - 0.1, "upper": r + 0.1} for i, r in enumerate(returns)]


def made(zero, warm, scratch):
    judged = {k: v for k, v in points(zero)[0].items() if k != "samples"}
    return {"standard": 2.0, "zero_shot": judged, "warm": points(*warm), "scratch": points(*scratch)}


def test_decisions_are_counted_until_most_of_the_gap_is_closed():
    """From 2 (standard) to 6 (best end of all runs): 95 % of the gap is closed at 5.8."""
    found = row(TRANSFERS[0], [made(4.0, (5.9, 5.9, 6.0), (3.0, 4.0, 5.8)), made(3.0, (5.0, 5.8, 5.9), (1.0, 5.9, 5.9))])
    assert (found["standard"], found["reference"], found["level"]) == (2.0, 6.0, pytest.approx(5.8))
    assert found["decisions_per_seed"] == {"warm": [100, 200], "scratch": [300, 200]}
    assert found["decisions"] == {"warm": 150, "scratch": 250}
    assert found["ratio"] == pytest.approx(250 / 150)
    assert found["zero_shot"]["return_mean"] == 3.5
    assert found["zero_shot_gap_closed"] == pytest.approx(1.5 / 4)
    assert [p["samples"] for p in found["curves"]["warm"]] == [0, 100, 200, 300]
    assert [p["return_mean"] for p in found["curves"]["scratch"]] == pytest.approx([2.0, 4.95, 5.85])


def test_a_policy_that_fits_at_once_needs_no_decision_and_one_that_never_does_has_no_number():
    at_once = row(TRANSFERS[0], [made(6.0, (6.0, 6.0), (3.0, 6.0))])
    assert at_once["decisions"] == {"warm": 0, "scratch": 200}
    assert at_once["ratio"] is None
    never = row(TRANSFERS[0], [made(6.0, (6.0, 6.0), (3.0, 4.0))])
    assert never["decisions"] == {"warm": 0, "scratch": None}
    assert reached(points(1.0, 2.0), 3.0) is None
    assert middle([1, None, 3]) is None


def test_the_table_says_where_not_every_seed_got_there():
    *_, line = tables.adapted([row(TRANSFERS[0], [made(6.0, (6.0, 6.0), (3.0, 4.0))])]).splitlines()
    assert line.count("|") == 9 and line.rstrip(" |").endswith("not by all") and TRANSFERS[0].title in line


def test_the_interval_of_a_curve_holds_the_spread_between_seeds():
    alone, apart = mean_curve([points(1.0)], ["samples"])[0], mean_curve([points(1.0), points(3.0)], ["samples"])[0]
    assert (alone["lower"], alone["upper"]) == pytest.approx((0.9, 1.1))
    assert apart["return_mean"] == 2.0 and apart["upper"] - apart["lower"] > 20  # two seeds say little


@pytest.mark.parametrize("t", TRANSFERS, ids=lambda t: t.name)
def test_a_policy_of_the_old_patients_fits_the_new_ones(t):
    """Same observations and the same form, so that learning can begin with it; and its learner may learn both."""
    old, new = spec(t.source), spec(t.target)
    assert LEARNERS[t.learner].refuses(old) is None
    assert [f.name for f in old.observation] == [f.name for f in new.observation]
    one = configure(suited(learner(t.learner)(), old), t.settings)
    assert one.form(old) == one.form(new)


def test_the_other_centre_has_other_patients_of_the_same_treatment():
    old, new = environments(TRANSFERS[-1])
    assert old.spec == new.spec
    sl = [np.asarray(env.draw(jax.random.key(0), 5).own.sl) for env in (old, new)]
    np.testing.assert_allclose(sl[1], 0.7 * sl[0], rtol=1e-5)


def test_names_of_parts_differ():
    assert len({t.name for t in TRANSFERS}) == len(TRANSFERS)
    assert replace(TRANSFERS[0], learner="dqn").name == "adults-to-children--dqn"
    assert adaptation.SEEDS >= 5


def test_rows_of_other_learners_stay_when_one_is_made(tmp_path, monkeypatch):
    old = [{"transfer": t.id, "learner": t.learner, "old": True} for t in TRANSFERS[:3]]
    (tmp_path / "adaptation.json").write_text(json.dumps({"rows": old}))
    monkeypatch.setattr(adaptation, "parts", lambda t, *_: [])
    monkeypatch.setattr(adaptation, "row", lambda t, made: {"transfer": t.id, "learner": t.learner})
    found = adaptation.plan(Effort(results=tmp_path, learners=("ppo",)), print)
    assert [(r["learner"], r.get("old", False)) for r in found["rows"]] == [
        ("ppo", False), ("rl2", True), ("context-ppo", True), ("ppo", False)
    ]  # fmt: skip
