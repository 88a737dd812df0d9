"""What a policy sees, back in the units of a clinic: the same values that the history holds."""

from __future__ import annotations

import numpy as np
import pytest

from posology.data.history import DAY, History, encode
from posology.environments.catalogue import TREATMENTS
from posology.explanation.readable import readable


def entries(treatment, rows):
    names = [c.name for c in treatment.channels]
    columns = list(zip(*[(t, names.index(n), v, 0.0, True) for t, n, v in rows], strict=True))
    kinds = (np.float32, np.int32, np.float32, np.float32, bool)
    return History(*(np.array(c, k) for c, k in zip(columns, kinds, strict=True)))


def test_values_ages_and_the_lowest_since_the_last_dose_come_back():
    label = TREATMENTS["paclitaxel-label-v1"]
    rows = [(0, "male", 1), (0, "age", 61), (0, "bsa", 1.8), (0, "dose", 315), (200, "anc", 0.3), (504, "dose", 200)]
    rows += [(700, "anc", 1.1), (760, "anc", 0.8), (1000, "anc", 4.0)]
    now = 1008.0
    found = readable(label, encode(entries(label, rows), now, label.channels, label.days * DAY))
    seen = dict(zip(found.names, found.values[0], strict=True))
    expected = {
        "day of the course": 42, "male": 1, "age": 61, "bsa": 1.8, "latest anc": 4.0, "age of the latest anc": 8 / 24,
        "lowest anc since the last dose": 0.8, "last dose": 200 / 1.8, "age of the last dose": 21,
    }  # fmt: skip
    for name, value in expected.items():
        assert seen[name] == pytest.approx(value, rel=1e-4), name
    assert np.isnan(seen["bilirubin"]) and np.isnan(seen["baseline_anc"])
    assert dict(zip(found.names, found.units, strict=True))["last dose"] == "mg/m2"


@pytest.mark.parametrize("id", TREATMENTS)
def test_every_treatment_has_as_many_units_as_features_and_nothing_is_known_of_an_empty_history(id):
    t = TREATMENTS[id]
    found = readable(t, np.zeros((3, len(t.spec.observation)), np.float32))
    assert len(found.names) == len(set(found.names)) == len(found.units) == found.values.shape[1]
    assert np.isnan(found.values[:, 1:]).all() and found.values.shape[0] == 3
