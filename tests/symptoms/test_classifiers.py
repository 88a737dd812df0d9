"""Classifiers and their scores: fitted without the test part, judged by what can be worked out by hand."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix
from sklearn.metrics import log_loss as log_loss_of_sklearn

from posology.figures import style
from posology.figures.confusion import confusion
from posology.figures.reliability import reliability
from posology.symptoms import classifiers, learning, performance, scores
from posology.symptoms.drugs import drugs
from posology.symptoms.generator import UNKNOWN, draw, posterior
from posology.symptoms.table import table

ROWS = 4_000
GIVEN = np.array([[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.2, 0.2, 0.6], [0.9, 0.05, 0.05]])
TRUTH = np.array([0, 0, 2, 1])


@pytest.fixture(scope="module")
def compared():
    return performance.compare(ROWS)


def test_scores_are_those_worked_out_by_hand():
    expected = (0.09 + 0.04 + 0.01 + 0.36 + 0.25 + 0.01 + 0.04 + 0.04 + 0.16 + 0.81 + 0.9025 + 0.0025) / 4
    assert scores.brier(GIVEN, TRUTH) == pytest.approx(expected)
    assert scores.log_loss(GIVEN, TRUTH) == pytest.approx(log_loss_of_sklearn(TRUTH, GIVEN, labels=[0, 1, 2]))
    assert np.array_equal(scores.confusion(GIVEN, TRUTH), confusion_matrix(TRUTH, GIVEN.argmax(1), labels=[0, 1, 2]))
    bins = scores.reliability(GIVEN, TRUTH)
    assert scores.calibration_error(bins) == pytest.approx((0.3 + 0.5 + 0.4 + 0.9) / 4)
    assert sum(b["accuracy"]["rows"] for b in bins) == 4


def test_the_interval_of_a_share_is_that_of_clopper_and_pearson():
    """0 of 10: the upper bound is 1 − 0.025^(1/10)."""
    found = scores.share(np.zeros(10, bool))
    assert (found["value"], found["lower"]) == (0.0, 0.0) and found["upper"] == pytest.approx(1 - 0.025**0.1)


def test_the_parts_share_no_row_and_keep_the_shares_of_diseases():
    parts = classifiers.split(ROWS)
    assert [len(part.disease) for part in parts] == [2400, 800, 800]
    ages = [set(part.age) for part in parts]  # ages are drawn from a continuum: no two patients share one
    assert not ages[0] & ages[1] and not ages[0] & ages[2] and not ages[1] & ages[2]
    shares = [np.bincount(part.disease, minlength=12) / len(part.disease) for part in parts]
    assert np.abs(shares[0] - shares[2]).max() < 0.005


def test_the_setting_is_the_best_on_validation_and_the_test_part_is_not_fitted_to():
    made = classifiers.fitted("decision-tree", ROWS)
    right = made.validation
    assert len(right) == 10 and right[classifiers.told(made.setting)] == max(right.values())
    parts = classifiers.split(ROWS)
    again = classifiers.pipeline(classifiers.CLASSIFIERS["decision-tree"], made.setting)
    again.fit(classifiers.features(parts.train), classifiers.labels(parts.train))
    test = classifiers.features(parts.test)
    assert np.array_equal(again.predict(test), made.pipeline.predict(test))


def test_labels_are_encoded_and_probabilities_come_back_in_the_order_of_the_table():
    parts = classifiers.split(ROWS)
    labels = classifiers.encoder().inverse_transform(classifiers.labels(parts.test))
    assert list(labels) == [table().disease_ids[d] for d in parts.test.disease]
    given = classifiers.probabilities("naive-bayes", parts.test, ROWS)
    assert given.sum(1) == pytest.approx(1, abs=1e-5)
    assert (given.argmax(1) == parts.test.disease).mean() > 0.7


def test_naive_bayes_is_categorical_naive_bayes_where_nothing_is_unknown():
    from sklearn.naive_bayes import CategoricalNB

    everyone = draw(3_000, 9, missing=0.0)
    told = everyone.pick((everyone.symptoms != UNKNOWN).all(1))
    sizes = [len(c) for c in classifiers.categories()]
    reference = CategoricalNB(alpha=1e-6, min_categories=sizes).fit(classifiers.features(told), told.disease)
    of = classifiers.features(told)
    ours = classifiers.pipeline(classifiers.CLASSIFIERS["naive-bayes"], {"alpha": 1e-6}).fit(of, told.disease)
    assert ours.predict_proba(of) == pytest.approx(reference.predict_proba(of), abs=1e-3)


def test_an_unknown_symptom_has_no_column():
    encoder = classifiers.pipeline(classifiers.CLASSIFIERS["naive-bayes"], {"alpha": 1.0})[0]
    some = classifiers.features(draw(50, 3))
    columns = encoder.fit_transform(some)
    assert np.array_equal(columns.sum(1), (some != UNKNOWN).sum(1) + (some[:, :2] == UNKNOWN).sum(1))


def test_every_classifier_learns_and_none_beats_bayes_by_more_than_chance(compared):
    assert set(compared["classifiers"]) == {"random-forest", "logistic-regression", "naive-bayes", "decision-tree"}
    commonest = np.bincount(classifiers.split(ROWS).test.disease).max() / 800
    for row in compared["classifiers"].values():
        assert commonest + 0.2 < row["accuracy"]["lower"]
        assert row["behind_bayes"]["upper"] > 0
        assert row["within_two_points"] == (row["behind_bayes"]["value"] <= 0.02)


def test_the_comparison_says_what_it_is_and_gives_a_verdict_on_the_claim(compared):
    assert compared["synthetic"].startswith("Synthetic") and "Research use only" in compared["disclaimer"]
    accuracies = {"bayes": compared["bayes"], **compared["classifiers"]}
    for name, verdict in compared["claim"]["verdicts"].items():
        assert verdict == ("reached" if accuracies[name]["accuracy"]["value"] >= 0.94 else "not reached")
    expected = compared["bayes"]["expected"]
    assert compared["bayes"]["accuracy"]["lower"] < expected["value"] < compared["bayes"]["accuracy"]["upper"]


def test_confusion_and_subgroups_count_every_row_once(compared):
    for row in (compared["bayes"], *compared["classifiers"].values()):
        assert np.sum(row["confusion"]) == 800
        groups = row["subgroups"]
        assert groups["male"]["rows"] + groups["female"]["rows"] == 800
        assert sum(groups[g]["rows"] for g in groups if g not in ("male", "female")) == 800


def test_bayes_rule_is_calibrated_and_its_brier_score_is_the_lowest(compared):
    found = posterior(classifiers.split(ROWS).test)
    assert compared["bayes"]["brier"] == pytest.approx(scores.brier(found, classifiers.split(ROWS).test.disease))
    assert compared["bayes"]["brier"] < min(row["brier"] for row in compared["classifiers"].values()) + 0.01


def test_charts_hold_every_filled_bin_and_every_class(compared):
    chart = reliability({"tree": compared["classifiers"]["decision-tree"]["reliability"]})
    assert style.svg(chart).startswith("<svg")
    names = [d["title"] for d in compared["diseases"]]
    drawn = style.svg(confusion(compared["classifiers"]["decision-tree"]["confusion"], names, "Tree"))
    assert all(name[:12] in drawn for name in names)


def test_charts_that_cannot_be_drawn_are_refused():
    with pytest.raises(ValueError, match="at least one filled bin"):
        reliability({})
    with pytest.raises(ValueError, match="a confusion matrix of 3 classes"):
        confusion([[1, 2], [3, 4]], ["a", "b", "c"], "x")


def as_rows(columns, rows):
    return "\n".join(" | ".join(map(str, row)) for row in (list(columns), *rows))


def test_the_page_shows_every_disease_and_drug_with_status_and_every_classifier(compared):
    spec = importlib.util.spec_from_file_location("symptomatic", Path(__file__).parents[2] / "docs" / "symptomatic.py")
    symptomatic = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(symptomatic)
    rows = []
    text = symptomatic.page(compared, lambda columns, body: rows.extend(map(tuple, body)) or "")
    first = {row[0] for row in rows}
    assert {d.title for d in table().diseases} | {d.title for d in drugs().values()} <= first
    assert {row["title"] for row in compared["classifiers"].values()} <= first
    assert sum(row[3] in ("verified", "unverified") for row in rows if len(row) == 5) >= len(drugs())
    assert "Synthetic" in text and "Research only" in text
    assert "Not measured yet" in symptomatic.learned(None, as_rows)[-1]
    [said, table_text] = symptomatic.learned(learning.curve((500, 1_000), 1_000), as_rows)[1:]
    assert "- Decision tree: " in said and "94 %" in said and "1,000 | Decision tree" in table_text
