"""The learning curve: patients that are not shared, settings chosen on validation, and sentences that follow from the figures."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posology.benchmarks import symptoms_learning
from posology.benchmarks.evidence import Effort
from posology.commands import run
from posology.symptoms import classifiers, learning
from posology.symptoms.generator import draw

SIZES, HELD_OUT = (500, 1_000, 4_000), 5_000


@pytest.fixture(scope="module")
def found():
    return learning.curve(SIZES, HELD_OUT)


def tree(found):
    return [each["classifiers"]["decision-tree"] for each in found["sizes"]]


def test_more_patients_bring_every_classifier_nearer_to_bayes_and_naive_bayes_nearest(found):
    behind = [row["behind_bayes"]["value"] for row in tree(found)]
    assert behind == sorted(behind, reverse=True) and behind[-1] < behind[0] - 0.03
    last = found["sizes"][-1]["classifiers"]
    assert last["naive-bayes"]["behind_bayes"]["upper"] < last["decision-tree"]["behind_bayes"]["lower"]
    assert last["decision-tree"]["leaves"] > 50 and last["naive-bayes"]["leaves"] is None


def test_a_larger_size_learns_from_the_patients_of_a_smaller_one_and_further_ones():
    small, large = (learning.encoded(rows, learning.TRAIN_SEED, 200) for rows in (500, 700))
    assert all(np.array_equal(a, b[:500]) for a, b in zip(small, large, strict=True))
    assert not np.array_equal(large[0][:200], large[0][200:400])


def test_nobody_is_both_taught_and_judged_by():
    """Ages are drawn from a continuum: no two patients share one."""
    seeds = [learning.TRAIN_SEED + k for k in range(-(-learning.SIZES[-1] // learning.CHUNK))]
    seeds += [learning.VALIDATION_SEED, learning.HELD_OUT_SEED, classifiers.DATA_SEED]
    ages = [float(draw(1, seed).age[0]) for seed in seeds]
    assert len(set(ages)) == len(ages)


def test_every_setting_is_tried_first_then_the_better_ones_and_the_best_on_validation_is_taken(found):
    assert [len(row["tried"]) for row in tree(found)] == [10, 5, 3]
    for before, row in zip((None, *tree(found)), tree(found), strict=False):
        right = row["validation"]
        assert right[classifiers.told(row["setting"])] == max(right.values())
        assert before is None or [*right] == sorted(right, key=lambda name: -right[name])
        assert before is None or {*right} == {*list(before["validation"])[: len(right)]}


def test_a_classifier_that_learns_some_at_a_time_is_the_one_that_learns_at_once(monkeypatch):
    of = learning.encoded(1_000, 5)
    monkeypatch.setattr(learning, "CHUNK", 300)
    ours = learning.fit("naive-bayes", {"alpha": 1.0}, of)
    at_once = classifiers.CLASSIFIERS["naive-bayes"].build(alpha=1.0).fit(*of)
    assert ours.predict_proba(of[0]) == pytest.approx(at_once.predict_proba(of[0]), rel=1e-4)


def test_sentences_say_from_where_on_it_is_near_and_only_if_it_stays_so(found):
    [first, near, claim] = learning.sentences(found)
    assert "after 500 patients" in first and near.startswith("Not within 2 points") and "94 % cannot be reached" in claim
    made = json.loads(json.dumps(found))
    for within, row in zip((True, False, True), tree(made), strict=True):
        row["within_two_points"] = within
    assert learning.sentences(made)[1].startswith("Within 2 points after 4,000 patients: ")
    tree(made)[1]["within_two_points"] = True
    assert learning.sentences(made)[1].startswith("Within 2 points after 500 patients and more: ")


def test_a_stored_curve_is_shown_only_while_the_patients_are_the_same(found, tmp_path, monkeypatch):
    (tmp_path / "learning.json").write_text(json.dumps(found))
    monkeypatch.setattr(learning, "__file__", str(tmp_path / "learning.py"))
    learning.stored.cache_clear()
    try:
        assert learning.stored() == found
        monkeypatch.setattr(learning, "NOISE", 0.1)
        learning.stored.cache_clear()
        assert learning.stored() is None
    finally:
        learning.stored.cache_clear()


def test_the_evidence_keeps_every_size(tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "SIZES", SIZES[:2])
    monkeypatch.setattr(learning, "HELD_OUT", HELD_OUT)
    effort, said = Effort(runs=tmp_path), []
    first = symptoms_learning.plan(effort, said.append)
    monkeypatch.setattr(learning, "encoded", None)  # nothing is learned again
    assert symptoms_learning.plan(effort, said.append) == first
    assert len(said) == 4 and "1000 patients" in said[-1]


def test_the_command_shows_the_sizes_asked_for_and_refuses_too_few(capsys, monkeypatch):
    monkeypatch.setattr(learning, "curve", lambda rows, keep, curve=learning.curve: curve(rows, HELD_OUT, keep))
    assert run(["symptoms", "learning", "--rows", "500"]) == 0
    said = capsys.readouterr().out
    assert "Decision tree" in said and "Naive Bayes" in said and "Synthetic" in said and "Research use only" in said
    assert run(["symptoms", "learning", "--rows", "5"]) == 1
    assert "rows is 5; allowed: at least 100" in capsys.readouterr().err
