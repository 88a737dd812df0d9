"""Each figure draws from plain data, says in words what it shows, and refuses what it cannot draw."""

from __future__ import annotations

import re
import struct
from xml.etree import ElementTree

import numpy as np
import pytest

from posology.figures import style
from posology.figures.anc_bands import anc_bands
from posology.figures.courses import courses
from posology.figures.doses_per_cycle import doses_per_cycle
from posology.figures.grade_shares import grade_shares
from posology.figures.learning_curve import learning_curve
from posology.figures.npde import npde
from posology.figures.paired_differences import paired_differences, verdict
from posology.figures.posterior_bands import posterior_bands
from posology.figures.vpc import vpc

CURVE = {"time": [0, 1, 2], "p5": [1.0, 0.5, 0.8], "p50": [2.0, 1.0, 1.6], "p95": [4.0, 2.0, 3.2]}


def drawings(table):
    times, errors = np.arange(20.0), np.random.default_rng(0).normal(size=20)
    run = (np.arange(5), np.arange(5.0))
    return {
        "anc_bands": anc_bands(table),
        "doses_per_cycle": doses_per_cycle(table),
        "grade_shares": grade_shares(table),
        "paired_differences": paired_differences(table),
        "posterior_bands": posterior_bands(
            CURVE,
            [{"time": 1, "value": 1.1}, {"time": 2, "value": 0.5, "below": True}],
            [{"time": 0, "label": "175 mg/m²"}],
            target=(0.5, 2.0),
            now=1.5,
            log=True,
        ),
        "vpc": vpc([1, 2], np.ones((3, 2)), np.ones((3, 3, 2)), [[1, 1.2], [2, 0.9]]),
        "npde": npde(times, times, errors),
        "learning_curve": learning_curve({"ppo": [run, run], "dqn": [run]}, {"oracle": 4.0}),
    }


def leaves(spec, key):
    """Every value under `key` anywhere in a chart's description."""
    if isinstance(spec, dict):
        return [v for k, v in spec.items() if k == key] + [x for v in spec.values() for x in leaves(v, key)]
    return [x for v in spec for x in leaves(v, key)] if isinstance(spec, list) else []


def test_a_drawing_is_lean_and_says_the_same(table):
    import vl_convert

    for name, chart in drawings(table).items():
        whole, lean = (ElementTree.fromstring(t) for t in (vl_convert.vegalite_to_svg(chart.to_dict()), style.svg(chart)))
        texts = [[node.text for node in root.iter() if node.tag.endswith("text")] for root in (whole, lean)]
        assert texts[0] == texts[1], name
        places = [[float(v) for node in root.iter() for v in numbers(node.get("d", ""))] for root in (whole, lean)]
        assert len(set(places[0])) >= len(set(places[1])) > 1, name
        assert max(places[0]) == pytest.approx(max(places[1]), abs=0.006), name
        assert lean.get("aria-label") == chart.to_dict()["description"], name
        assert not [v for v in places[1] if v != round(v, 2)], name
        assert len(style.svg(chart)) < 0.7 * len(vl_convert.vegalite_to_svg(chart.to_dict())), name


def numbers(path):
    return re.findall(r"-?\d+\.?\d*(?:e-?\d+)?", path)


def test_every_figure_becomes_a_drawing_with_words_and_without_a_warning(table, recwarn):
    for name, chart in drawings(table).items():
        root = ElementTree.fromstring(style.svg(chart))
        marks = [node for node in root.iter() if node.tag.endswith(("path", "line", "text"))]
        assert len(marks) > 10, name
        assert float(root.get("width")) < 1400, name
        spec = chart.to_dict()
        assert len(spec["description"]) > 40, name
        assert spec["title"]["subtitle"], name
        assert not leaves(spec, "url"), f"{name} reads data from elsewhere"
    assert not recwarn.list


def test_a_figure_becomes_a_png_image(table):
    image = style.png(paired_differences(table), scale=1)
    assert image.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", image[16:24])
    assert width > 400
    assert height > 100


