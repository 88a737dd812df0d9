"""Every patient model against printed values, against what clinics know and against recorded infants."""

from __future__ import annotations

import csv
import functools
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posology.benchmarks import checks
from posology.patients.catalogue import MODELS
from posology.patients.model import PatientModel
from posology.quantities import numbers_of

MARROW = [m for m in MODELS.values() if "circ" in numbers_of(m.State)]


def reference_values() -> list[Any]:
    """(model, case, quantity, value, tolerance, source) of every printed value."""
    return [
        pytest.param(m.id, case, *value, id=f"{m.id}: {case}, {value[0]}")
        for m in MODELS.values()
        for case, who in checks.cases_of(m).items()
        for value in who["values"]
    ]


@pytest.fixture(scope="module")
def course_of() -> Callable[[str, str], checks.Course]:
    """The course of a named case by SciPy, solved once."""

    @functools.cache
    def course(model_id: str, name: str) -> checks.Course:
        m, case = MODELS[model_id], checks.cases_of(MODELS[model_id])[name]
        p, start = checks.patient(m, case)
        return checks.solve(m, p, checks.doses_of(case["doses"]), case["end"], start=start)

    return course


@pytest.mark.parametrize(("model_id", "case", "quantity", "value", "tolerance", "source"), reference_values())
def test_a_printed_value_is_met(
    model_id: str, case: str, quantity: str, value: float, tolerance: float, source: str, course_of: Any
) -> None:
    got = checks.measure(course_of(model_id, case), quantity)
    assert abs(got - value) <= tolerance, f"{got} instead of {value}: {source}"


def test_every_model_has_printed_values_and_all_of_them_a_model() -> None:
    assert {f.stem.replace("_", "-") for f in checks.FOLDER.glob("*.toml")} == set(MODELS)
    assert all(case["values"] for m in MODELS.values() for case in checks.cases_of(m).values())


@pytest.mark.parametrize("model_id", ["docetaxel-kloft2006", "prostate-strobl2021", "carboplatin-ekhart2008"])
def test_the_engine_as_shipped_meets_them_too(model_id: str) -> None:
    missed = [(r["case"], r["quantity"], r["printed"], r["engine"]) for r in checks.rows(MODELS[model_id]) if not r["met"]]
    assert not missed


def test_words_that_say_nothing_are_a_sentence(course_of: Any) -> None:
    with pytest.raises(ValueError, match="no way to measure 'the best day'"):
        checks.measure(course_of("phenobarbital-grasela1985", "typical"), "the best day")


# what clinics know -------------------------------------------------------------------------------

CYTOTOXIC = [m.id for m in MARROW if m.regimen.every == 504.0]  # given every three weeks


@pytest.fixture(scope="module")
def one_dose(individual_of: Callable[..., Any], scipy_course: Callable[..., Any]) -> Callable[..., Any]:
    """The reference patient after one dose, a multiple of the usual one."""

    def course(m: PatientModel, factor: float) -> Any:
        r = m.regimen
        usual = r.amount * (m.covariate(r.per).default or math.nan if r.per else 1.0)
        return scipy_course(m, individual_of(m), [(0.0, usual * factor, r.duration)], 504.0 / m.hours)

    return course


@pytest.mark.parametrize("m", [m for m in MODELS.values() if "concentration" in m.reading_units], ids=lambda m: m.id)
def test_more_dose_gives_more_exposure(m: PatientModel, one_dose: Callable[..., Any]) -> None:
    areas = [one_dose(m, factor).auc(504.0 / m.hours) for factor in (0.5, 1.0, 2.0)]
    assert 0 < 1.99 * areas[0] < areas[1]
    assert 1.99 * areas[1] < areas[2]


@pytest.mark.parametrize("m", MARROW, ids=lambda m: m.id)
def test_more_dose_gives_a_deeper_nadir_and_an_extreme_dose_almost_none(
    m: PatientModel, one_dose: Callable[..., Any]
) -> None:
    nadirs = [one_dose(m, factor).extreme("anc", 0.0, 504.0)[0] for factor in (0.5, 1.0, 2.0)]
    assert nadirs[0] > nadirs[1] > nadirs[2] > 0
    extreme = 5.0 if m.id in CYTOTOXIC else 50.0
    assert one_dose(m, extreme).extreme("anc", 0.0, 504.0)[0] < 0.2  # far into grade 4


