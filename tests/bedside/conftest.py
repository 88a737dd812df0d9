"""A made-up patient under paclitaxel, and what is asked of him."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from posology.data.record import Record, from_dict
from posology.environments.catalogue import TREATMENTS

PATIENT: dict[str, Any] = {
    "id": "P1",
    "covariates": {
        "male": {"value": 0, "unit": "1"},
        "age": {"value": 61, "unit": "a"},
        "bsa": {"value": 1.8, "unit": "m2"},
        "bilirubin": {"value": 10, "unit": "umol/L"},
        "baseline_anc": {"value": 5.5, "unit": "10*9/L", "time": -2},
    },
    "doses": [{"time": 504.0 * i, "amount": 315, "unit": "mg", "duration": 3, "drug": "paclitaxel"} for i in range(3)],
    "observations": [
        {"time": 504 * i + hours, "name": "anc", "value": value, "unit": "10*9/L"}
        for i in range(3)
        for hours, value in ((168, 1.2), (240, 0.6), (500, 4.0))
    ],
}
NOW = 1512.0


@pytest.fixture
def label() -> Any:
    return TREATMENTS["paclitaxel-label-v1"]


@pytest.fixture
def patient() -> Any:
    """The record, with covariates replaced (None: left out) and other fields changed."""

    def made(covariates: dict[str, Any] | None = None, **fields: Any) -> Record:
        raw = deepcopy(PATIENT) | fields
        merged = raw["covariates"] | (covariates or {})
        return from_dict(raw | {"covariates": {k: v for k, v in merged.items() if v is not None}})

    return made
