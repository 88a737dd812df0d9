"""Patients in a browser: found, entered by keyboard, edited, imported."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect
from web_clients import violations

from posology.bedside.complete import gaps
from posology.clinic import entry, store
from posology.clinic.demo import patients
from posology.data.readers import read
from posology.data.readers.json import to_dict
from posology.data.record import from_dict
from posology.environments.catalogue import treatment

DEMO = {raw["id"]: from_dict(raw) for raw in patients()}
WRONG = {
    "a unit that does not exist": ({"doses.unit": ["mgg"]}, "doses.unit", "unit 'mgg' is not known"),
    "text for a number": ({"doses.amount": ["much"]}, "doses.amount", "must be a number, got 'much'"),
    "a time that is none": ({"doses.time": ["yesterday"]}, "doses.time", "got 'yesterday'"),
    "an impossible height": ({"covariates.value": ["58", "5.8", "9", "1640", "0", "68"]}, "covariates.value", "1640 cm is not"),
    "a negative count": ({"observations.value": ["-1"]}, "observations.value", "is not possible; allowed 0 to 1000"),
    "no id": ({"id": [" "]}, "id", "id: is empty"),
    "a gene without what was found": ({"genotypes": ["DPYD"]}, "", "must be a gene and what was found"),
}


@pytest.mark.parametrize("name", DEMO)
def test_a_record_comes_out_of_its_form_unchanged(name):
    assert from_dict(entry.raw_of(entry.form_of(DEMO[name]))) == DEMO[name]


@given(st.lists(st.tuples(st.floats(0, 5000), st.floats(0.01, 500)), max_size=4), st.booleans())
@settings(max_examples=60, deadline=None)
def test_any_counts_and_times_come_out_of_the_form_unchanged(counts, dated):
    raw = {"id": "made-up", "observations": [{"time": t, "name": "anc", "value": v, "unit": "10*9/L"} for t, v in counts]}
    record = from_dict(raw | ({"start": "2026-03-01T08:00:00+00:00"} if dated else {}))
    assert from_dict(entry.raw_of(entry.form_of(record))) == record


@pytest.mark.parametrize("fault", WRONG)
def test_a_slip_is_said_at_its_field(fault):
    changed, field, sentence = WRONG[fault]
    form = entry.form_of(DEMO["DEMO-ANNA"])
    for name, values in changed.items():
        form[name] = [*values, *form[name][len(values) :]]
    found = entry.slips(form)
    assert (found[0].field, len(found)) == (field, 1)
    assert sentence in found[0].sentence


def test_what_is_missing_for_a_dose_is_told_before_any_model_runs():
    paclitaxel = treatment("paclitaxel-label-v1")
    assert gaps(paclitaxel, DEMO["DEMO-ANNA"]) == []
    nothing = {gap.name: gap.stops for gap in gaps(paclitaxel, from_dict({"id": "x"}))}
    assert nothing == {"bsa": True, "bilirubin": True, "anc": True, "male": False, "age": False, "baseline_anc": False}
    assert "built on 30 to 90 a" in gaps(paclitaxel, DEMO["DEMO-EMIL"])[0].sentence
    raw = to_dict(DEMO["DEMO-ANNA"])
    raw["doses"].append({"time": "2026-11-02T08:00:00+00:00", "amount": 300, "unit": "mg", "duration": 3, "status": "planned"})
    assert "is 14 days old; at most 7" in gaps(paclitaxel, from_dict(raw))[0].sentence


def test_a_viewer_finds_a_patient_and_sees_the_record(entered):
    page = entered("viewer")
    page.get_by_label("Search ids").fill("ketoconazole")
    page.keyboard.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="DEMO-DORA").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("DEMO-DORA")
    expect(page.get_by_role("link", name="Edit the record")).to_have_count(0)
    drawn = page.locator(".chart img")
    expect(drawn).to_be_visible()
    assert drawn.evaluate("image => image.decode().then(() => image.naturalWidth)") > 300
    assert violations(page) == []


def test_a_patient_is_entered_by_keyboard_while_slips_are_said(entered, watched, site):
    page = entered("clinician")
    page.goto("/patients/new?treatment=paclitaxel-label-v1")
    keys = page.keyboard
    keys.type("BROWSER-1")
    for _ in range(3):
        keys.press("Tab")
    for value in ("0", "58", "1640", "68", "9", "5.8"):  # male, age, height, weight, bilirubin, count before treatment
        for _ in range(2):  # past the name to the value
            keys.press("Tab")
        keys.type(value)
        for _ in range(2):  # past unit and date
            keys.press("Tab")
    checks = page.locator("#checks")
    expect(checks).to_contain_text("height 1640 cm is not possible")
    expect(page.get_by_label("Value of height")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Value of height").fill("164")
    expect(checks).to_contain_text("Ready for a dose")
    assert violations(page) == []
    keys.press("Control+Enter")
    expect(page.get_by_role("status")).to_have_text("The patient was entered.")
    engine = site.state.clinic.engine
    record = store.read(engine, store.key_of(engine, "BROWSER-1")).record
    assert record.covariates["height"][0].value == 164 and record.covariates["baseline_anc"][0].unit == "10*9/L"


def test_two_who_edit_at_once_do_not_overwrite_each_other(as_role, site):
    engine = site.state.clinic.engine
    key = store.create(engine, read("examples/patient.json").model_copy(update={"id": "EDITED"}), "dr.a")
    browser = as_role("clinician")
    form = entry.form_of(store.read(engine, key).record) | {"version": ["1"], "reason": ["weighed again"]}
    first, second = form | {"conditions": ["fever"]}, form | {"conditions": ["pain"]}
    assert browser.post(f"/patients/{key}/edit", data=first).status_code == 303
    answer = browser.post(f"/patients/{key}/edit", data=second)
    assert answer.status_code == 409 and "version 2 is there now" in answer.text and "pain" in answer.text
    assert store.read(engine, key).record.conditions == ("fever",)
    assert [v["reason"] for v in store.history(engine, key)] == ["", "weighed again"]
    assert browser.get(f"/patients/{key}?version=1").text.count("This is version 1") == 1


@pytest.mark.parametrize("suffix", ["json", "csv"])
def test_a_file_is_imported_whole_or_not_at_all(as_role, site, suffix, tmp_path):
    from posology.data.readers import write

    records = [DEMO["DEMO-CLARA"].model_copy(update={"id": f"FILE-{suffix}-{i}"}) for i in range(2)]
    path = tmp_path / f"records.{suffix}"
    write(records, path)
    browser = as_role("clinician")
    answer = browser.post("/import", files={"file": (path.name, path.read_bytes())})
    assert "2 patients were entered" in answer.text
    again = browser.post("/import", files={"file": (path.name, path.read_bytes())})
    assert again.status_code == 409 and "is here already" in again.text
    engine = site.state.clinic.engine
    assert store.read(engine, store.key_of(engine, f"FILE-{suffix}-1")).record == records[1]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("notes.txt", b"\xff\xfe\x00", "is not UTF-8 text"),
        ("../../etc/passwd", b"hello", "passwd, line 1: columns are missing"),
        ("empty.json", b"", "empty.json: is empty"),
        ("list.json", b'[{"id": "A", "doses": 3}]', "field doses: must be a list"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_a_sentence(as_role, name, content, sentence):
    answer = as_role("clinician").post("/import", files={"file": (name, content)})
    assert answer.status_code == 422
    assert sentence in answer.text and "Nothing was kept" in answer.text


def test_the_form_to_import_is_accessible(entered):
    page = entered("clinician")
    page.goto("/import")
    assert violations(page) == []