def test_grade_shares_draw_the_table_and_add_up_to_all_cycles(table):
    rows = [row for data in grade_shares(table).to_dict()["datasets"].values() for row in data]
    first = [row["share"] for row in rows if row["cycle"] == 1][:5]
    assert sum(first) == pytest.approx(1)
    expected = table["per_cycle"]["standard"][0]["endpoints"]["grade4_share"]["mean"]
    assert next(row["share"] for row in rows if row["grade"] == "4") == expected


@pytest.mark.parametrize(
    ("name", "lower", "upper", "expected"),
    [
        ("grade1to3_share", 0.1, 0.2, "better"),
        ("grade1to3_share", -0.2, -0.1, "worse"),
        ("grade4_share", -0.2, -0.1, "better"),
        ("grade4_share", 0.1, 0.2, "worse"),
        ("grade0_share", -0.1, 0.1, "undecided"),
        ("mean_dose", 1.0, 2.0, "differs"),
    ],
)
def test_the_verdict_follows_the_direction_of_the_endpoint(name, lower, upper, expected):
    assert verdict(name, lower, upper) == expected


def test_one_arm_alone_has_no_paired_difference(make_table, make_arm):
    with pytest.raises(ValueError, match="at least two arms"):
        paired_differences(make_table({"standard": make_arm(1.0)}))


def test_a_curve_of_unequal_columns_is_refused():
    with pytest.raises(ValueError, match="equally long"):
        posterior_bands(CURVE | {"p95": [1.0]})


def test_a_predictive_check_of_the_wrong_shape_is_refused():
    with pytest.raises(ValueError, match=r"observed \[3, 2\]"):
        vpc([1, 2], np.ones((3, 3)), np.ones((3, 3, 2)))


def test_prediction_errors_without_a_value_are_counted():
    errors = np.append(np.linspace(-2, 2, 20), [np.nan, np.inf])
    chart = npde(np.arange(22.0), np.arange(22.0), errors)
    assert "2 values without an error are left out" in chart.to_dict()["title"]["subtitle"]


def test_a_long_learning_curve_is_thinned_and_keeps_its_ends():
    run = (np.arange(10_000.0), np.arange(10_000.0))
    (rows,) = learning_curve({"ppo": [run]}, points=50).to_dict()["datasets"].values()
    assert len(rows) == 50
    assert (rows[0]["samples"], rows[-1]["samples"]) == (0, 9999)


def test_a_learning_curve_without_a_finite_return_is_refused():
    with pytest.raises(ValueError, match="at least one run"):
        learning_curve({"ppo": [([1.0], [np.nan])]})


def test_grade_colours_differ_in_brightness_where_they_differ_in_meaning():
    """Grade 0 and grade 4 must stand apart from grades 1-3 for a reader who sees no colour at all."""

    def brightness(colour):
        red, green, blue = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    shades = {grade: brightness(colour) for grade, colour in style.GRADES.items()}
    assert max(shades["0"], shades["4"]) + 0.3 < min(shades[grade] for grade in "123")


def test_a_day_without_counts_leaves_a_gap_not_an_error(make_table, make_arm):
    arm = make_arm(1.0)
    arm.anc[:, -1] = np.nan
    assert len(style.svg(anc_bands(make_table({"standard": arm})))) > 1000


def test_a_trial_without_counts_over_time_has_no_bands(table):
    with pytest.raises(ValueError, match="recorded no neutrophil counts"):
        anc_bands(table | {"anc": {}})


def test_courses_draw_every_reading_under_every_dose_and_refuse_what_does_not_fit():
    lines = {"anc": {"no dose": [5.0, 5.0, 5.0], "usual dose": [5.0, 1.0, 4.0]}, "psa": {"no dose": [1.0, 2.0, 3.0]}}
    units = {"anc": "10*9/L", "psa": "ug/L"}
    drawing = style.svg(courses([0.0, 1.0, 2.0], lines, units, time_unit="d", title="A made-up patient", subtitle="Two doses."))
    assert "anc (10^9/L)" in drawing and "psa (ug/L)" in drawing and "usual dose" in drawing
    with pytest.raises(ValueError, match="the course under no dose has 3 values for 2 times"):
        courses([0.0, 1.0], {"anc": {"no dose": [5.0, 5.0, 5.0]}}, units, time_unit="d", title="", subtitle="")
    with pytest.raises(ValueError, match="needs at least one reading"):
        courses([0.0], {}, {}, time_unit="d", title="", subtitle="")
