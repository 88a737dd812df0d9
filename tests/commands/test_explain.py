"""`posology explain`: the paragraph and its tables, JSON, and the same refusals as `recommend`."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path

import pytest

from posology.bedside import distilled
from posology.commands import run
from posology.figures.explanation import report

EXAMPLE = str(Path(__file__).parents[2] / "examples" / "patient.json")


@pytest.mark.parametrize(
    ("who", "code", "expected"),
    [
        ("aspirin-v1:standard", 2, "unknown treatment 'aspirin-v1'; known: "),
        ("paclitaxel-label-v1:guess", 1, "unknown arm 'guess'; known: standard"),
        ("paclitaxel-label-v1:oracle", 1, "hidden parameters, which no record holds"),
        ("paclitaxel-cycles-v1:standard", 1, "nothing is recommended from paclitaxel-cycles-v1"),
        ("runs/none", 1, "there is no run at runs/none"),
    ],
)
def test_a_wrong_policy_is_refused_as_by_recommend(capsys, who, code, expected):
    said = []
    for command in ("explain", "recommend"):
        assert run([command, who, "--patient", EXAMPLE]) == code
        said.append(capsys.readouterr().err)
    assert said[0] == said[1] and expected in said[0] and said[0].count("\n") == 1


def test_people_get_the_paragraph_what_moved_it_the_limits_and_the_tree_with_its_fidelity(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(distilled, "PATIENTS", 60)
    assert run(["explain", "paclitaxel-label-v1:clinical-rule", "--patient", EXAMPLE]) == 0
    out = capsys.readouterr().out
    for part in ("clinical-rule gives 175 mg/m2 (305 mg).", "doses given", "anc-gate", "not a medical device"):
        assert part in out
    assert out.index("Decision tree: the policy's dose at") < out.index("if last")
    written = tmp_path / "why.html"
    asked = ["explain", "paclitaxel-label-v1:clinical-rule", "--patient", EXAMPLE, "--json", "--report", str(written)]
    assert run(asked) == 0
    answer = json.loads(capsys.readouterr().out)
    assert written.read_text(encoding="utf-8") == report(answer)
    assert answer["sentence"] in " ".join(out.split("\n"))
    page = report(answer | {"sentence": "<script>"})
    inputs = [i["name"] for i in answer["attribution"]["inputs"]]
    for part in ("decision tree", "Rank", *inputs, answer["disclaimer"], "&lt;script&gt;"):
        assert part in page
    assert "<script" not in page and "href=" not in page and "src=" not in page
    for row in (*answer["options"], *answer["trace"]):
        assert escape(row.get("label") or row["limit"]) in page
    assert answer["patient"] == "EXAMPLE-1" and answer["tree"]["fidelity"]["lower"] <= answer["tree"]["fidelity"]["mean"]
