"""Wrong input of each kind: one clear sentence, exit 1 or 2, no traceback."""

from __future__ import annotations

import json

import pytest

from posology.commands import run

CASE = {
    "covariates": {"bsa": 1.8},
    "doses": [{"time": 0, "amount": 360, "duration": 3}],
    "times": [0, 24],
}


def said(capsys, *arguments):
    code = run(list(arguments))
    out = capsys.readouterr()
    assert "Traceback" not in out.err + out.out
    assert out.err.count("\n") == 1, out.err
    return code, out.err


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"covariates": {"bsa": -1.8}}, "covariate bsa: -1.8 is not allowed"),
        ({"covariates": {"bsa": "big"}}, "covariate bsa: 'big' is not a finite number"),
        ({"covariates": {"height": 170}}, "unknown covariate 'height'; known: male, age, bsa"),
        ({"doses": [{"time": -1, "amount": 1}]}, "dose 1 time: -1 is not allowed; it must be at least 0"),
        ({"doses": [{"time": 0, "amount": 1, "unit": "mlgm"}]}, "dose 1: unknown unit 'mlgm'; known: mg, g, ug, umol"),
        ({"doses": [{"time": 0}]}, "dose 1: amount is missing"),
        ({"doses": [{"time": 0, "amount": 1, "into": "arm"}]}, "unknown place for a dose 'arm'; known: central"),
        ({"times": []}, "times: expected a list with at least one time"),
        ({"times": [float("nan")]}, "times[0]: nan is not a finite number"),
        ({"parameters": {"sll": 3}}, "unknown parameter 'sll'; known: v1"),
        ({"weather": 1}, "unknown field 'weather' in the case"),
        ({"model": "docetaxel-kloft2006"}, "the case is for 'docetaxel-kloft2006'"),
    ],
)
def test_a_wrong_case_is_named(tmp_path, capsys, change, expected):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({**CASE, **change}))
    code, err = said(capsys, "simulate", "paclitaxel-henrich2017", "--case", str(path))
    assert code == 1
    assert expected in err


@pytest.mark.parametrize(
    ("content", "expected"),
    [("{", "not valid JSON at line 1"), ("[]", "expected an object, got list"), (b"\xff\xfe", "not a UTF-8 text file")],
)
def test_a_broken_file_is_named(tmp_path, capsys, content, expected):
    path = tmp_path / "case.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, err = said(capsys, "simulate", "paclitaxel-henrich2017", "--case", str(path))
    assert code == 1
    assert expected in err


def test_a_missing_file_is_named(capsys):
    code, err = said(capsys, "simulate", "paclitaxel-henrich2017", "--case", "nowhere.json")
    assert (code, "nowhere.json" in err) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("simulate", "aspirin", "--case", "x.json"), 2, "unknown model 'aspirin'; known:"),
        (("trial", "aspirin-v1"), 2, "unknown treatment 'aspirin-v1'; known:"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "guess"), 1, "unknown arm 'guess'; known: standard"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "runs/none"), 1, "arm 'runs/none': there is no such run folder"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "fixed:much"), 1, "after the colon stands a number, as in fixed:175"),
        (("trial", "paclitaxel-cycles-v1", "--patients", "1"), 2, "2"),
        (("trial", "paclitaxel-cycles-v1", "--shift", "moon"), 1, "unknown shift 'moon'; known: slope-plus-30"),
        (("train", "paclitaxel-cycles-v1", "--learner", "luck"), 2, "unknown learner 'luck'; known:"),
        (("train", "paclitaxel-cycles-v1", "--set", "gamma"), 1, "--set gamma: expected name=value"),
    ],
)
def test_a_wrong_call_is_named(capsys, arguments, code, expected):
    found, err = said(capsys, *arguments)
    assert found == code
    assert expected in err


def test_a_damaged_policy_is_named(tmp_path, capsys):
    (tmp_path / "policy.json").write_text("{")
    code, err = said(capsys, "trial", "paclitaxel-cycles-v1", "--arm", str(tmp_path), "--patients", "2")
    assert code == 1
    assert "policy.json" in err


def test_names_are_matched_without_case_or_underscores(tmp_path, capsys):
    path = tmp_path / "case.json"
    path.write_text(json.dumps({**CASE, "covariates": {"BSA": 1.8}, "individual": {"V_1": 10.8}}))
    assert run(["simulate", "paclitaxel-henrich2017", "--case", str(path), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["times"] == [0.0, 24.0]
    assert printed["readings"]["anc"][0] == pytest.approx(6.48)
    assert set(printed) == {"model", "time_unit", "times", "states", "readings", "units"}
