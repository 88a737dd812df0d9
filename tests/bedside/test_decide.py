"""A decision is kept as it was made: options, choice, who, and on which record."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from posology.bedside.decide import append, decision, decisions, record_hash
from posology.bedside.recommend import recommend
from posology.data.readers import read, write

WHEN = datetime(2025, 4, 14, 9, 0, tzinfo=UTC)


@pytest.fixture
def answer(label, patient):
    return recommend(label, "standard", patient(), 1512.0)


def test_a_decision_names_what_was_laid_out_what_was_chosen_and_who(answer, patient):
    entry = decision(answer, patient(), 315.0, "Dr A", when=WHEN)
    assert entry["followed"] and entry["by"] == "Dr A" and entry["when"] == "2025-04-14T09:00:00+00:00"
    assert entry["fingerprint"] == answer["fingerprint"]
    assert len(entry["options"]) == len(answer["options"])
    assert entry["record_sha256"] == record_hash(patient())


def test_decisions_are_only_added(tmp_path, answer, patient):
    path = tmp_path / "decisions.jsonl"
    for by in ("Dr A", "Dr B"):
        append(path, decision(answer, patient(), 200.0, by, "fever last cycle", WHEN))
    assert [d["by"] for d in decisions(path)] == ["Dr A", "Dr B"]
    assert not decisions(path)[0]["followed"]
    path.write_text(path.read_text() + "{\n")
    with pytest.raises(ValueError, match="line 3: is damaged"):
        decisions(path)


def test_the_hash_is_that_of_the_facts_not_of_the_file(tmp_path, patient):
    write(patient(), tmp_path / "a.json")
    write(patient(), tmp_path / "b.csv")
    assert record_hash(read(tmp_path / "a.json")) == record_hash(read(tmp_path / "b.csv")) == record_hash(patient())
    assert record_hash(patient({"age": {"value": 62, "unit": "a"}})) != record_hash(patient())


@pytest.mark.parametrize(
    ("mg", "by", "reason", "said"),
    [
        (-1.0, "Dr A", "", "dose -1 mg: is not allowed"),
        (float("nan"), "Dr A", "", "dose nan mg: is not allowed"),
        (315.0, " ", "", "by: is empty"),
        (200.0, "Dr A", "", "reason: is empty; say why"),
    ],
)
def test_a_decision_that_says_too_little_is_refused(answer, patient, mg, by, reason, said):
    with pytest.raises(ValueError, match=said):
        decision(answer, patient(), mg, by, reason, WHEN)


def test_a_decision_on_another_patient_or_without_a_zone_is_refused(answer, patient):
    with pytest.raises(ValueError, match="is for patient 'P1', the record is of 'P2'"):
        decision(answer, patient(id="P2"), 315.0, "Dr A", when=WHEN)
    with pytest.raises(ValueError, match="no time zone"):
        decision(answer, patient(), 315.0, "Dr A", when=WHEN.replace(tzinfo=None))
    json.dumps(decision(answer, patient(), 315.0, "Dr A", when=WHEN), allow_nan=False)


def test_a_change_in_part_keeps_the_interval_and_the_start_and_asks_why(answer, patient):
    assert decision(answer, patient(), 315.0, "Dr A", when=WHEN)["answer"] == "accepted"
    assert decision(answer, patient(), 315.0, "Dr A", when=WHEN, every_days=21)["answer"] == "accepted"
    entry = decision(answer, patient(), 315.0, "Dr A", "holiday", WHEN, start_in_days=3, every_days=28)
    assert (entry["answer"], entry["followed"], entry["start_in_days"], entry["every_days"]) == ("changed", False, 3, 28)
    with pytest.raises(ValueError, match="not given as recommended"):
        decision(answer, patient(), 315.0, "Dr A", when=WHEN, start_in_days=3)


def test_a_deferred_decision_gives_nothing_and_may_say_until_when(answer, patient):
    due = datetime(2025, 4, 15, 9, 0, tzinfo=UTC)
    entry = decision(answer, patient(), by="Dr A", reason="count tomorrow", when=WHEN, answer="deferred", until=due)
    assert (entry["mg"], entry["followed"], entry["until"]) == (0.0, False, "2025-04-15T09:00:00+00:00")
    entry = decision(answer, patient(), by="Dr A", reason="other therapy", when=WHEN, answer="rejected")
    assert entry["mg"] == 0.0 and "until" not in entry


@pytest.mark.parametrize(
    ("mg", "told", "said"),
    [
        (315.0, {"answer": "ignored"}, "answer: 'ignored' is not one; allowed: accepted, changed, deferred, rejected"),
        (315.0, {"answer": "rejected"}, "so that nothing is given; leave dose .315 mg., interval and start out"),
        (0.0, {"answer": "deferred", "every_days": 7}, "answer: is deferred, so that nothing is given"),
        (200.0, {"answer": "accepted"}, "answer: is accepted, but dose, interval or start is not the recommended one"),
        (315.0, {"answer": "changed"}, "are the recommended ones; it is accepted"),
        (200.0, {"every_days": 0}, "every_days: 0 is not allowed; it must be a finite number of days, more than 0"),
        (200.0, {"start_in_days": -1}, "start_in_days: -1 is not allowed; it must be a finite number of days, 0 or more"),
        (200.0, {"until": WHEN}, "until: belongs to a decision that is deferred; this one is changed"),
        (0.0, {"answer": "deferred", "until": WHEN.replace(tzinfo=None)}, "until: has no time zone"),
    ],
)
def test_an_answer_that_does_not_fit_what_is_given_is_refused(answer, patient, mg, told, said):
    with pytest.raises(ValueError, match=said):
        decision(answer, patient(), mg, "Dr A", "because", WHEN, **told)
