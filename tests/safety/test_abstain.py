"""Nothing is recommended outside the model's population, without what it needs, or on old values."""

from __future__ import annotations

import math

import pytest

from posology.patients.models.paclitaxel_henrich2017 import MODEL
from posology.safety.abstain import abstain, nothing_allowed

VALUES = {"male": 0.0, "age": 60.0, "bsa": 1.8, "bilirubin": 9.0, "baseline_anc": 5.0, "anc": 3.0}
AGES = {"anc": 2.0}


def test_a_patient_of_the_population_with_fresh_values_is_spoken_of():
    assert abstain(MODEL, VALUES, AGES) == (None, [])


@pytest.mark.parametrize(("name", "value"), [("age", 92.0), ("age", 29.9), ("bilirubin", math.inf), ("bsa", -1.0)])
def test_a_covariate_outside_the_population_is_named_with_its_range(name, value):
    reason = abstain(MODEL, {**VALUES, name: value}, AGES).reason
    low, high = MODEL.covariate(name).low, MODEL.covariate(name).high
    assert f"{name} is {value:g}" in reason and f"{low:g} to {high:g}" in reason


def test_the_bounds_of_the_population_belong_to_it():
    assert abstain(MODEL, {**VALUES, "age": 30.0, "bsa": 2.5}, AGES).reason is None


@pytest.mark.parametrize("absent", [None, math.nan])
def test_a_missing_covariate_without_reference_value_is_a_reason(absent):
    check = abstain(MODEL, {**VALUES, "baseline_anc": absent}, AGES)
    assert check.missing == ["baseline_anc"] and "baseline_anc" in check.reason and "missing" in check.reason


def test_a_missing_covariate_with_reference_value_is_only_listed():
    without = {k: v for k, v in VALUES.items() if k != "bilirubin"}
    assert abstain(MODEL, without, AGES) == (None, ["bilirubin"])


@pytest.mark.parametrize(
    ("values", "ages", "part"),
    [
        ({}, {"anc": 7.0}, None),
        ({}, {"anc": 7.1}, "anc is 7.1 days old; it must be at most 7 days old"),
        ({}, {}, "anc has no date"),
        ({}, {"anc": -1.0}, "anc is dated 1 days after the decision"),
        ({"anc": None}, {"anc": 1.0}, "anc is missing"),
        ({"anc": -0.1}, {"anc": 1.0}, "impossible"),
    ],
)
def test_laboratory_values_must_be_present_possible_and_recent(values, ages, part):
    reason = abstain(MODEL, {**VALUES, **values}, ages).reason
    assert (reason is None) if part is None else (part in reason)


def test_which_values_must_be_recent_is_the_callers_to_say():
    assert abstain(MODEL, VALUES, {"anc": 20.0}, oldest={"anc": 21.0}).reason is None
    assert "bilirubin has no date" in abstain(MODEL, VALUES, AGES, oldest={"bilirubin": 28.0}).reason
    assert abstain(MODEL, {**VALUES, "anc": None}, oldest={}).reason is None


def test_all_reasons_are_joined_and_all_missing_values_listed():
    check = abstain(MODEL, {"age": 95.0})
    assert check.missing == ["male", "bsa", "bilirubin", "baseline_anc", "anc"]
    assert check.reason.count(";") == 2 and check.reason.startswith("age is 95 a")


def test_an_empty_set_names_the_limits_that_closed_it_once():
    assert nothing_allowed(["anc-gate", "anc-gate", "most-delays"]).startswith(
        "no dose and no delay is allowed (anc-gate, most-delays)"
    )
