from __future__ import annotations

import copy
import math
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from patient_records import EXAMPLE
from pydantic import ValidationError

from posology.data.record import at_hours, bsa, bsa_at, calendar, check_not_after, covariate_at, from_dict


def changed(path: str, value: object) -> dict:
    """The example with one field replaced; `…` removes it."""
    raw = copy.deepcopy(EXAMPLE)
    *parents, last = [int(p) if p.isdigit() else p for p in path.split(".")]
    target = raw
    for part in parents:
        target = target[part]
    if value is ...:
        del target[last]
    else:
        target[last] = value
    return raw


def test_a_record_keeps_values_and_spells_units_in_ucum():
    record = from_dict(EXAMPLE)
    assert record.observations[0].unit == "10*9/L"
    assert record.observations[1].below
    assert record.doses[1].status == "planned"
    assert record.covariates["weight"][0].time is None


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("doses.0.unit", ..., "doses row 1, field unit: is missing"),
        ("doses.1.unit", "furlong", "doses row 2, field unit: unit 'furlong' is not known"),
        ("doses.1.unit", "mL", "doses row 2, field unit: 'mL' is not a unit of dose"),
        ("doses.0.amount", "370", "doses row 1, field amount: must be a number, got '370'"),
        ("doses.0.amount", True, "doses row 1, field amount: must be a number"),
        ("doses.0.amount", -1, "doses row 1, field amount: must not be below 0"),
        ("doses.0.amount", math.nan, "doses row 1, field amount: must be a finite number"),
        ("doses.0.amount", 10**400, "doses row 1, field amount: must be a finite number"),
        ("doses.0.amount", None, "doses row 1, field amount: must be a number"),
        ("doses.0.status", "taken", "doses row 1, field status: must be 'given', 'planned' or 'missed'"),
        ("doses.0.route", "ear", "doses row 1, field route: route 'ear' is not known; allowed: iv"),
        ("doses.0.addl", 3, "doses row 1: ii"),
        ("doses.0.addl", 1.5, "doses row 1, field addl: must be a whole number"),
        ("doses.0.dose", 3, "doses row 1, field dose: is not a field of a record"),
        ("doses.0.time", ..., "doses row 1, field time: is missing"),
        ("doses.0.time", math.inf, "doses row 1, field time: must be a finite number of hours"),
        ("doses.0.time", "yesterday", "doses row 1, field time: must be hours or a date and time such as"),
        ("doses.0.time", "2026-13-01T00:00:00Z", "field time: '2026-13-01T00:00:00Z' is not a date and time that exists"),
        ("doses.0.time", "2026-03-01T08:00:00", "doses row 1, field time: '2026-03-01T08:00:00' has no time zone"),
        ("doses.0.time", "2026-03-01", "a date alone has no time and no zone"),
        ("doses.0.time", "2026-03-01T08:00:00Z", "hours and calendar times are mixed"),
        ("doses", {}, "field doses: must be a list"),
        ("doses.0", 5, "doses row 1: must be an object"),
        ("covariates.weight.value", -70, "field covariates.weight: weight -70 kg is not possible; allowed 0.2 to 700 kg"),
        ("covariates.weight.unit", ..., "field covariates.weight.unit: is missing"),
        ("covariates.weight.unit", "g", "weight 70 g is not possible"),
        ("covariates.weight.unit", "cm", "a value of weight in 'cm' cannot be converted to 'kg'"),
        ("covariates.height.value", 1.75, "height 1.75 cm is not possible"),
        ("covariates.bilirubin.1.unit", "mg", "cannot be converted to 'umol/L'"),
        ("covariates.bilirubin.1.time", 0, "covariate 'bilirubin' has two values at one time"),
        ("covariates.bilirubin.1.time", ..., "covariate 'bilirubin' has several values, so each needs a time"),
        ("covariates.bilirubin", [], "covariate 'bilirubin' has no value"),
        ("covariates.wt", {"value": 71, "unit": "kg"}, "covariate 'weight' is given twice"),
        ("covariates", [], "field covariates: must be an object"),
        ("observations.1.value", "low", "observations row 2, field value: must be a number, got 'low'"),
        ("observations.1.value", -0.1, "observations row 2: anc -0.1 10*3/uL is not possible"),
        ("observations.0.name", "", "observations row 1, field name: '' is not a name"),
        ("observation", [], "field observation: is not a field of a record"),
        ("id", ..., "field id: is missing"),
        ("id", " ", "field id: must not be empty"),
        ("id", 7, "field id: must be text, got 7"),
        ("start", "2026-03-01", "field start: must be hours or a date"),
        ("conditions", "asthma", "field conditions: must be a list"),
    ],
)  # fmt: skip
def test_wrong_input_is_one_sentence_with_row_and_field(path, value, said):
    with pytest.raises(ValueError) as caught:
        from_dict(changed(path, value), "p.json")
    assert not isinstance(caught.value, ValidationError)
    message = str(caught.value)
    assert message.startswith("p.json")
    assert said in message
    assert "\n" not in message


