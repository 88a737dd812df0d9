"""Wrong input of each kind: one clear sentence, exit 1 or 2, no traceback."""

from __future__ import annotations

import json

import pytest

from posology.commands import run
from posology.commands.errors import sentence

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
        ({"doses": [{"time": 0, "amount": 1e300}]}, "dose 1 amount: 1e+300 is not allowed; it must be at most 1e+12"),
        ({"doses": [{"time": 0, "amount": 1, "duration": 1e9}]}, "dose 1 duration: 1e+09 is not allowed"),
        ({"covariates": {"bsa": 1e300}}, "covariate bsa: 1e+300 is not allowed; it must be at most 1e+12"),
        ({"times": [1e12]}, "times[0]: 1e+12 is not allowed; it must be at most 1e+06"),
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
    [
        ("{", "not valid JSON at line 1"),
        ("[]", "expected an object, got list"),
        (b"\xff\xfe", "is not UTF-8 text"),
        ("", "case.json: is empty"),
    ],
)
def test_a_broken_file_is_named(tmp_path, capsys, content, expected):
    path = tmp_path / "case.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    code, err = said(capsys, "simulate", "paclitaxel-henrich2017", "--case", str(path))
    assert code == 1
    assert expected in err


READERS = {
    "simulate": ("simulate", "paclitaxel-henrich2017", "--case"),
    "report": ("report", "--out", "never.html"),
    "recommend": ("recommend", "paclitaxel-label-v1:standard", "--patient"),
    "explain": ("explain", "paclitaxel-label-v1:standard", "--patient"),
    "individualise": ("individualise", "paclitaxel-henrich2017", "--patient"),
}


@pytest.mark.parametrize("command", READERS.values(), ids=READERS)
def test_a_file_that_cannot_be_read_is_named(tmp_path, capsys, command):
    for path, expected in (
        ("nowhere.json", "nowhere.json"),
        (tmp_path, str(tmp_path)),
        ("/dev/null", "/dev/null"),
        ("/dev/zero", "/dev/zero: is larger than 64 MiB"),
    ):
        code, err = said(capsys, *command, str(path))
        assert code == 1 and expected in err


RECORD = {
    "id": "P",
    "covariates": {"bsa": {"value": 1.8, "unit": "m2"}},
    "doses": [{"time": 0, "amount": 300, "unit": "mg", "duration": 3}],
    "observations": [{"time": 20, "name": "anc", "value": 3.0, "unit": "10*9/L"}],
}


@pytest.mark.parametrize("command", ["recommend", "explain", "individualise"])
@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"covariates": {"bsa": {"value": -1.8, "unit": "m2"}}}, "bsa -1.8 m2 is not possible; allowed 0.05 to 4.5 m2"),
        ({"covariates": {"bsa": {"value": "big", "unit": "m2"}}}, "field covariates.bsa.value: must be a number, got 'big'"),
        ({"covariates": {"bsa": {"value": 1.8, "unit": "mg/L"}}}, "they measure different things"),
        ({"covariates": {"bsa": {"value": 1.8}}}, "field covariates.bsa.unit: is missing"),
        ({"covariates": {"bsa": {"value": float("nan"), "unit": "m2"}}}, "NaN is not a number"),
        ({"doses": [{"time": 0, "amount": -3, "unit": "mg"}]}, "doses row 1, field amount: must not be below 0, got -3"),
        ({"doses": [{"time": 0, "amount": 1e300, "unit": "mg"}]}, "doses row 1, field amount: must not be above"),
        ({"doses": [{"time": 0, "amount": 1e7, "unit": "mg"}]}, "doses row 1: field amount: 1e+07 mg is not possible"),
        ({"doses": [{"time": 0, "amount": 1, "unit": "mg", "duration": 1e9}]}, "doses row 1, field duration: must not be above"),
        ({"doses": [{"time": "2999-01-01T00:00:00Z", "amount": 1, "unit": "mg"}], "observations": []}, "dated 2999-01-01"),
        ({"doses": "none"}, "field doses: must be a list, got 'none'"),
        ({"dosess": []}, "field dosess: is not a field of a record"),
    ],
)
def test_a_wrong_record_is_named_alike(tmp_path, capsys, command, change, expected):
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(RECORD | change))
    code, err = said(capsys, *READERS[command], str(path))
    assert code == 1
    assert expected in err and ("patient.json" in err or "record 'P'" in err)


