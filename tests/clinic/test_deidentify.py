"""Red team: identifiers planted in every place of a record that takes text or a number; none of them leaves."""

from __future__ import annotations

import csv
import io
import json
import random
from datetime import UTC, datetime

import pytest

from posology.clinic.terms import known
from posology.commands import run
from posology.data import anonymity
from posology.data.deidentify import deidentify
from posology.data.identifiers import KINDS, looks_like
from posology.data.readers import read_cohort, to_json, to_long_csv, write
from posology.data.record import from_dict

TERMS = known()
PLANTED = (
    "Erika Musterfrau", "Springfield 62704", "1931-04-12", "+1 (555) 123-4567", "fax 555-987-6543", "e.m@example.org",
    "123-45-6789", "MRN-00412387", "plan AB99887", "acct 55512345", "licence D1234567", "plate WL-XY-42", "serial SN-88A-1",
    "https://example.org/~erika", "192.168.17.4", "=HYPERLINK(1)", "ref K7Q-ZZ", "Dr. O'Brien",
)  # fmt: skip


def person(n: int, planted: str = "", **more):
    """One of many who look alike; with a planted text in every field that takes one."""
    raw = {
        "id": f"MRN-{n} {planted}", "start": "2026-03-01T08:13:00+01:00",
        "covariates": {
            "weight": {"value": 71.3, "unit": "kg"}, "age": {"value": 47.25, "unit": "a"}, "male": {"value": 1, "unit": "1"},
            **({f"note {planted}": {"value": 1, "unit": "1"}} if planted else {}),
        },
        "doses": [{"time": "2026-03-02T08:13:00+01:00", "amount": 300, "unit": "mg", "drug": planted or "paclitaxel"}],
        "observations": [
            {"time": "2026-03-12T08:13:00+01:00", "name": "anc", "value": 1.2, "unit": "10*9/L"},
            *([{"time": "2026-03-12T08:13:00+01:00", "name": f"x {planted}", "value": 1, "unit": "1"}] if planted else []),
        ],
        "genotypes": {"UGT1A1": planted or "*1/*28", **({planted: "*1/*1"} if planted else {})},
        "conditions": ["Diabetes", *([planted, f"diabetes of {planted}"] if planted else [])],
        "medications": ["ibuprofen", *([planted] if planted else [])],
        "allergies": ["penicillin", *([planted] if planted else [])],
        "notes": [f"seen by {planted}"],
    }  # fmt: skip
    return from_dict({**raw, **more})


def test_none_of_the_identifiers_planted_in_every_field_leaves():
    cohort = [person(n, planted) for n, planted in enumerate(PLANTED)]
    kept, report = deidentify(cohort, TERMS)
    assert len(kept) == len(cohort)
    written = [*(to_json(r) for r in kept), to_long_csv(kept), json.dumps(report["removed"])]
    # A name of a covariate or observation is kept in small letters with its signs as "_".
    for planted in PLANTED:
        shapes = {planted, planted.casefold(), "_".join(planted.casefold().replace("-", " ").split())}
        assert not [text for text in written for shape in shapes if shape in text.casefold()]
    assert not [text for text in written for fixed in ("MRN", "2026", "71.3", "47.25", "seen by") if fixed in text]
    assert {r.covariates["age"][0].value for r in kept} == {45.0} and {r.conditions for r in kept} == {("Diabetes",)}
    assert len(report["removed"]) == len(PLANTED) * 8  # two names, two genotypes, two conditions, a medication, an allergy
    assert all(r.doses[0].time == 0.0 and r.observations[0].time == 240.0 and r.start is None for r in kept)


def test_numbers_that_could_be_those_of_a_person_are_removed_or_withhold_the_record():
    seen = {"time": 24, "name": "concentration", "value": 5551234567, "unit": "mg/L"}
    phone = {"time": 0, "amount": 5551234567, "unit": "mg"}
    cohort = [
        person(1, start=None, observations=[seen], doses=[]), person(2, start=None, doses=[phone], observations=[]),
        person(3, start=None, observations=[], doses=[{"time": 0, "amount": 2_400_000, "unit": "[iU]"}]),
        person(4, start=None, observations=[{**seen, "value": 1, "time": 5551234567}, {**seen, "value": 1}], doses=[]),
    ]  # fmt: skip
    kept, report = deidentify(cohort, TERMS, k=1)
    assert [w["record"] for w in report["withheld"]] == [2, 4] and "5551234567" not in json.dumps(report)
    assert report["removed"] == [{"record": 1, "field": "observations, row 1", "why": "could be a number of a person"}]
    assert sorted(d.amount for r in kept for d in r.doses) == [2_400_000]


