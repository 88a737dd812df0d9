"""The paragraph says what the answer holds, and nothing else; the trace names every limit that was looked at."""

from __future__ import annotations

import re
from copy import deepcopy

import numpy as np

from posology.environments.catalogue import TREATMENTS
from posology.explanation.narrative import sentence, trace
from posology.safety.limits import Facts
from posology.safety.shield import allowed

ANSWER = {
    "policy": "map-greedy",
    "abstained": None,
    "chosen": {"label": "90 mg/m2", "dose": 90, "mg": 158.0},
    "trace": [{"limit": "anc-gate", "bound": False}, {"limit": "paclitaxel-bilirubin", "bound": True}],
    "attribution": {
        "chosen": "90 mg/m2", "unit": "mg/m2", "typical": 140.0, "actual": 90.0, "method": "exact", "least": 1.0,
        "inputs": [{"name": "anc", "value": -51.0, "error": 0.0, "said": "0.6", "typically": "0.97"},
                   {"name": "age", "value": 0.6, "error": 0.0, "said": "58 a", "typically": "62 a"}],
    },
    "counterfactual": {"facts": [{"name": "anc"}], "lower": [], "higher": [{"sentence": "If anc had been 0.655, 100 mg/m2."}]},
    "tree": {"fidelity": {"mean": 0.5, "lower": 0.45, "upper": 0.54}, "agrees": False, "says": "130 mg/m2", "path": []},
    "neighbours": {"number": 20, "of": "90 mg/m2", "options": [{"label": "90 mg/m2", "harm": {"grade4": 0.1}}]},
    "next_lab": {"best": {"reading": "anc", "day": 14, "narrows": 0.31}, "of": "the lowest anc"},
}  # fmt: skip


def numbers(value):
    """Every number that stands in an answer, as a number or in words; shares as per cent too."""
    if isinstance(value, dict):
        return {n for pair in value.items() for v in pair for n in numbers(v)}
    if isinstance(value, list | tuple):
        return {n for v in value for n in numbers(v)}
    if isinstance(value, str):
        return {float(n) for n in re.findall(r"\d+\.?\d*", value)}
    return {round(abs(float(value)) * k, 6) for k in (1, 100)} if isinstance(value, int | float) else set()


def test_no_number_is_said_that_is_not_in_the_answer():
    known = numbers(ANSWER) | {140.0 - 90.0}
    said = sentence(ANSWER)
    assert "map-greedy gives 90 mg/m2 (158 mg). The limit paclitaxel-bilirubin bound the choice." in said
    assert {float(n) for n in re.findall(r"\d+\.?\d*", said)} <= known
    assert "age" not in said and "lower dose" in said and "it does not explain this choice" in said


def test_a_measurement_that_says_little_is_not_proposed_and_an_abstention_comes_first():
    answer = deepcopy(ANSWER) | {"abstained": "bilirubin is missing", "chosen": None}
    answer["next_lab"]["best"]["narrows"] = 0.01
    said = sentence(answer)
    assert said.startswith("No dose is recommended: bilirubin is missing. What follows explains what map-greedy answers")
    assert "on day 14" not in said and "No measurement" in said


def test_the_trace_says_what_each_limit_read_and_left():
    label = TREATMENTS["paclitaxel-label-v1"]
    facts = Facts(anc=1.0, anc_age=1.0, bilirubin=30.0, cumulative_dose=0.0, delays_in_row=0.0, days_since_dose=21.0)
    permits = np.stack([np.asarray(allowed((x,), label.spec, facts)[0]) for x in label.limits])
    rows = {r["limit"]: r for r in trace(label.limits, facts, label.actions, permits, "anc-gate")}
    assert set(rows) == {x.id for x in label.limits}
    assert rows["anc-gate"]["effect"] == "permits no dose" and rows["anc-gate"]["bound"]
    assert rows["anc-gate"]["looked_at"]["anc"] == 1.0
    assert rows["paclitaxel-bilirubin"]["effect"] == "permits at most 110 mg/m2"
    assert rows["paclitaxel-maximum"]["effect"] == "permits every dose"
    assert [r["limit"] for r in rows.values() if r["bound"]] == ["anc-gate"]
    assert all(r["source"] and r["status"] for r in rows.values())
