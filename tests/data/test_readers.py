from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from patient_records import EXAMPLE, records

from posology.data.readers import KINDS, fhir, fhir_resources, read, read_cohort, to_fhir, to_json, to_long_csv, write
from posology.data.readers import csv as long_csv
from posology.data.readers import json as json_reader
from posology.data.readers.fhir_resources import RESOURCES
from posology.data.record import Record, from_dict

# Every field that the FHIR reader looks at.
FIELDS = sorted({name for part in vars(fhir_resources).values() for name in getattr(part, "model_fields", {})})


def like(record: Record, digits: int = 6) -> dict:
    """The record as data without notes, numbers rounded, for comparison."""

    def rounded(value):
        if isinstance(value, float):
            return float(f"{value:.9g}") if abs(value) > 1 else round(value, digits)
        if isinstance(value, dict):
            return {k: rounded(v) for k, v in value.items()}
        return [rounded(v) for v in value] if isinstance(value, (list, tuple)) else value

    return rounded(record.model_dump(exclude={"notes"}))


@given(records())
@settings(max_examples=60, deadline=None)
def test_json_gives_back_the_same_patient(record):
    assert json_reader.records(json.loads(to_json(record)), "p.json") == [record]


@given(st.lists(records(), min_size=1, max_size=3, unique_by=lambda r: r.id))
@settings(max_examples=60, deadline=None)
def test_long_csv_gives_back_the_same_patients(cohort):
    written = [r for r in cohort if r.covariates or r.doses or r.observations or r.start or r.allergies]
    if written:
        assert long_csv.records(to_long_csv(written), "p.csv") == written


@given(records())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_fhir_gives_back_the_same_patient(record):
    (back,) = fhir.records(json.loads(to_fhir(record)), "p.json")
    assert like(back, 4) == like(record, 4)


@pytest.mark.parametrize("kind", ["json", "csv", "fhir"])
def test_a_file_of_each_kind_gives_back_the_example(here, kind):
    record = from_dict({**EXAMPLE, "start": "2026-03-01T08:00:00+01:00"})
    name = "p.csv" if kind == "csv" else "p.json"
    write(record, name, kind)
    assert like(read(name)) == like(record)


def test_a_formula_is_not_written_to_a_csv():
    text = to_long_csv(from_dict(EXAMPLE))
    assert "'=sulfonamide" in text
    assert ",=sulfonamide" not in text


def test_a_cohort_in_json_is_read_whole_and_one_patient_by_name(here):
    write([from_dict(EXAMPLE), from_dict({**EXAMPLE, "id": "P-2"})], "c.json")
    assert [r.id for r in read_cohort("c.json")] == ["P-1", "P-2"]
    assert read("c.json", patient="P-2").id == "P-2"
    with pytest.raises(ValueError, match=r"c\.json: holds 2 patients"):
        read("c.json")
    with pytest.raises(ValueError, match="holds no patient 'P-3'"):
        read("c.json", patient="P-3")