@pytest.mark.parametrize(("years", "released"), [(88, 85.0), (89.2, 90.0), (97, 90.0)])
def test_whoever_turns_90_within_the_record_is_90_whatever_the_way(years, released):
    late = [{"time": 8766, "name": "anc", "value": 1.2, "unit": "10*9/L"}]
    seen = [*late, {**late[0], "time": 0}]
    old = person(1, start=None, covariates={"age": {"value": years, "unit": "a"}}, doses=[], observations=seen)
    for exact in (False, True):
        kept, _ = deidentify([old], TERMS, k=1, exact=exact)
        assert kept[0].covariates["age"][0].value == (years if exact and years == 88 else released)


def test_dates_leave_as_intervals_as_a_year_or_shifted():
    cohort = [person(n) for n in range(6)]
    assert deidentify(cohort, TERMS, dates="year")[0][0].start == datetime(2026, 1, 1, tzinfo=UTC)
    shifted, report = deidentify(cohort, TERMS, dates="shifted", chance=random.Random(1))
    first = cohort[0].start.replace(day=2)
    moved = [(r.start - first).days for r in shifted]
    assert len(set(moved)) > 3 and max(map(abs, moved)) <= 365 and not report["safe_harbor"]
    assert {r.start.timetz() for r in shifted} == {first.timetz()}
    with pytest.raises(ValueError, match="dates: 'exact' is not known"):
        deidentify(cohort, TERMS, dates="exact")


def test_whoever_fewer_than_k_look_like_is_left_out_unless_asked_otherwise():
    heavy = {"weight": {"value": 140, "unit": "kg"}, "age": {"value": 47, "unit": "a"}, "male": {"value": 1, "unit": "1"}}
    cohort = [person(n) for n in range(5)] + [person(9, covariates=heavy)]
    kept, report = deidentify(cohort, TERMS, k=5)
    found = report["anonymity"]
    assert (len(kept), report["suppressed"], found["smallest"], found["below_k"], found["after"]["smallest"]) == (5, 1, 1, 1, 5)
    assert found["below_k_without"]["weight"] == 0 and found["below_k_without"]["age"] == 1
    assert len(deidentify(cohort, TERMS, k=5, suppress=False)[0]) == 6
    assert not anonymity.below(kept, 5)


def test_every_kind_of_the_rule_has_a_line_and_a_term_that_looks_like_one_is_refused():
    assert "".join(kind.letter for kind in KINDS) == "ABCDEFGHIJKLMNOPQR"
    assert looks_like("ondansetron 8") is None and looks_like("call 555 123 4567") == "a telephone number"
    with pytest.raises(ValueError, match=r"terms, line 2: looks like an e-mail address"):
        TERMS.more(["ondansetron", "e.m@example.org"])
    kept, _ = deidentify([person(1, medications=["ondansetron"])], TERMS.more(["Ondansetron"]), k=1)
    assert kept[0].medications == ("ondansetron",)


def test_the_command_writes_json_and_csv_that_are_read_again_and_escapes_formulas(tmp_path, capsys):
    source, words = tmp_path / "in.json", tmp_path / "terms.txt"
    write([person(n, medications=["=cmd"]) for n in range(5)], source)
    words.write_text("=cmd\n")
    for suffix in ("json", "csv"):
        out = tmp_path / f"out.{suffix}"
        assert run(["cohort", "deidentify", str(source), "--out", str(out), "--terms", str(words), "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["released"] == 5
        assert {r.medications for r in read_cohort(out)} == {("=cmd",)}
    cells = [cell for row in csv.reader(io.StringIO(out.read_text())) for cell in row]
    assert "'=cmd" in cells and not [c for c in cells if c[:1] in tuple("=+-@\t\r")]
    assert run(["cohort", "deidentify", str(source), "--out", str(source)]) == 2
    assert run(["cohort", "deidentify", str(source), "--out", str(out), "--k", "6"]) == 0
    assert "nothing was written" in capsys.readouterr().out
