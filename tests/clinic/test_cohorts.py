"""Cohorts: a file is kept whole or not at all, under a name of ours, with a report on its quality."""

from __future__ import annotations

import json
import time

import pytest

from posology.clinic import audit
from posology.clinic.errors import NotFound
from posology.clinic.store import cohorts
from posology.commands import run
from posology.data import quality

HEADER = "id,time,kind,name,value,unit\n"


def table(patients: int) -> str:
    """A long CSV of patients with a dose and two neutrophil counts each; the first has one below its limit."""
    rows = [HEADER]
    for n in range(patients):
        rows += [f"p{n},,covariate,weight,{60 + n % 30},kg\n", f"p{n},0,dose,paclitaxel,300,mg\n"]
        rows += [f"p{n},240,observation,anc,{'<0.1' if n == 0 else 1.5},x10^9/L\n", f"p{n},504,observation,anc,4500,/uL\n"]
    return "".join(rows)


ODD = HEADER + (
    "a,10,observation,anc,2,10*9/L\na,5,observation,anc,3,10*9/L\na,5,observation,anc,3,10*9/L\n"
    "b,0,dose,Erika Muster,10,mgg\nc,0,observation,erika_muster,1,mg/L\n"
)


def test_a_report_counts_converts_and_names_what_cannot_be_read(tmp_path):
    (tmp_path / "x.csv").write_text(table(30))
    told = quality.quality(tmp_path / "x.csv")
    anc = told["observations"]["anc"]
    assert (told["patients"], told["rows"], told["doses"]["count"], told["refused"]) == (30, 120, 30, 0)
    assert (anc["count"], anc["unit"], anc["converted"], anc["below_limit"]) == (60, "10*9/L", {"/uL": 30}, 1)
    assert anc["max"] == pytest.approx(4.5) and told["covariates"]["weight"]["missing"] == 0
    (tmp_path / "odd.csv").write_text(ODD)
    told = quality.quality(tmp_path / "odd.csv")
    assert told["out_of_order"] == 2 and told["duplicates"] == {"patients": 0, "doses": 0, "observations": 1}
    assert told["refused"] == 1 and told["sentences"][0].startswith("line 5, field unit: unit 'mgg' is not known")
    assert run(["cohort", "describe", str(tmp_path / "odd.csv")]) == 0


def test_a_value_far_from_the_others_is_counted(tmp_path):
    slip = table(30) + "p3,600,observation,anc,900,10*9/L\n"
    (tmp_path / "x.csv").write_text(slip)
    assert quality.quality(tmp_path / "x.csv")["observations"]["anc"]["far_out"] == 1


def test_a_cohort_is_kept_read_and_removed_with_a_row_in_the_trail(engine, tmp_path):
    key, full = cohorts.add(engine, tmp_path, "Trial A", "C:\\up\\..\\odd.csv", ODD.encode(), "dr.a")
    assert "mgg" in full["sentences"][0] and "erika_muster" in full["observations"]
    row = cohorts.cohort(engine, key)
    assert (row["file"], row["patients"], row["rows"]) == ("odd.csv", 2, 5)
    shown = json.dumps(row["quality"]).casefold()
    assert "erika" not in shown and "mgg" not in shown and "line 5" in shown and str(tmp_path) not in shown
    assert [r.id for r in cohorts.records(engine, tmp_path, key)] == ["a", "c"]
    assert [c["id"] for c in cohorts.list_cohorts(engine)] == [key]
    cohorts.remove(engine, tmp_path, key, "dr.a")
    assert cohorts.list_cohorts(engine) == [] and not any((tmp_path / "cohorts").iterdir())
    with pytest.raises(NotFound, match="may have been removed"):
        cohorts.records(engine, tmp_path, key)
    assert audit.verify(engine).rows == 2


@pytest.mark.parametrize("name", ["../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "a\0b.csv", "=cmd.csv", "x" * 150])
def test_no_name_of_a_file_leaves_the_folder_of_the_cohorts(sqlite, tmp_path, name):
    key, _ = cohorts.add(sqlite, tmp_path, "A", name, table(1).encode(), "dr.a")
    assert [str(p.relative_to(tmp_path)) for p in tmp_path.rglob("*") if p.is_file()] == [f"cohorts/{key}/cohort.csv"]
    assert "/" not in cohorts.cohort(sqlite, key)["file"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "x.csv: is empty"),
        (b"\xff\xfe", "x.csv: line 1: is not UTF-8 text"),
        (b"[" * 100_000, "x.csv: is nested too deeply"),
        (b"{}", "x.csv: field id: is missing"),
        (b"PK\x03\x04", "x.csv: line 1: columns are missing"),
        (HEADER.encode() + b"a,0,dose,d,1,mgg\n", "x.csv: line 2, field unit"),
        (HEADER.encode() + b"a,0,dose,d,1,mg\n" * (quality.ROWS + 1), "x.csv: has 200001 rows; a cohort may have 200000"),
        (b" " * (quality.LARGEST + 1), "x.csv: is larger than 50 MB"),
    ],
)
def test_a_file_that_is_no_cohort_is_refused_with_a_sentence_and_leaves_nothing(sqlite, tmp_path, content, says):
    with pytest.raises(ValueError, match=says) as refused:
        cohorts.add(sqlite, tmp_path, "A", "x.csv", content, "dr.a")
    assert str(tmp_path) not in str(refused.value) and not any((tmp_path / "cohorts").glob("*"))
    assert cohorts.list_cohorts(sqlite) == []


def test_a_file_that_was_altered_or_lost_is_not_read(sqlite, tmp_path):
    key, _ = cohorts.add(sqlite, tmp_path, "A", "x.csv", table(2).encode(), "dr.a")
    path = cohorts.folder(tmp_path, key) / "cohort.csv"
    path.write_text(table(3))
    with pytest.raises(ValueError, match="is not the one that was uploaded"):
        cohorts.records(sqlite, tmp_path, key)
    path.unlink()
    with pytest.raises(ValueError, match="is gone"):
        cohorts.records(sqlite, tmp_path, key)


def test_the_report_costs_in_proportion_to_the_rows(tmp_path):
    spent = []
    for n in (500, 5000):
        (tmp_path / "x.csv").write_text(table(n))
        begun = time.process_time()
        quality.quality(tmp_path / "x.csv")
        spent.append(time.process_time() - begun)
    assert spent[1] < 25 * spent[0]
