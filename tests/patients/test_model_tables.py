"""Every patient model as a table: units that meet, linear kinetics, sources of the numbers, the catalogue."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pint
import pytest

from posology.patients import catalogue
from posology.patients.catalogue import MAPS, MODELS, model
from posology.patients.model import PatientModel
from posology.quantities import STATUSES, Number, numbers_of

MODEL_FOLDER = Path(catalogue.__file__).parent / "models"

ureg = pint.UnitRegistry()
ureg.define("wk = week")
ureg.define("mo = month")


def unit(text: str) -> Any:
    """A table's unit in the words of pint."""
    for ours, theirs in {"10*9": "1e9", "mm3": "mm**3", "m2": "m**2", "L2": "L**2"}.items():
        text = text.replace(ours, theirs)
    return ureg.parse_expression(text) if text != "1" else ureg.Quantity(1.0)


def dimensioned(table: Any, values: Any) -> Any:
    return table(*(v * unit(n.unit) for v, n in zip(values, numbers_of(table).values(), strict=True)))


def magnitudes(row: Any, units: list[Any]) -> list[float]:
    return [float((q / u).to("dimensionless").magnitude) for q, u in zip(row, units, strict=True)]


def some_state(m: PatientModel, seed: int = 1) -> Any:
    draw = random.Random(seed)
    return m.State(*(draw.uniform(0.5, 6.0) for _ in numbers_of(m.State)))


@pytest.mark.parametrize("m", MODELS.values(), ids=MODELS)
def test_equations_hold_between_dimensioned_numbers(m: PatientModel, individual_of: Callable[..., Any]) -> None:
    p, x = individual_of(m), some_state(m)
    own, state = dimensioned(m.own, p), dimensioned(m.State, x)
    time = unit(m.time_unit)
    got = magnitudes(
        m.rates(0.0 * time, state, own, 7.0 * unit(m.dose_unit) / time),
        [unit(n.unit) / time for n in numbers_of(m.State).values()],
    )
    assert got == pytest.approx(list(m.rates(0.0, x, p, 7.0)), rel=1e-12, abs=1e-12)
    read = m.readings(state, own)
    assert set(read) == set(m.reading_units)
    got = magnitudes(read.values(), [unit(m.reading_units[name]) for name in read])
    assert got == pytest.approx(list(m.readings(x, p).values()), rel=1e-12)


def test_a_hazard_is_a_rate_between_dimensioned_numbers(individual_of: Callable[..., Any]) -> None:
    m = model("ovarian-zecchin2016")  # the other one takes the logarithm of days, as its source does
    p, x = individual_of(m), some_state(m)
    assert m.hazards is not None
    got = m.hazards(100.0 * ureg.day, dimensioned(m.State, x), dimensioned(m.own, p))["death"]
    assert float((got * ureg.day).to("dimensionless").magnitude) == pytest.approx(m.hazards(100.0, x, p)["death"], rel=1e-12)


@pytest.mark.parametrize("m", MODELS.values(), ids=MODELS)
def test_baseline_has_the_units_of_the_states(m: PatientModel, individual_of: Callable[..., Any]) -> None:
    start = m.baseline(dimensioned(m.own, individual_of(m)))
    for value, (name, number) in zip(start, numbers_of(m.State).items(), strict=True):
        # "no drug" is nothing in any unit
        assert value.magnitude == 0 or value.is_compatible_with(unit(number.unit)), name


@pytest.mark.parametrize("m", [m for m in MODELS.values() if m.covariates], ids=lambda m: m.id)
def test_individual_parameters_have_their_units(m: PatientModel, individual_of: Callable[..., Any]) -> None:
    params = m.Params()
    # the paclitaxel file divides covariates by plain reference values, so there they come as plain numbers
    plain = m.id == "paclitaxel-henrich2017"
    covariates = {
        c.name: c.default if plain else c.default * unit(c.unit) for c in m.covariates if c.default is not None
    }
    got = m.individual(dimensioned(m.Params, params), covariates)
    units = [unit(n.unit) for n in numbers_of(m.own).values()]
    assert magnitudes(got, units) == pytest.approx(list(individual_of(m)), rel=1e-12)


def test_the_units_test_notices_a_slip(individual_of: Callable[..., Any]) -> None:
    m = model("docetaxel-kloft2006")
    p = dimensioned(m.own, individual_of(m))._replace(sl=15.57 * unit("L/mg"))
    with pytest.raises(pint.DimensionalityError):
        m.rates(0.0 * ureg.hour, dimensioned(m.State, some_state(m)), p, 0.0 * ureg.mg / ureg.hour)


