"""The report: readable by someone who was not there, honest about zero, complete without a network."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from posology.evaluation.endpoints import Outcome
from posology.evaluation.table import trial_table
from posology.figures.paired_differences import paired_differences
from posology.figures.parts import grid
from posology.figures.report import About, report, write_report
from posology.figures.summary import best_arm, summary

ABOUT = About(
    title="Paclitaxel <cycles>",
    question="Which dose at each cycle?",
    arms={"standard": "200 mg/m² at every cycle."},
    limits=("Doses are never delayed.",),
    sources=("Henrich 2017",),
    judged_under="slope + 30 %",
    command="posology trial paclitaxel-cycles-v1 --arm standard",
)


class Page(HTMLParser):
    """Collects tags and images, and checks that what opens closes in order."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.images, self.problems = [], [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag == "img":
            self.images.append(dict(attrs))
        if tag not in ("img", "meta", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.problems.append(tag)


@pytest.fixture(scope="module")
def text(table):
    return report(table, ABOUT)


@pytest.fixture(scope="module")
def page(text):
    parsed = Page()
    parsed.feed(text)
    return parsed


def test_the_page_is_well_formed_with_one_title_and_four_figures(page):
    assert not page.problems
    assert not page.open
    assert page.seen.count("h1") == 1
    assert len(page.images) == 4


def test_every_figure_has_alternative_text_and_is_a_whole_drawing(page):
    for image in page.images:
        assert len(image["alt"]) > 40
        kind, data = image["src"].split(",", 1)
        assert kind == "data:image/svg+xml;base64"
        assert ElementTree.fromstring(base64.b64decode(data)).tag.endswith("svg")


def test_nothing_is_loaded_from_anywhere_and_no_script_runs(text, page):
    assert "script" not in page.seen
    assert "link" not in page.seen
    assert not re.findall(r"""(?:src|href)=["'](?!data:)""", text)
    assert not re.findall(r"https?://|url\(|@import", re.sub(r"base64,[^\"]+", "", text))
    for image in page.images:
        drawing = base64.b64decode(image["src"].split(",", 1)[1]).decode()
        assert not re.findall(r"href=|@import|<image", drawing)


def test_the_report_says_what_it_is_how_it_was_done_and_where_it_ends(text):
    for words in (
        "Research use only. Not a medical device.",
        "Which dose at each cycle?",
        "200 mg/m² at every cycle.",
        "60 virtual patients",
        "same random noise",
        "Trained 3 times",
        "Judged under slope + 30 %",
        "Doses are never delayed.",
        "Henrich 2017",
        "CTCAE v5.0",
        "Cycles 2 to 6",
        "Subgroup: first half (30 patients)",
        "label maximum",
    ):
        assert words in text, words


def test_the_numbers_of_the_page_are_those_of_the_table(table, text):
    found = table["arms"]["standard"]["endpoints"]["grade4_share"]
    mean, lower, upper = (f"{100 * found[part]:.1f}" for part in ("mean", "lower", "upper"))
    assert f'{mean} <span class="interval">({lower} to {upper})</span>' in text


def test_a_bracket_that_is_no_interval_stays_on_its_line():
    assert "<td>anc (10*9/L)</td><td>from 1 (2 to 3)</td>" in grid([["a"] * 3, ["x", "anc (10*9/L)", "from 1 (2 to 3)"]])


def test_what_a_caller_gives_is_escaped(text):
    assert "Paclitaxel &lt;cycles&gt;" in text
    assert "<cycles>" not in text


def test_the_best_arm_is_one_that_a_clinic_could_use(table):
    assert best_arm(table) == "runs/ppo"


def test_the_summary_names_size_direction_and_interval(table):
    first = summary(table)[0]
    assert first.startswith("runs/ppo kept neutrophils in grade 1-3 in ")
    assert re.search(r"That is [\d.]+ percentage points more \(95 % interval [\d.]+ to [\d.]+\)\.", first)


def test_less_harm_is_told_with_bounds_of_the_same_sign(table):
    sentence = next(s for s in summary(table) if "grade 4" in s)
    size, lower, upper = map(float, re.search(r"is ([\d.]+) .* less \(.* ([\d.]+) to ([\d.]+)\)", sentence).groups())
    assert lower <= size <= upper


def test_an_interval_that_holds_zero_is_called_possible_chance(make_table, make_arm):
    shifted = make_arm(0.7)
    nadir = shifted.nadir[:, ::-1]  # the same nadirs in other patients: no true difference
    other = Outcome(nadir, shifted.dose, shifted.dosed, shifted.reward[:, ::-1])
    sentences = summary(make_table({"standard": shifted, "other": other}))
    assert "may be chance" in sentences[0]
    assert "includes zero" in sentences[0]
    assert any("cannot tell other from standard" in sentence for sentence in sentences)


def test_a_worse_arm_is_not_praised(make_table, make_arm):
    sentences = summary(make_table({"standard": make_arm(1.0), "other": make_arm(0.4)}))
    assert "percentage points less" in sentences[0]


def test_one_arm_alone_is_reported_without_a_comparison(make_table, make_arm):
    found = make_table({"standard": make_arm(1.0)})
    assert "nothing is compared" in summary(found)[0]
    assert "Only one way of dosing was tried (standard)" in report(found, ABOUT)


def test_a_treatment_without_neutrophils_is_reported_by_its_return():
    arms = {
        name: Outcome(None, np.ones((1, 9, 2)), np.ones((1, 9, 2), bool), np.arange(9.0)[None] + gain, dose_unit="mg")
        for name, gain in (("standard", 0.0), ("learned", 1.0))
    }
    table = trial_table(arms, "phenobarbital-maintenance-v1", "f", 1, draws=50)
    text = report(table, ABOUT)
    assert "learned reached a return of 5, standard of 4." in text
    assert "CTCAE" not in text


def test_a_treatment_of_levels_is_reported_by_its_time_in_range():
    def arm(inside):
        days = np.array([inside, 10 - inside, 0.0])[:, None, None, None] * np.ones((1, 30, 2))
        terms = dict(zip(("days_in_range", "days_below", "days_above"), days, strict=True))
        return Outcome(None, np.ones((1, 30, 2)), np.ones((1, 30, 2), bool), np.ones((1, 30)), terms, dose_unit="mg/kg")

    table = trial_table({"standard": arm(6.0), "learned": arm(9.0)}, "levels", "f", 1, draws=50)
    text = report(table, ABOUT)
    assert "learned kept levels in range for 90.0 % of the time, standard for 60.0 %. That is 30.0 percentage" in text
    assert "learned left levels below the range for 10.0 % of the time, standard for 40.0 %." in text
    shown = paired_differences(table).to_dict()["description"]
    assert shown == (
        "Paired differences from standard in time in range, time below range, time above range, with 95 % intervals."
    )


def test_a_report_that_cannot_be_written_names_the_file(tmp_path, table):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ValueError, match="the report cannot be written to .*file/report.html"):
        write_report(blocked / "report.html", table, ABOUT)
