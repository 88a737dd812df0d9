"""A made-up patient under paclitaxel, and what is asked of him."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from typing import Any

import jax
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
COMPILED = "/jax/core/compile/backend_compile_duration"


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


@pytest.fixture
def newborn() -> Any:
    """A newborn under phenobarbital twice a day, with a level before every third dose, after so many doses."""

    def made(doses: int) -> Record:
        given = [{"time": 12.0 * i, "amount": 20.0 if i == 0 else 4.0, "unit": "mg"} for i in range(doses)]
        levels = [{"time": 12.0 * i, "name": "concentration", "value": 18.0 + i, "unit": "mg/L"} for i in range(1, doses, 3)]
        covariates = {"weight": {"value": 1.4, "unit": "kg"}, "apgar": {"value": 8, "unit": "1"}}
        return from_dict({"id": "N1", "covariates": covariates, "doses": given, "observations": levels})

    return made


@pytest.fixture
def compilations() -> Any:
    """A context that gives the names of the programs which are compiled inside it."""

    @contextmanager
    def listening() -> Iterator[list[str]]:
        found: list[str] = []

        def listen(event: str, seconds: float, **told: object) -> None:
            if event == COMPILED:
                found.append(str(told.get("fun_name")))

        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            yield found
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)

    return listening
