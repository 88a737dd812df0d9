"""One compiled program serves every record of a treatment: what pads it changes no answer, and nothing is compiled anew."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from posology.bedside import believed
from posology.bedside.consult import read
from posology.bedside.courses import courses
from posology.bedside.recommend import recommend
from posology.bedside.warm import HOUR, made_up, warm
from posology.clinic.demo import patients
from posology.data.record import from_dict
from posology.environments.catalogue import TREATMENTS
from posology.patients import past


@pytest.mark.parametrize("doses", [0, 1, 3, 7])
def test_a_padded_past_gives_the_same_posterior_as_one_of_its_own_size(doses, newborn, monkeypatch):
    treatment = TREATMENTS["phenobarbital-maintenance-v1"]
    found = read(treatment, newborn(doses), 12.0 * doses)
    here = believed.believed(treatment, found, 32).belief
    own = past.OWN_SIZE._replace(frame=believed.room(treatment).frame)
    monkeypatch.setattr(believed, "room", lambda treatment: own)
    alone = believed.believed(treatment, found, 32).belief
    sizes = [len(past.span) for past, _ in [believed.what_happened(treatment, found)]]
    assert sizes == [max(doses, 1) if doses < 7 else 8]
    for a, b in zip(jax.tree.leaves(here), jax.tree.leaves(alone), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-6)


def test_in_a_warm_process_records_of_any_shape_compile_nothing(label, patient, compilations):
    """Cycles, counts, delays and covariates differ, and so do the options that the limits leave."""
    warm(label, "standard")
    dose, count = patient().model_dump()["doses"][0], patient().model_dump()["observations"][0]
    records = [
        (patient(doses=[], observations=[]), 0.0),
        (patient({"weight": {"value": 70, "unit": "kg"}}, doses=[dose], observations=[]), 504.0),
        (patient(doses=[dose | {"time": 672.0 * i} for i in range(2)], observations=[count | {"time": 1340.0}]), 1344.0),
        (patient({"bilirubin": {"value": 28, "unit": "umol/L"}}, doses=[dose | {"time": 504.0 * i} for i in range(6)]), 3024.0),
        (patient(doses=[dose | {"duration": 1.0}], observations=[count | {"time": 500.0, "value": 0.4}]), 504.0),
    ]
    with compilations() as found:
        answers = [recommend(label, "standard", record, at) for record, at in records]
        courses(label, records[1][0], [{"dose": 95, "every_days": 10.5}, {"dose": "wait a week"}], 504.0)
    assert found == []
    assert len({len(a["options"]) for a in answers}) > 1


def test_in_a_warm_process_the_patients_of_the_demo_compile_nothing(label, compilations):
    """Asked as the dose page asks: the default policy, at the time that the record itself names, then one to four regimens."""
    warm(label, "map-greedy", 32)
    records = [from_dict(raw) for raw in patients() if raw["covariates"].keys() >= {"baseline_anc"}]
    doses = [{"dose": 90}, {"dose": 0}, {"dose": 140, "start_in_days": 3}, {"dose": "wait a week"}]
    with compilations() as found:
        answers = [recommend(label, "map-greedy", record, draws=32) for record in records]
        for some in range(1, 5):
            courses(label, records[some % len(records)], doses[:some], draws=32)
    assert found == []
    assert len(records) == 5 and len({a["abstained"] for a in answers}) > 1


@pytest.mark.parametrize("name", ["paclitaxel-label-v1", "phenobarbital-maintenance-v1", "vancomycin-adults-v1"])
def test_the_made_up_record_is_one_of_the_treatment(name):
    treatment = TREATMENTS[name]
    found = read(treatment, made_up(treatment), HOUR)
    assert len(found.doses) == 3 and {m.name for m in found.measured} >= {treatment.key}
    assert believed.told_of(treatment, found) == treatment.measured
