"""An independent integration of any model, SciPy in float64: fixtures `individual_of` and `scipy_course` for tests to call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from posology.benchmarks import checks
from posology.patients.model import PatientModel
from posology.quantities import replace


def covariates_of(model: PatientModel, given: Mapping[str, float] | None = None) -> dict[str, float]:
    """The reference patient's covariates, with some given."""
    reference = {c.name: float(c.default) for c in model.covariates if c.default is not None}
    return reference | dict(given or {})


def individual_of(
    model: PatientModel,
    covariates: Mapping[str, float] | None = None,
    parameters: Mapping[str, float] | None = None,
    own: Mapping[str, float] | None = None,
) -> Any:
    """One patient's final values: typical values, then covariates, then what is given for this patient."""
    row = model.individual(replace(model.Params(), **(parameters or {})), covariates_of(model, covariates))
    return replace(row, **(own or {}))


@pytest.fixture(scope="session", name="individual_of")
def _individual_of() -> Callable[..., Any]:
    """`individual_of(model, covariates, parameters, own)`: one patient's final values."""
    return individual_of


@pytest.fixture(scope="session")
def scipy_course() -> Callable[..., checks.Course]:
    """`scipy_course(model, individual, doses, end, method)`: the course solved to rtol 1e-10."""
    return checks.solve
