"""`posology recommend`: one patient, several, four formats, and wrong input of each kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from posology.commands import run

EXAMPLE = Path(__file__).parents[2] / "examples" / "patient.json"
STANDARD = "paclitaxel-label-v1:standard"


def changed(tmp_path, **fields):
    raw = json.loads(EXAMPLE.read_text())
    covariates = raw["covariates"] | fields.pop("covariates", {})
    raw |= fields | {"covariates": {k: v for k, v in covariates.items() if v is not None}}
    path = tmp_path / "patient.json"
    path.write_text(json.dumps(raw))
    return str(path)


def said(capsys, *arguments):
    code = run(["recommend", *arguments])
    out = capsys.readouterr()
    assert "Traceback" not in out.err + out.out
    assert out.err.count("\n") == 1, out.err
    return code, out.err


def test_people_get_a_table_the_reasons_and_a_disclaimer(capsys):
    assert run(["recommend", STANDARD, "--patient", str(EXAMPLE)]) == 0
    out = capsys.readouterr().out
    assert "175 mg/m2 (chosen) (standard of care)" in out and "P(grade4)" in out
    for part in ("Recommended: ", "Known: 2 doses given", "Mosteller", "Disagreement: ", "not a medical device"):
        assert part in out


@pytest.mark.parametrize("name", ["patient.csv", "patient.nonmem.csv", "patient.fhir.json"])
def test_every_format_of_the_example_gets_the_same_answer(capsys, name):
    answers = []
    for path in (EXAMPLE, EXAMPLE.with_name(name)):
        assert run(["recommend", STANDARD, "--patient", str(path), "--json"]) == 0
        answers.append(json.loads(capsys.readouterr().out))
    for key in ("options", "chosen", "missing", "time", "patient", "abstained"):
        assert answers[0][key] == answers[1][key]


def test_several_patients_are_all_answered_or_one_by_id(tmp_path, capsys):
    raw = json.loads(EXAMPLE.read_text())
    path = tmp_path / "both.json"
    path.write_text(json.dumps([raw, raw | {"id": "EXAMPLE-2"}]))
    assert run(["recommend", STANDARD, "--patient", str(path), "--json"]) == 0
    assert [a["patient"] for a in json.loads(capsys.readouterr().out)] == ["EXAMPLE-1", "EXAMPLE-2"]
    assert run(["recommend", STANDARD, "--patient", str(path), "--id", "EXAMPLE-2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["patient"] == "EXAMPLE-2"


@pytest.mark.parametrize(
    ("who", "code", "expected"),
    [
        ("aspirin-v1:standard", 2, "unknown treatment 'aspirin-v1'; known: "),
        ("aspirin", 2, "'aspirin' is neither a run folder nor TREATMENT:ARM"),
        ("paclitaxel-label-v1:guess", 1, "unknown arm 'guess'; known: standard"),
        ("paclitaxel-label-v1:oracle", 1, "hidden parameters, which no record holds"),
        ("paclitaxel-cycles-v1:standard", 1, "nothing is recommended from paclitaxel-cycles-v1"),
        ("runs/none", 1, "there is no run at runs/none"),
    ],
)
def test_a_wrong_policy_is_named(capsys, who, code, expected):
    found, err = said(capsys, who, "--patient", str(EXAMPLE))
    assert found == code
    assert expected in err


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"covariates": {"weight": None}}, "covariate bsa: is missing; doses are per m2, so give it in m2, or height and weight"),
        ({"covariates": {"weight": {"value": -68, "unit": "kg"}}}, "weight -68 kg is not possible"),
        ({"covariates": {"weight": {"value": "heavy", "unit": "kg"}}}, "must be a number, got 'heavy'"),
        ({"covariates": {"weight": {"value": 68, "unit": "stone"}}}, "unit 'stone' is not known"),
        ({"covariates": {"bilirubin": {"value": 9, "unit": "mmol"}}}, "cannot be converted"),
        ({"covariates": {"weight": {"value": 68}}}, "unit: is missing"),
        ({"doses": [{"time": "2999-01-01T08:00:00+00:00", "amount": 300, "unit": "mg"}]}, "after the time asked"),
        ({"doses": [{"time": "2025-03-03", "amount": 300, "unit": "mg"}]}, "a date alone has no time and no zone"),
        ({"doses": [{"time": "2025-03-03T08:00:00Z", "amount": 3, "unit": "mL"}]}, "is not a unit of dose"),
        ({"surprise": 1}, "is not a field of a record"),
    ],
)
def test_a_wrong_record_is_named(tmp_path, capsys, fields, expected):
    code, err = said(capsys, STANDARD, "--patient", changed(tmp_path, **fields))
    assert code == 1
    assert expected in err


@pytest.mark.parametrize("content", ["{", "[]", "", "not a table"])
def test_a_broken_file_is_named(tmp_path, capsys, content):
    path = tmp_path / "patient.json"
    path.write_text(content)
    code, err = said(capsys, STANDARD, "--patient", str(path))
    assert code == 1
    assert "patient.json" in err


def test_a_missing_file_and_entries_after_the_time_are_named(capsys):
    assert "nowhere.json" in said(capsys, STANDARD, "--patient", "nowhere.json")[1]
    code, err = said(capsys, STANDARD, "--patient", str(EXAMPLE), "--at", "2025-03-10T00:00:00+00:00")
    assert (code, "after the time asked" in err) == (1, True)


@pytest.mark.parametrize("damage", ["json", "arrays", "unfinished"])
def test_a_damaged_run_is_named(tmp_path, capsys, damage):
    folder = tmp_path / ("run.partial" if damage == "unfinished" else "run")
    folder.mkdir()
    known = dict.fromkeys(("fingerprint", "learner", "form", "spec", "arrays_sha256"), "x")
    whole = json.dumps({"format": 2, "treatment": "paclitaxel-label-v1", **known})
    (folder / "policy.json").write_text("{" if damage == "json" else whole)
    code, err = said(capsys, str(tmp_path / "run"), "--patient", str(EXAMPLE))
    assert code == 1
    expected = {"json": "is damaged", "arrays": "was trained on", "unfinished": "its training is unfinished"}
    assert expected[damage] in err


def test_every_real_neonate_gets_an_answer(shared, tmp_path, capsys):
    """All 59 infants take minutes to compile; these are the shortest, the longest and one in between."""
    path = shared / "data" / "pk_classics" / "phenobarbital_neonates.csv"
    if not path.exists():
        pytest.skip("no phenobarbital data under shared")
    for infant in ("1", "30", "59"):
        assert run(["recommend", "phenobarbital-maintenance-v1:standard", "--patient", str(path), "--id", infant, "--json"]) == 0
        answer = json.loads(capsys.readouterr().out)
        assert answer["patient"] == infant and answer["chosen"]["unit"] == "mg/kg"
        assert all(0 < o["reading"]["at_next_visit"]["mean"] < 200 for o in answer["options"])


def test_a_treatment_for_research_only_answers_when_asked_and_says_which_rule_stops(tmp_path, capsys):
    path = tmp_path / "patient.json"
    path.write_text('{"id": "P", "covariates": {"bsa": {"value": 1.9, "unit": "m2"}}}')
    asked = ["recommend", "carboplatin-auc-v1:fixed:800", "--patient", str(path), "--draws", "16", "--research"]
    assert run(asked) == 0
    out = capsys.readouterr().out
    assert "Rule carboplatin-calvert (stop): no creatinine clearance" in out
    assert "For research only: its clearance follows renal function by assumption" in out
