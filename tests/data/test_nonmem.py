from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from patient_records import records

from posology.data.readers import NonmemUnits, nonmem, read, read_cohort, to_nonmem, units_of, write
from posology.data.record import Record, covariate_at, from_dict

HEAD = "ID,TIME,AMT,RATE,II,ADDL,SS,EVID,MDV,CMT,DV,WT\n"


def numbers(record: Record) -> dict:
    """What NONMEM can hold of a record, to 9 digits."""

    def rounded(value):
        if isinstance(value, float):
            return float(f"{value:.9g}")
        if isinstance(value, dict):
            return {k: rounded(v) for k, v in value.items()}
        return [rounded(v) for v in value] if isinstance(value, (list, tuple)) else value

    return rounded(record.model_dump(exclude={"notes"}))


@given(st.lists(records(full=False), min_size=1, max_size=3, unique_by=lambda r: r.id))
@settings(max_examples=60, deadline=None)
def test_nonmem_gives_back_the_same_patients(cohort):
    # One file has one unit per column, so the same name must keep its unit across the cohort.
    seen: dict[str, str] = {}
    for record in cohort:
        if any(seen.setdefault(n, m.unit) != m.unit for n, v in record.covariates.items() for m in v):
            return
    back = nonmem.records(to_nonmem(cohort), "d.csv", units_of(cohort))
    assert [numbers(r) for r in back] == [numbers(r) for r in cohort]


def test_a_written_file_is_read_with_the_units_beside_it(here):
    raw = {"id": "Anna", "covariates": {"weight": {"value": 3.1, "unit": "kg"}}, "start": "2026-03-01T08:00:00Z"}
    raw["doses"] = [{"time": 0, "amount": 60, "unit": "ug", "duration": 0.5, "route": "iv"}]
    raw["observations"] = [{"time": 2, "name": "c", "value": 1.5, "unit": "umol/L"}]
    write(from_dict(raw), "d.csv", "nonmem")
    assert read("d.csv") == from_dict(raw)
    (here / "d.csv.units.json").write_text(json.dumps({"tiem": "h"}))
    with pytest.raises(ValueError, match=r"d\.csv\.units\.json, field tiem: is not a field of the units file"):
        read("d.csv")


def test_rate_becomes_duration_and_repeated_doses_are_kept():
    text = HEAD + "1,0,300,100,24,6,1,1,1,1,.,70\n1,90,.,.,.,.,.,0,0,2,4.5,70\n"
    (record,) = nonmem.records(text, "d.csv", NonmemUnits(time="min"))
    (dose,) = record.doses
    assert (dose.duration, dose.ii, dose.addl, dose.ss) == pytest.approx((3 / 60, 0.4, 6, True))
    assert record.observations[0].time == 1.5
    assert record.covariates["weight"][0].value == 70


def test_default_units_are_said_in_the_notes():
    (record,) = nonmem.records(HEAD + "1,0,300,.,.,.,.,1,1,1,.,70\n", "d.csv")
    assert record.notes == ("units by default: TIME h, AMT mg, DV concentration mg/L, WT weight kg",)


def test_a_covariate_that_changes_carries_its_last_value_forward():
    text = "ID,TIME,DV,WT\n1,0,1,70\n1,24,1,70\n1,48,1,68\n1,72,1,.\n"
    (record,) = nonmem.records(text, "d.csv", NonmemUnits())
    assert covariate_at(record, "weight", 47) == (70.0, "kg", 47.0)
    assert covariate_at(record, "weight", 80) == (68.0, "kg", 32.0)