@pytest.mark.parametrize("raw", [None, 3, "x", [], {}])
def test_what_is_not_a_record_is_refused(raw):
    with pytest.raises(ValueError, match=r"^p\.json"):
        from_dict(raw, "p.json")


def test_calendar_times_become_hours_since_the_earliest():
    raw = changed("covariates.bilirubin", {"value": 8, "unit": "umol/L"})
    stamps = ["2026-03-01T08:00:00+01:00", "2026-03-02T07:00:00Z", "2026-03-01T06:30:00Z", "2026-03-03T07:00:00.000Z"]
    for entry, stamp in zip(raw["doses"] + raw["observations"], stamps, strict=True):
        entry["time"] = stamp
    record = from_dict(raw)
    assert record.start == datetime(2026, 3, 1, 6, 30, tzinfo=UTC)
    assert [d.time for d in record.doses] == [0.5, 24.5]
    assert record.observations[0].time == 0
    assert at_hours(record, "2026-03-02T07:30:00+01:00") == 24.0
    assert at_hours(record, "24") == at_hours(record, 24) == 24.0
    for wrong in ("soon", "nan", "2026-03-02T07:30:00"):
        with pytest.raises(ValueError, match="^time "):
            at_hours(record, wrong)


def test_a_given_start_lets_hours_and_calendar_times_meet():
    record = from_dict(changed("doses.0.time", "2026-03-01T09:00:00Z") | {"start": "2026-03-01T08:00:00Z"})
    assert record.doses[0].time == 1.0


def test_hours_across_a_change_of_clocks_are_true_hours():
    raw = changed("covariates", {}) | {"observations": []}
    raw["doses"][0]["time"], raw["doses"][1]["time"] = "2026-03-29T01:30:00+01:00", "2026-03-29T03:30:00+02:00"
    assert from_dict(raw).doses[1].time == 1.0


def test_entries_are_kept_in_order_of_time():
    raw = changed("doses.0.time", 900)
    assert [d.time for d in from_dict(raw).doses] == [504, 900]


def test_what_is_dated_after_the_time_asked_is_refused_unless_planned():
    record = from_dict(EXAMPLE)
    check_not_after(record, 504)
    with pytest.raises(ValueError, match="observation anc is dated 240 h, after the time asked, 200 h"):
        check_not_after(record, 200)
    with pytest.raises(ValueError, match="status missed is dated 504 h"):
        check_not_after(from_dict(changed("doses.1.status", "missed")), 503)
    with pytest.raises(ValueError, match="counts hours without a date"):
        check_not_after(record, "2026-03-01T08:00:00Z")


def test_additional_doses_reach_into_the_future():
    raw = changed("doses.0.addl", 30)
    raw["doses"][0]["ii"] = 24
    with pytest.raises(ValueError, match="dated 720 h"):
        check_not_after(from_dict(raw), 600)


def test_a_covariate_carries_its_last_value_forward_and_says_its_age():
    record = from_dict(EXAMPLE)
    assert covariate_at(record, "bilirubin", 503.9) == (8.0, "umol/L", 503.9)
    assert covariate_at(record, "bilirubin", 504) == (1.0, "mg/dL", 0.0)
    assert covariate_at(record, "Body weight", 1e4) == (70.0, "kg", 0.0)
    with pytest.raises(ValueError, match="first known at 0 h, asked at -1 h"):
        covariate_at(record, "bilirubin", -1)
    with pytest.raises(ValueError, match="covariate 'albumin' is missing; it has: bilirubin, height, male, weight"):
        covariate_at(record, "albumin", 0)


def test_body_surface_area_is_mostellers_unless_recorded():
    assert bsa(160, 60) == pytest.approx(math.sqrt(160 * 60 / 3600))
    area, age, said = bsa_at(from_dict(EXAMPLE), 10)
    assert area == pytest.approx(1.8447, abs=1e-4)
    assert age == 0
    assert "Mosteller" in said
    recorded = from_dict(changed("covariates.bsa", {"value": 1.9, "unit": "m²"}))
    assert bsa_at(recorded, 10)[0] == 1.9
    assert "as recorded" in bsa_at(recorded, 10)[2]
    with pytest.raises(ValueError, match="above 0"):
        bsa(160, -1)


def test_a_record_is_frozen():
    record = from_dict(EXAMPLE)
    with pytest.raises(ValidationError):
        record.id = "other"
    assert record.noted("a").notes == ("a",)
    assert record.notes == ()


def test_a_start_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="zone"):
        from_dict({**EXAMPLE, "start": datetime(2026, 3, 1)})
    far = from_dict({**EXAMPLE, "start": datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=2)))})
    assert far.start == datetime(2026, 2, 28, 22, tzinfo=UTC)


def test_an_hour_without_a_calendar_date_is_a_sentence():
    with pytest.raises(ValueError, match="1e\\+11 h after 2000-01-01 is no calendar date"):
        calendar(from_dict({"id": "1"}), 1e11)


def test_the_data_layer_loads_without_jax():
    code = "import sys, posology.data.readers; assert not {'jax', 'polars', 'scipy'} & set(sys.modules)"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