@pytest.mark.parametrize("model_id", CYTOTOXIC)
def test_the_standard_dose_gives_the_nadir_that_clinics_know(model_id: str, one_dose: Callable[..., Any]) -> None:
    nadir, at = one_dose(MODELS[model_id], 1.0).extreme("anc", 0.0, 504.0)
    assert 0.2 <= nadir <= 2.5
    assert 5 <= at / 24 <= 14


@pytest.mark.parametrize("m", MARROW, ids=lambda m: m.id)
def test_without_drug_neutrophils_stay_where_they_are(
    m: PatientModel, individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    course = scipy_course(m, individual_of(m), [], 504.0)
    assert course.extreme("anc", 0.0, 504.0)[0] == pytest.approx(course.p.c0, rel=1e-9)
    assert course.extreme("anc", 0.0, 504.0, sign=-1.0)[0] == pytest.approx(course.p.c0, rel=1e-9)


@pytest.mark.parametrize(
    ("model_id", "change", "parameter", "ratio"),
    [
        ("docetaxel-kloft2006", {"female": 1.0}, "c0", 1 - 0.121),
        ("docetaxel-kloft2006", {"ecog": 2.0}, "c0", 1.130),
        ("docetaxel-kloft2006", {"prior_therapy": 1.0}, "c0", 1 - 0.147),
        ("docetaxel-kloft2006", {"aag": 0.84}, "c0", 1 - 0.175 * 0.5),
        ("docetaxel-kloft2006", {"aag": 1.84}, "c0", 1 + 0.495 * 0.5),
        ("docetaxel-kloft2006", {"aag": 1.84}, "sl", 1 - 0.351 * 0.5),
        ("docetaxel-kloft2006", {"hep12": 1.0}, "cl", 1 - 0.334),
        ("docetaxel-kloft2006", {"aag": 2.34}, "cl", (22.1 - 3.55 * 2.34 - 0.095 * 56 + 9) / 21.023),
        ("nab-paclitaxel-chen2014", {"age": 65.0}, "sl", 1.501),
        ("nab-paclitaxel-chen2014", {"age": 64.9}, "sl", 1.0),
        ("nab-paclitaxel-chen2014", {"alb": 30.0}, "vm", (30 / 39) ** 0.554),
        ("phenobarbital-grasela1985", {"weight": 3.04}, "cl", 2.0),
        ("phenobarbital-grasela1985", {"apgar": 5.0}, "v", 1.0),
        ("paclitaxel-henrich2017", {"male": 1.0}, "vmel", 1.07),
    ],
)
def test_a_covariate_changes_its_parameter(
    model_id: str, change: dict[str, float], parameter: str, ratio: float, individual_of: Callable[..., Any]
) -> None:
    m = MODELS[model_id]
    changed, reference = getattr(individual_of(m, change), parameter), getattr(individual_of(m), parameter)
    assert changed / reference == pytest.approx(ratio, rel=1e-9)


def test_phenobarbital_predicts_real_neonates_without_bias(
    shared: Path, individual_of: Callable[..., Any], scipy_course: Callable[..., Any]
) -> None:
    with (shared / "data" / "pk_classics" / "phenobarbital_neonates.csv").open() as lines:
        rows = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(lines)]
    errors, m = [], MODELS["phenobarbital-grasela1985"]
    for infant in {r["ID"] for r in rows}:
        mine = [r for r in rows if r["ID"] == infant]
        p = individual_of(m, {"weight": mine[0]["WT"], "apgar": mine[0]["APGR"]})
        doses = [(r["TIME"], r["AMT"], 0.0) for r in mine if r["EVID"] == 1]
        course = scipy_course(m, p, doses, mine[-1]["TIME"] + 1.0)
        errors += [math.log(r["DV"] / course.reading("concentration", r["TIME"])) for r in mine if r["MDV"] == 0]
    assert len(errors) == 155
    assert abs(np.median(errors)) < 0.1
    assert np.std(errors) < 0.4