# linear kinetics ---------------------------------------------------------------------------------


@pytest.mark.parametrize("m", [m for m in MODELS.values() if m.linear], ids=lambda m: m.id)
def test_linear_states_are_linear_and_independent_of_the_rest(
    m: PatientModel, individual_of: Callable[..., Any]
) -> None:
    import jax

    names = list(numbers_of(m.State))
    linear = [names.index(n) for n in m.linear]
    rest = [i for i in range(len(names)) if i not in linear]
    p = individual_of(m)

    def slopes(x: Any, infusion: float = 0.0) -> Any:
        return jax.numpy.stack([m.rates(0.0, m.State(*x), p, infusion)[i] for i in linear])

    points = [jax.numpy.array(some_state(m, seed)) for seed in range(5)]
    jacobians = [np.asarray(jax.jacfwd(slopes)(x)) for x in points]
    for x, jacobian in zip(points, jacobians, strict=True):
        assert np.all(jacobian[:, rest] == 0)
        np.testing.assert_allclose(jacobian, jacobians[0], rtol=1e-6)
        np.testing.assert_allclose(slopes(x), jacobian @ np.asarray(x), rtol=1e-4, atol=1e-5)
    none = jax.numpy.array(points[0]).at[jax.numpy.array(linear)].set(0.0)
    assert list(np.asarray(slopes(none, 7.0))) == [7.0 if i == m.receives else 0.0 for i in linear]


# numbers and catalogue ---------------------------------------------------------------------------


@pytest.mark.parametrize("m", MODELS.values(), ids=MODELS)
def test_every_number_says_unit_meaning_source_and_status(m: PatientModel) -> None:
    for symbol, number in numbers_of(m.Params).items():
        assert isinstance(number, Number)
        assert number.status in STATUSES, symbol
        assert all((number.unit, number.meaning, number.source)), symbol
        unit(number.unit)
        assert (number.acts_on or symbol) in numbers_of(m.own) or not number.variance, symbol
    for name, residual in m.residuals.items():
        assert name in m.reading_units
        assert residual.source, name
        assert residual.status in STATUSES, name
    for covariate in m.covariates:
        assert covariate.meaning, covariate.name
        assert covariate.low < covariate.high, covariate.name
        assert covariate.default is None or covariate.low <= covariate.default <= covariate.high, covariate.name
        assert not covariate.sets or covariate.sets in numbers_of(m.own), covariate.name
        unit(covariate.unit)
    assert all((m.title, m.source, m.not_for))
    assert {e.state for e in m.entries.values() if e.state} | {*m.linear, *m.logarithmic} <= set(numbers_of(m.State))
    for e in m.entries.values():
        assert e.per_mg or e.unit or e.state, "a dose needs a unit"
        unit(e.unit or "1")
    unit(m.time_unit)
    assert m.hours > 0


def test_folder_and_catalogue_agree() -> None:
    files = {f.stem.replace("_", "-") for f in MODEL_FOLDER.glob("*.py") if f.stem != "__init__"}
    assert files == {*MODELS, *MAPS} == {m.id for m in (*MODELS.values(), *MAPS.values())}


def test_an_unknown_model_is_a_sentence_that_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown model 'aspirin'; known: .*docetaxel-kloft2006.*"):
        model("aspirin")


def test_another_package_adds_a_model_by_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "posology.patients.models.docetaxel_kloft2006:MODEL"
    points = [EntryPoint(name, path, catalogue.GROUP) for name in ("mine-1", "docetaxel-kloft2006")]
    monkeypatch.setattr(catalogue, "entry_points", lambda group: points)
    assert catalogue.ids() == (*MODELS, "mine-1")
    with pytest.raises(ValueError, match=r"entry point 'mine-1'.*whose id is 'mine-1'"):
        model("mine-1")
    monkeypatch.setitem(sys.modules, "mine", type("mine", (), {"MODEL": type("M", (), {"id": "mine-1"})}))
    points[0] = EntryPoint("mine-1", "mine:MODEL", catalogue.GROUP)
    assert model("mine-1").id == "mine-1"
    assert model("docetaxel-kloft2006") is MODELS["docetaxel-kloft2006"]


def test_listing_models_does_not_import_jax() -> None:
    code = "import sys, posology.patients.catalogue; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