def test_several_readings_need_names_by_dvid():
    text = "ID,TIME,DVID,DV,CENS\n1,0,cp,1,0\n1,0,pca,90,1\n"
    units = NonmemUnits(dvid={"cp": ("concentration", "mg/L"), "pca": ("pca", "%")})
    cp, pca = nonmem.records(text, "d.csv", units)[0].observations
    assert (cp.name, pca.name, pca.unit, pca.below) == ("concentration", "pca", "%", True)
    with pytest.raises(ValueError, match="line 3, field CENS: must be 0 or 1, got -1"):
        nonmem.records(text.replace("90,1", "90,-1"), "d.csv", units)
    with pytest.raises(ValueError, match="line 2, field DVID: 'cp' has no name and unit under dvid"):
        nonmem.records(text, "d.csv")


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("1,0,300,-2,.,.,.,1,1,1,.,70\n", "line 2, field RATE: -2 asks for a modelled"),
        ("1,0,-300,.,.,.,.,1,1,1,.,70\n", "line 2, field amount: must not be below 0"),
        ("1,0,300,.,.,3,.,1,1,1,.,70\n", "line 2: ii (hours between doses) must be above 0"),
        ("1,0,300,.,24,1.5,.,1,1,1,.,70\n", "line 2, field ADDL: must be a whole number"),
        ("1,0,300,.,24,.,2,1,1,1,.,70\n", "line 2, field SS: must be 0 or 1"),
        ("1,0,300,.,.,.,.,7,1,1,.,70\n", "line 2, field EVID: must be 0, 1, 2, 3 or 4"),
        ("1,0,300,.,.,.,.,1,1,1,.,70\n1,9,300,.,.,.,.,4,1,1,.,70\n", "line 3, field EVID: 4 resets the patient"),
        ("1,0,.,.,.,.,.,1,1,1,.,70\n", "line 2, field AMT: is missing"),
        ("1,0,0,5,.,.,.,1,1,1,.,70\n", "line 2, field AMT: RATE 5 without AMT never ends"),
        ("1,0,5,.,.,.,.,0,0,1,3,70\n", "line 2, field AMT: must be 0 where EVID is 0, got 5"),
        ("1,0,.,.,.,.,.,0,0,1,.,70\n", "line 2, field DV: is missing"),
        ("1,x,.,.,.,.,.,0,0,1,1,70\n", "line 2, field TIME: must be a finite number, got 'x'"),
        ("1,08:30,.,.,.,.,.,0,0,1,1,70\n", "line 2, field TIME: must be a finite number, got '08:30'"),
        ("1,.,.,.,.,.,.,0,0,1,1,70\n", "line 2, field TIME: is missing"),
        ("1,5,.,.,.,.,.,0,0,1,1,70\n1,4,.,.,.,.,.,0,0,1,1,70\n", "line 3, field TIME: goes back in time within ID 1"),
        (".,5,.,.,.,.,.,0,0,1,1,70\n", "line 2, field ID: is missing"),
        ("1,5,.,.,.,.,.,0,0,1,1,70\n2,5,.,.,.,.,.,0,0,1,1,70\n1,6,.,.,.,.,.,0,0,1,1,70\n", "line 4, field ID: 1 comes back"),
        ("1,5,.,.,.,.,.,0,0,1,1,-70\n", "line 2: weight -70 kg is not possible"),
        ("1,5,.,.,.,.,.,0,0,1,1,heavy\n", "line 2, field WT: must be a finite number, got 'heavy'"),
        ("1,5,.,.,.,.,.,0,0,1,-1,70\n", "line 2: concentration must not be negative"),
    ],
)  # fmt: skip
def test_a_bad_row_is_named(rows, said):
    with pytest.raises(ValueError) as caught:
        nonmem.records(HEAD + rows, "d.csv")
    assert str(caught.value).startswith("d.csv")
    assert said in str(caught.value)


def test_a_covariate_without_a_unit_is_refused_or_ignored_on_request():
    text = "ID,TIME,DV,CRCL\n1,0,1,90\n"
    with pytest.raises(ValueError, match="column CRCL has no unit"):
        nonmem.records(text, "d.csv")
    assert not nonmem.records(text, "d.csv", NonmemUnits(ignore=("crcl",)))[0].covariates
    with pytest.raises(ValueError, match="column TIME is missing"):
        nonmem.records("ID,DV\n1,2\n", "d.csv")


def test_what_nonmem_cannot_hold_is_not_dropped_without_a_word():
    raw = {"id": "1", "doses": [{"time": 0, "amount": 1, "unit": "mg", "status": "missed"}], "allergies": ["latex"]}
    with pytest.raises(ValueError, match="NONMEM cannot hold allergies, missed doses"):
        to_nonmem(from_dict(raw))
    assert to_nonmem(from_dict(raw), lossy=True).count("\n") == 2


def test_the_phenobarbital_neonates_are_read_whole(shared):
    cohort = read_cohort(shared / "data" / "pk_classics" / "phenobarbital_neonates.csv")
    assert len(cohort) == 59
    assert sum(len(r.observations) for r in cohort) == 155
    assert sum(len(r.doses) for r in cohort) == 589
    first = cohort[0]
    assert first.doses[0].amount == 25
    assert first.observations[0].value == 17.3
    assert first.observations[0].time == 2
    assert covariate_at(first, "weight", 0) == (1.4, "kg", 0.0)
    assert nonmem.records(to_nonmem(cohort), "d.csv", units_of(cohort)) == [
        r.model_copy(update={"notes": ()}) for r in cohort
    ]


def test_nimotuzumab_infusions_get_their_duration_once_a_negative_concentration_is_out(shared):
    units = NonmemUnits(ignore=("TAD", "OCC", "DOS"))
    text = (shared / "data" / "pk_classics" / "nimotuzumab.csv").read_text()
    with pytest.raises(
        ValueError, match="line 432: concentration must not be negative, got -0.2319 mg/L; a value below"
    ):
        nonmem.records(text, "n.csv", units)
    lines = text.splitlines(keepends=True)
    cohort = nonmem.records("".join(line for line in lines if ",-" not in line), "n.csv", units)
    assert cohort[0].doses[0].duration == pytest.approx(50 / 39.06)
    assert cohort[0].covariates["bsa"][0].value == 1.58


def test_height_in_metres_under_a_column_that_means_centimetres_is_refused(shared):
    with pytest.raises(ValueError, match="height 1.77 cm is not possible"):
        read_cohort(shared / "data" / "pk_classics" / "mavoglurant.csv", NonmemUnits(ignore=("DOSE", "OCC", "SEX")))


def test_warfarin_two_readings_are_read_by_name(shared):
    units = NonmemUnits(dvid={"cp": ("concentration", "mg/L"), "pca": ("pca", "%")}, ignore=("SEX",))
    cohort = read_cohort(shared / "data" / "pk_classics" / "warfarin_pkpd_oreilly.csv", units)
    assert {o.name for r in cohort for o in r.observations} == {"concentration", "pca"}
