"""Curves with bands and the front: drawn from plain numbers, told in words, refused where they cannot be drawn."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest

from posology.figures import style
from posology.figures.curves import Curve, curves
from posology.figures.front import front

X = np.arange(4.0)


def curve(level=1.0):
    return Curve(X, level + X, level + X - 0.5, level + X + 0.5)


def point(name, kind, intensity, harm, unbeaten=True, **said):
    spread = lambda v: {"mean": v, "lower": v - 0.02, "upper": v + 0.02}  # noqa: E731
    told = {"weights": None, "dose": None, "unbeaten": unbeaten, **said}
    return {"name": name, "kind": kind, "dose_intensity": spread(intensity), "grade4_share": spread(harm), **told}


POINTS = [
    point("a", "learned", 0.7, 0.05, weights={"relative_dose_intensity": 0.25, "grade4": 0.75}),
    point("150 mg/m2", "fixed dose", 0.75, 0.25, False, dose=150.0),
    point("100 mg/m2", "fixed dose", 0.5, 0.03, dose=100.0),
    point("clinical-rule", "rule", 0.85, 0.3),
    point("oracle", "oracle", 0.77, 0.01, False),
]
RESULT = {"treatment": "paclitaxel-cycles-v1", "points": POINTS}


def rows(chart):
    return [row for data in chart.to_dict()["datasets"].values() for row in data]


def words(chart):
    return [node.text for node in ElementTree.fromstring(style.svg(chart)).iter() if node.tag.endswith("text")]


def test_every_point_of_a_curve_is_drawn_with_its_band_and_the_references():
    chart = curves({"first": curve(), "second": curve(3)}, "Regret", "Bands.", "Patients", "Loss", references={"best": 2.0})
    drawn = [r for r in rows(chart) if "lower" in r]
    assert [(r["x"], r["lower"], r["mean"], r["upper"]) for r in drawn if r["name"] == "first"] == [
        (x, x + 0.5, x + 1, x + 1.5) for x in X
    ]
    assert {"first", "second", "best", "Patients", "Loss"} <= set(words(chart))
    assert chart.to_dict()["description"] == "Regret: Loss along Patients for first, second, with bands."


def test_a_log_scale_leaves_out_what_is_not_positive():
    chart = curves({"a": Curve(X, X, X - 1, X + 1)}, "t", "s", "x", "y", log=True)
    assert [r["x"] for r in rows(chart)] == [2.0, 3.0]


@pytest.mark.parametrize(
    ("made", "says"),
    [
        (lambda: curves({}, "t", "s", "x", "y"), "at least one, got none"),
        (lambda: Curve(X, X, X, X[:2]), "equally long"),
        (lambda: Curve(X, X * np.nan, X, X), "'mean' of a curve holds numbers that are not finite"),
        (lambda: front({**RESULT, "points": []}), "at least one point"),
    ],
)
def test_what_cannot_be_drawn_is_said(made, says):
    with pytest.raises(ValueError, match=says):
        made()


def test_the_front_names_every_point_by_its_preference_or_dose():
    chart = front(RESULT)
    found = {r["name"]: r for r in rows(chart)}
    assert {n: r["label"] for n, r in found.items()} == {
        "a": "3", "150 mg/m2": "150", "100 mg/m2": "100", "clinical-rule": "clinical-rule", "oracle": "oracle",
    }  # fmt: skip
    assert (found["a"]["x"], found["a"]["y0"], found["a"]["y1"]) == pytest.approx((70.0, 3.0, 7.0))
    assert [n for n, r in found.items() if not r["strong"]] == ["150 mg/m2"]
    said = words(chart)
    assert "Cycles in grade 4 neutropenia (%)" in said
    assert {"3", "150", "clinical-rule", "oracle"} <= set(said)