@pytest.mark.parametrize(
    ("arguments", "code", "expected"),
    [
        (("simulate", "aspirin", "--case", "x.json"), 2, "unknown model 'aspirin'; known:"),
        (("trial", "aspirin-v1"), 2, "unknown treatment 'aspirin-v1'; known:"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "guess"), 1, "unknown arm 'guess'; known: standard"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "runs/none"), 1, "arm 'runs/none': there is no such run folder"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "fixed:much"), 1, "after the colon stands a number from 0 to 1e+06"),
        (("trial", "paclitaxel-cycles-v1", "--patients", "1"), 2, "2"),
        (("trial", "paclitaxel-cycles-v1", "--shift", "moon"), 2, "unknown shift 'moon'; known: nab-paclitaxel-structure"),
        (("trial", "paclitaxel-cycles-v1", "--shift", ""), 2, "unknown shift ''; known:"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "fixed:-5"), 1, "a number from 0 to 1e+06, as in fixed:175"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "fixed:nan"), 1, "arm 'fixed:nan': after the colon stands a number"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "ensemble-greedy:0"), 1, "a number from 2 to 4096"),
        (("trial", "paclitaxel-cycles-v1", "--arm", ""), 1, "arm '': is empty"),
        (("trial", "paclitaxel-cycles-v1", "--arm", "=standard"), 1, "arm '=standard': is empty"),
        (("trial", "paclitaxel-cycles-v1", "--patients", "99999999999999"), 2, "less than or equal to 1000000"),
        (("trial", "paclitaxel-cycles-v1", "--seed", "99999999999999999999"), 2, "less than or equal to 2147483647"),
        (("sample", "paclitaxel-cycles-v1", "--arm", "", "--out", "x.parquet"), 1, "arm '': is empty"),
        (("evidence", "paclitaxel-cycles-v1", "--skip", "luck"), 2, "unknown baseline 'luck'; known: area-rule"),
        (("evidence", "moon"), 2, "unknown plan 'moon'; known:"),
        (("train", "paclitaxel-cycles-v1", "--learner", "luck"), 2, "unknown learner 'luck'; known:"),
        (("train", "paclitaxel-cycles-v1", "--set", "gamma"), 1, "--set gamma: expected name=value"),
    ],
)
def test_a_wrong_call_is_named(capsys, arguments, code, expected):
    found, err = said(capsys, *arguments)
    assert found == code
    assert expected in err


PLACES = {
    "sample": ("sample", "paclitaxel-cycles-v1", "--out"),
    "trial": ("trial", "paclitaxel-cycles-v1", "--report"),
    "train": ("train", "paclitaxel-cycles-v1", "--out"),
    "report": ("report", "trial.json", "--out"),
    "individualise": ("individualise", "paclitaxel-henrich2017", "--patient", "x.json", "--report"),
    "evidence runs": ("evidence", "paclitaxel-cycles-v1", "--runs"),
    "evidence results": ("evidence", "paclitaxel-cycles-v1", "--results"),
    "demo": ("demo", "--out"),
}


@pytest.mark.parametrize("place", ["file/deep/out", "/proc/out", "/dev/full", "wrong kind"])
@pytest.mark.parametrize("command", PLACES.values(), ids=PLACES)
def test_a_place_that_cannot_be_written_is_named_before_the_work(tmp_path, capsys, command, place):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    files = command[-1] == "--report" or command[0] in ("sample", "report")
    wrong = "folder" if files else "file"
    path = tmp_path / (wrong if place == "wrong kind" else place)  # an absolute place stays as it is
    code, err = said(capsys, *command, str(path))
    assert code == 1
    assert f"{command[-1]} {path}: " in err and ("cannot be written: " in err or "is there and is no" in err)
    assert (tmp_path / "file").read_text() == "kept" and {p.name for p in tmp_path.iterdir()} == {"file", "folder"}


@pytest.mark.parametrize(
    ("error", "words"),
    [(MemoryError("Unable to allocate 1.46 TiB"), "more memory"), (RuntimeError("RESOURCE_EXHAUSTED: Out of"), "more memory")],
)
def test_too_much_is_said_to_be_too_much(error, words):
    assert words in sentence(error)


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