LONG = "id,time,kind,name,value,unit,duration,route,below\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.json", b"", "p.json: is empty"),
        ("p.json", b" \n", "p.json: is empty"),
        ("p.json", b'{"id": "1",\n "doses": [}', "p.json, line 2: is not valid JSON"),
        ("p.json", b'{"id": "1", "id": "2"}', "field id is there twice"),
        ("p.json", b'{"id": "1", "covariates": {"weight": {"value": NaN, "unit": "kg"}}}', "NaN is not a number"),
        ("p.json", b'{"id": "1", "covariates": {"weight": {"value": 1e999, "unit": "kg"}}}', "must be a finite number"),
        ("p.json", b'{"id": ' + b"9" * 5000 + b"}", "too many digits"),
        ("p.json", b"[" * 100_000, "p.json"),
        ("p.json", b'{"id": "\\ud800"}', "is not a character"),
        ("p.json", b"[]", "holds no records"),
        ("p.json", b"hello", "is not valid JSON"),
        ("p.json", b"\xff\xfe{}", "line 1: is not UTF-8 text"),
        ("p.json", b'[{"id": "1"}, {"id": 2}]', "p.json, record 2, field id: must be text"),
        ("p.csv", b"a,b\n1,2\n", "p.csv, line 1: columns are missing"),
        ("p.csv", b"id;time;kind\n1;2;3\n", "separate columns by commas"),
        ("p.csv", b"id,time,kind,name\n1,0,dose,x\n", "line 1: column value is missing"),
        ("p.csv", b"id,id,kind,value\n1,1,dose,2\n", "line 1: column id is there twice"),
        ("p.csv", b"id,,kind,value\n1,1,dose,2\n", "line 1: column 2 has no name"),
        ("p.csv", b"id,kind,value,colour\n1,dose,2,red\n", "line 1: column colour is not known"),
        ("p.csv", LONG.encode(), "p.csv: has no rows"),
        ("p.csv", (LONG + "1,0,dose,,100\n").encode(), "line 2: has 5 cells where the header has 9"),
        ("p.csv", (LONG + "1,0,dose,,100,mg,,,\n\n1,0,dose,,x,mg,,,\n").encode(),
         "line 4, field value: must be a finite number, got 'x'"),
        ("p.csv", (LONG + "1,0,dose,,nan,mg,,,\n").encode(), "line 2, field value: must be a finite number"),
        ("p.csv", (LONG + "1,0,dose,,-5,mg,,,\n").encode(), "line 2, field amount: must not be below 0"),
        ("p.csv", (LONG + "1,0,dose,,5,,,,\n").encode(), "line 2, field unit: the unit is missing"),
        ("p.csv", (LONG + "1,0,dose,,5,stones,,,\n").encode(), "line 2, field unit: unit 'stones' is not known"),
        ("p.csv", (LONG + "1,,dose,,5,mg,,,\n").encode(), "line 2, field time: is missing"),
        ("p.csv", (LONG + "1,soon,dose,,5,mg,,,\n").encode(), "line 2, field time: must be hours or a date"),
        ("p.csv", (LONG + "1,inf,dose,,5,mg,,,\n").encode(), "line 2, field time: must be a finite number"),
        ("p.csv", (LONG + "1,2026-03-01T08:00:00,dose,,5,mg,,,\n").encode(),
         "line 2, field time: '2026-03-01T08:00:00' has no time zone"),
        ("p.csv", (LONG + "1,0,dose,,5,mg,long,,\n").encode(), "line 2, field duration: must be a finite number"),
        ("p.csv", (LONG + "1,0,pill,,5,mg,,,\n").encode(), "line 2, field kind: must be one of covariate"),
        ("p.csv", (LONG + "1,0,observation,,5,mg/L,,,\n").encode(), "line 2, field name: is missing"),
        ("p.csv", (LONG + "1,0,observation,c,5,mg/L,,,maybe\n").encode(), "line 2, field below: must be true or false"),
        ("p.csv", (LONG + "1,,covariate,WT,-70,kg,,,\n").encode(), "line 2: weight -70 kg is not possible"),
        ("p.csv", (LONG + ",0,dose,,5,mg,,,\n").encode(), "line 2, field id: is missing"),
        ("p.csv", (LONG + '1,0,dose,"x,5,mg,,,\n').encode(), "is not readable CSV"),
        ("p.csv", LONG.encode() + b"1,0,observation,caf\xe9,5,mg/L,,,\n", "line 2: is not UTF-8 text"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_sentence_with_file_line_and_field(here, name, content, said):
    (here / name).write_bytes(content)
    with pytest.raises(ValueError) as caught:
        read_cohort(name)
    message = str(caught.value)
    assert message.startswith(name)
    assert said in message
    assert "\n" not in message


def test_paths_that_cannot_be_read_are_value_errors(here):
    for path in (".", "missing.json", "a\0b", "x" * 5000):
        with pytest.raises(ValueError):
            read(path)
    with pytest.raises(ValueError, match="cannot be written"):
        write(from_dict(EXAMPLE), "no/such/folder/p.json")
    with pytest.raises(ValueError, match="'xlsx' is not a kind of patient file; allowed: json, csv, nonmem, fhir"):
        write(from_dict(EXAMPLE), "p.xlsx")


def test_a_byte_order_mark_and_windows_line_ends_are_fine(here):
    (here / "p.csv").write_bytes(b"\xef\xbb\xbf" + (LONG + "1,0,dose,,5,mg,,IV,\n").replace("\n", "\r\n").encode())
    assert read("p.csv").doses[0].route == "iv"


def test_a_value_with_a_smaller_sign_lies_below_the_limit(here):
    (here / "p.csv").write_text(LONG + "1,0,observation,anc,<0.5,10^9/L,,,\n")
    (seen,) = read("p.csv").observations
    assert seen.below
    assert seen.value == 0.5


def fault(call: Callable[..., list[Record]], *given: object) -> str:
    """The sentence of a `ValueError`, empty when there was none; any other exception fails the test."""
    try:
        assert all(isinstance(record, Record) for record in call(*given))
    except ValueError as error:
        return str(error)
    return ""


_rows = st.text(max_size=200).map(lambda text: (LONG + text).encode("utf-8", "replace"))


@given(st.binary(max_size=200) | _rows)
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_records_or_a_value_error(tmp_path, content):
    for name in ("p.csv", "p.json", "p.txt"):
        (tmp_path / name).write_bytes(content)
        said = fault(read_cohort, tmp_path / name)
        assert not said or name in said


_words = (
    "id covariates doses observations time value unit weight start conditions name entry resource subject"
    " resourceType meta extension dosage dose code status"
)
_json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_words.split()), inner, max_size=5),
    max_leaves=25,
)


@given(_json)
@settings(max_examples=300, deadline=None)
def test_any_json_is_records_or_a_value_error(raw):
    said = [fault(json_reader.records, raw, "p.json")]
    if isinstance(raw, dict):
        said.append(fault(fhir.records, {"resourceType": "Bundle", **raw}, "p.json"))
    assert all(not sentence or sentence.startswith("p.json") for sentence in said)


_resource = st.sampled_from(sorted(RESOURCES))
_part = st.recursive(
    st.none()
    | st.sampled_from([1, -1.5, "mg", "active", "completed", "2026-03-01T08:00:00Z", "2026-03-01", "751-8", True]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=12,
)


@given(_resource, st.dictionaries(st.sampled_from(FIELDS), _part, max_size=6))
@settings(max_examples=400, deadline=None)
def test_any_resource_is_read_or_a_value_error(kind, fields):
    said = fault(fhir.records, {**fields, "resourceType": kind}, "p.json")
    assert not said or said.startswith("p.json")


def test_every_kind_that_can_be_written_is_tested_here():
    assert set(KINDS) == {"json", "csv", "nonmem", "fhir"}


@pytest.mark.parametrize("text", ["#", "# a comment\n\n# another\n"])
def test_a_file_of_comments_alone_is_a_sentence(tmp_path, text):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match="holds comments alone, no header and no rows"):
        read_cohort(path)
