"""A record says the same of a patient to a model alone as to a treatment of it."""

from __future__ import annotations

import numpy as np
import pytest

from posology.bedside.believed import believed, covariates_of, measured_of, parameters, what_happened
from posology.bedside.consult import DRAWS, read
from posology.bedside.individualise import individualise
from posology.bedside.subject import subject

NOW = 504.0
COUNTED = [(-200, 9.0), (-30, 4.4), (168, 1.2), (240, 0.6), (500, 4.0)]
ONE = [{"time": 0, "amount": 315, "unit": "mg", "duration": 3, "drug": "paclitaxel"}]
UNDATED = {"value": 7.7, "unit": "10*9/L"}
DATED = {"value": 5.5, "unit": "10*9/L", "time": -2}


def observed(*rows):
    return [{"time": t, "name": "anc", "value": v, "unit": "10*9/L"} for t, v in rows]


@pytest.mark.parametrize(
    ("fields", "baseline", "expected"),
    [
        ({"observations": observed(*COUNTED)}, None, 4.4),
        ({"observations": observed(*COUNTED)}, UNDATED, 4.4),
        ({"observations": observed(*COUNTED)}, DATED, 5.5),
        ({"observations": observed((0, 3.9), *COUNTED[2:])}, None, 3.9),  # with the first dose is before it
        ({"observations": observed(*COUNTED[:2]), "doses": []}, None, 4.4),
    ],
)
def test_the_count_before_the_first_dose_is_c0_for_individualise_as_for_recommend(
    label, patient, fields, baseline, expected
):
    record = patient({"baseline_anc": baseline}, **({"doses": ONE} | fields))
    found, alone = read(label, record, NOW), subject(record, label.model, NOW)
    assert alone.measured == measured_of(label, found) == ("baseline_anc",)
    assert alone.covariates["baseline_anc"] == covariates_of(label, found)["baseline_anc"] == pytest.approx(expected)
    theirs, _ = what_happened(label, found)
    assert theirs.present.sum() == alone.past.present.sum()
    for name, mine in alone.past._asdict().items():  # the rest of theirs is room for other records
        here = getattr(theirs, name)[tuple(map(slice, mine.shape))]
        np.testing.assert_allclose(mine, here, rtol=1e-6, err_msg=name)


def test_both_posteriors_hold_c0_at_the_count_before_treatment(label, patient):
    record = patient({"baseline_anc": None}, observations=observed(*COUNTED), doses=ONE)
    asked = believed(label, read(label, record, NOW), DRAWS)
    drawn = np.asarray(parameters(asked.believer.prior, asked.typical, asked.belief).c0)
    assert np.unique(drawn).tolist() == [pytest.approx(4.4)]
    found = individualise(label.model, record, NOW)
    assert found["known"] == {"c0": pytest.approx(4.4)}
    assert "c0" not in {p["symbol"] for p in found["parameters"]}
    assert [m["time"] for m in found["measurements"]] == [168, 240, 500]
    assert "baseline_anc: last anc before the first dose" in found["assumed"]
    assert "baseline_anc is taken as c0 without error" in found["assumed"]


def test_a_level_before_the_first_dose_stays_a_measurement(label, patient):
    level = [{"time": -1, "name": "concentration", "value": 0.02, "unit": "umol/L"}]
    record = patient({"baseline_anc": None}, observations=[*level, *observed(*COUNTED)])
    assert [m.reading for m in subject(record, label.model, NOW).measurements] == ["concentration", "anc", "anc", "anc"]
    assert "baseline_anc" in {v.name for v in read(label, record, NOW).latest.values()}
