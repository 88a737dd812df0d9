"""Every patient model against printed values, against what clinics know and against recorded infants."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from posology.patients.catalogue import MODELS
from posology.patients.model import PatientModel
from posology.quantities import numbers_of

REFERENCE = Path(__file__).resolve().parents[1] / "reference"
MARROW = [m for m in MODELS.values() if "circ" in numbers_of(m.State)]
Dose = tuple[float, float, float]  # start (h), amount (mg), duration (h)
BRUNO_CL = {"cl": 36.8}
FRIBERG_LINEAR = {"c0": 5.05, "mtt": 88.7, "gamma": 0.161, "sl": 8.58}
PLAIN_FRIBERG = {"sl": 2.21, "mtt": 127.0, "gamma": 0.23, "ftr": 1.0}


def every_three_weeks(mg: float, hours: float, cycles: int) -> list[Dose]:
    return [(504.0 * k, mg, hours) for k in range(cycles)]


def case(doses: list[Dose], end: float, **who: dict[str, float]) -> dict[str, Any]:
    return {"doses": doses, "end": end, **who}


CASES: dict[str, dict[str, dict[str, Any]]] = {
    "docetaxel-kloft2006": {
        "typical": case([], 1),
        "kloft 180 mg": case([(0, 180, 1)], 3000, own=BRUNO_CL),
        "friberg linear 180 mg": case([(0, 180, 1)], 504, parameters=FRIBERG_LINEAR, own=BRUNO_CL),
    },
    "paclitaxel-henrich2017": {
        "200 mg/m2": case(every_three_weeks(360, 3, 6), 3024),
        "175 mg/m2": case(every_three_weeks(315, 3, 6), 3024),
        "sl 6": case(every_three_weeks(360, 3, 3), 1512, parameters={"sl": 6.0}),
        "sl 2.6": case(every_three_weeks(360, 3, 3), 1512, parameters={"sl": 2.6}),
        "plain friberg": case(every_three_weeks(360, 3, 3), 1512, parameters=PLAIN_FRIBERG),
    },
    "nab-paclitaxel-chen2014": {
        "260 mg/m2 57 y": case(every_three_weeks(494, 0.5, 3), 1512),
        "260 mg/m2 70 y": case(every_three_weeks(494, 0.5, 3), 1512, covariates={"age": 70.0}),
        "125 mg/m2 57 y": case(every_three_weeks(237.5, 0.5, 3), 1512),
        "125 mg/m2 weekly": case([(168.0 * k, 237.5, 0.5) for k in range(3)], 672),
    },
    "phenobarbital-grasela1985": {
        "typical": case([], 1),
        "asphyxia": case([], 1, covariates={"apgar": 3.0}),
        "loading 30 mg": case([(0, 30, 0.5)], 6000),
    },
    "vancomycin-thomson2009": {
        f"1 g every 12 h crcl {crcl}": case([(12.0 * k, 1000, 1) for k in range(20)], 240, covariates={"crcl": float(crcl)})
        for crcl in (30, 66, 100)
    },
    "vancomycin-rhodin2009": {
        f"{age:g} y {kg:g} kg": case([], 1, covariates={"age": age, "weight": kg, "crcl": 66.0})
        for age, kg in ((0.5, 7.0), (2.0, 12.0), (6.0, 20.0), (10.0, 35.0))
    },
    "benchmark-oral-friberg": {
        "300 mg": case([(0, 300, 0)], 2000),
        "21 x 150 mg daily": case([(24.0 * k, 150, 0) for k in range(21)], 1008),
    },
}


def reference_rows() -> list[Any]:
    rows = []
    for model_id in MODELS:
        with (REFERENCE / f"{model_id.replace('-', '_')}.csv").open() as file:
            rows += [
                pytest.param(model_id, r, id=f"{model_id}: {r['case']}, {r['quantity']}") for r in csv.DictReader(file)
            ]
    return rows


def measure(course: Any, quantity: str) -> float:
    """What the words of a reference row say."""
    words = quantity.split()
    match words:
        case ["parameter", "sl", "per", "mg"]:
            return course.p.sl / course.p.molar_mass
        case ["parameter", name]:
            return getattr(course.p, name)
        case ["half-life"]:
            return math.log(2) * course.p.v / course.p.cl
        case [("anc" | "concentration") as name, "at", t]:
            return course.reading(name, float(t))
        case ["auc", "to", t]:
            return course.auc(float(t))
        case ["trapezoids", "of", step, "h", "to", end]:
            times = np.arange(0.0, float(end) + 1e-9, float(step))
            return float(np.trapezoid([course.reading("concentration", t) for t in times], times))
        case ["hours", "above", level]:
            return course.hours_above(float(level), 200.0)
        case ["peak"]:
            return course.extreme("concentration", 0.0, 24.0, sign=-1.0)[0]
        case ["nadir", "on", "a", "6", "h", "grid", cycle]:
            start = 504.0 * (int(cycle) - 1)
            return min(course.reading("anc", t) for t in np.arange(start, start + 504.1, 6.0))
        case ["nadir", "overall"]:
            return course.extreme("anc", 0.0, course.edges[-1])[0]
        case ["nadir", "day", "overall"]:
            return course.extreme("anc", 0.0, course.edges[-1])[1] / 24
        case ["nadir", cycle]:
            return course.extreme("anc", 504.0 * (int(cycle) - 1), 504.0 * int(cycle))[0]
        case ["nadir", "day", cycle]:
            start = 504.0 * (int(cycle) - 1)
            return (course.extreme("anc", start, start + 504.0)[1] - start) / 24
    raise ValueError(f"no way to measure '{quantity}'")


@pytest.fixture(scope="module")
def course_of(individual_of: Callable[..., Any], scipy_course: Callable[..., Any]) -> Callable[[str, str], Any]:
    """The solved course of a named case, solved once."""
    solved: dict[tuple[str, str], Any] = {}

    def course(model_id: str, name: str) -> Any:
        if (model_id, name) not in solved:
            who = {k: v for k, v in CASES[model_id][name].items() if k not in ("doses", "end")}
            p = individual_of(MODELS[model_id], **who)
            doses, end = CASES[model_id][name]["doses"], CASES[model_id][name]["end"]
            solved[model_id, name] = scipy_course(MODELS[model_id], p, doses, end)
        return solved[model_id, name]

    return course


@pytest.mark.parametrize(("model_id", "row"), reference_rows())
def test_a_printed_value_is_met(model_id: str, row: dict[str, str], course_of: Callable[[str, str], Any]) -> None:
    got = measure(course_of(model_id, row["case"]), row["quantity"])
    off = abs(got - float(row["value"]))
    assert off <= float(row["tolerance"]), f"{got} instead of {row['value']}: {row['source']}"


def test_every_case_and_every_model_has_reference_values() -> None:
    used = {(p.values[0], p.values[1]["case"]) for p in reference_rows()}
    assert used == {(m, c) for m, cases in CASES.items() for c in cases}
    assert {m for m, _ in used} == set(MODELS)


# what clinics know -------------------------------------------------------------------------------

STANDARD = {  # mg/m2 every three weeks, hours
    "docetaxel-kloft2006": (75.0, 1.0),
    "paclitaxel-henrich2017": (175.0, 3.0),
    "nab-paclitaxel-chen2014": (260.0, 0.5),
}


@pytest.fixture(scope="module")
def one_dose(individual_of: Callable[..., Any], scipy_course: Callable[..., Any]) -> Callable[..., Any]:
    """The reference patient after one dose, a multiple of the standard one."""

    def course(m: PatientModel, factor: float) -> Any:
        per_m2, hours = STANDARD.get(m.id, (300.0, 0.0))
        area = m.covariate("bsa").default if m.id in STANDARD else 1.0
        return scipy_course(m, individual_of(m), [(0.0, per_m2 * area * factor, hours)], 504.0)

    return course


@pytest.mark.parametrize("m", MODELS.values(), ids=MODELS)
def test_more_dose_gives_more_exposure(m: PatientModel, one_dose: Callable[..., Any]) -> None:
    areas = [one_dose(m, factor).auc(504.0) for factor in (0.5, 1.0, 2.0)]
    assert 0 < 1.99 * areas[0] < areas[1]
    assert 1.99 * areas[1] < areas[2]


@pytest.mark.parametrize("m", MARROW, ids=lambda m: m.id)
def test_more_dose_gives_a_deeper_nadir_and_an_extreme_dose_almost_none(
    m: PatientModel, one_dose: Callable[..., Any]
) -> None:
    nadirs = [one_dose(m, factor).extreme("anc", 0.0, 504.0)[0] for factor in (0.5, 1.0, 2.0)]
    assert nadirs[0] > nadirs[1] > nadirs[2] > 0
    extreme = 5.0 if m.id in STANDARD else 50.0
    assert one_dose(m, extreme).extreme("anc", 0.0, 504.0)[0] < 0.1


@pytest.mark.parametrize("model_id", STANDARD)
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
