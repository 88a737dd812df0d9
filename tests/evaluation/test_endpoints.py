"""Endpoints counted by hand, and the table of a trial in the shape that other programs read."""

from __future__ import annotations

import json

import numpy as np
import pytest

from posology.evaluation.endpoints import Outcome, cycle_endpoints, cycle_numbers, endpoints, grades, subset
from posology.evaluation.table import judged_by, rows, trial_table


def outcome(nadir, dose=None, seeds=1, **more):
    """An arm from nadirs [N, T]; NaN is a decision without a dose."""
    values = np.repeat(np.asarray(nadir, float)[None], seeds, axis=0)
    given = np.isfinite(values)
    amounts = np.where(given, 200.0, 0.0) if dose is None else np.asarray(dose, float)[None]
    return Outcome(values, amounts, given, np.nansum(values, axis=-1), **more)


def random_arm(level, seeds=1, patients=40, seed=0, **more):
    generator = np.random.default_rng(seed)
    nadir = level * np.exp(0.6 * generator.normal(size=(1, patients, 6)) + 0.05 * generator.normal(size=(seeds, 1, 1)))
    dosed = np.ones(nadir.shape, bool)
    days = np.arange(4.0)
    return Outcome(
        nadir,
        np.full(nadir.shape, 150.0),
        dosed,
        -np.abs(np.log(nadir)).sum(-1),
        terms={"intensity": dosed * 0.75},
        costs={"grade4": (nadir < 0.5).sum(-1).astype(float)},
        anc_days=days,
        anc=np.ones((5, 4)) * np.array([[0.4], [0.8], [1.0], [2.0], [4.0]]),
        bound={"label maximum": 3},
        planned_dose=1200.0,
        **more,
    )


def ratio(found, name):
    return found[name].numerator.sum() / found[name].denominator.sum()


def test_a_nadir_at_a_boundary_belongs_to_the_milder_grade():
    assert grades([2.0, 1.99, 1.5, 1.49, 1.0, 0.99, 0.5, 0.49, np.nan]).tolist() == [0, 1, 1, 2, 2, 3, 3, 4, -1]


def test_shares_are_of_cycles_with_a_dose():
    found = endpoints(outcome([[0.4, 1.0, np.nan], [2.5, 0.7, 0.3]]))
    assert ratio(found, "grade4_share") == pytest.approx(2 / 5)
    assert ratio(found, "grade1to3_share") == pytest.approx(2 / 5)
    assert ratio(found, "grade0_share") == pytest.approx(1 / 5)
    assert ratio(found, "grade4_ever_share") == 1.0


def test_cycles_are_counted_in_doses_so_a_delay_is_no_cycle():
    arm = outcome([[0.4, np.nan, 1.0, 1.2]])
    assert cycle_numbers(arm.dosed).tolist() == [[[1, 0, 2, 3]]]
    assert ratio(endpoints(arm), "grade4_share_cycles_2_6") == 0.0
    assert ratio(endpoints(arm), "grade1to3_share_cycles_2_6") == 1.0
    assert len(cycle_endpoints(arm)) == 3


def test_a_seventh_cycle_stays_out_of_cycles_2_to_6():
    found = endpoints(outcome([[1.0] * 6 + [0.1]]))
    assert ratio(found, "grade4_share_cycles_2_6") == 0.0
    assert ratio(found, "grade4_share") == pytest.approx(1 / 7)


def test_doses_are_averaged_over_doses_given_and_intensity_over_the_plan():
    found = endpoints(outcome([[1.0, np.nan], [1.0, 1.0]], dose=[[200, 0], [100, 150]], planned_dose=400.0))
    assert ratio(found, "mean_dose") == pytest.approx(150)
    assert ratio(found, "relative_dose_intensity") == pytest.approx((0.5 + 0.625) / 2)


def test_a_count_that_is_not_finite_under_a_dose_is_an_error_not_a_grade():
    with pytest.raises(ValueError, match="nadir holds 1 values that are not finite"):
        Outcome(np.array([[[np.nan, 1.0]]]), np.ones((1, 1, 2)), np.ones((1, 1, 2), bool), np.ones((1, 1)))


def test_shapes_that_disagree_are_named():
    with pytest.raises(ValueError, match=r"reward must have shape \(1, 2\) like dosed, got \(1, 3\)"):
        Outcome(None, np.ones((1, 2, 3)), np.ones((1, 2, 3), bool), np.ones((1, 3)))


def test_a_treatment_without_neutrophils_has_no_grades_but_a_return():
    arm = Outcome(None, np.ones((1, 5, 2)), np.ones((1, 5, 2), bool), np.arange(5.0)[None], dose_unit="mg")
    table = trial_table({"standard": arm, "other": arm}, "phenobarbital-maintenance-v1", "f", 1, draws=50)
    assert set(table["arms"]["standard"]["endpoints"]) == {"mean_dose", "return"}
    assert table["arms"]["standard"]["endpoints"]["mean_dose"]["unit"] == "mg"
    assert "grades" not in table
    assert rows(table)[0] == ["Arm", "Mean dose (mg)", "Return (per course)"]


def test_the_table_has_the_stable_shape_and_is_json():
    arms = {"standard": random_arm(0.6), "ensemble-greedy": random_arm(1.0), "ppo": random_arm(1.1, 3)}
    arms["oracle"] = random_arm(1.05)
    halves = {"older": np.arange(40) < 20, "nobody": np.zeros(40, bool)}
    table = trial_table(arms, "paclitaxel-cycles-v1", "abc", 7, subgroups=halves, draws=200)
    assert json.loads(json.dumps(table, allow_nan=False)) == table
    assert (table["patients"], table["seed"], table["fingerprint"]) == (40, 7, "abc")
    found = table["arms"]["ppo"]["endpoints"]["grade4_share"]
    assert set(found) == {"mean", "lower", "upper", "unit"}
    assert 0 <= found["lower"] <= found["mean"] <= found["upper"] <= 1
    assert list(table["paired"]) == ["ensemble-greedy", "ppo", "oracle"]
    assert table["paired"]["ppo"]["versus"] == "standard"
    assert set(table["paired"]["ppo"]["endpoints"]["grade4_share"]) == {"difference", "lower", "upper"}
    assert table["paired_with"]["ensemble-greedy"]["ppo"]["versus"] == "ensemble-greedy"
    assert table["regret"]["endpoint"] == "grade1to3_share"
    assert [row["cycle"] for row in table["per_cycle"]["ppo"]] == [1, 2, 3, 4, 5, 6]
    assert table["subgroups"]["older"]["patients"] == 20
    assert table["subgroups"]["nobody"]["arms"] == {}
    assert table["limits_hit"]["ppo"]["label maximum"]["count"] == 3


@pytest.mark.parametrize("oracle", ["oracle", "oracle-plan"])
def test_regret_is_what_an_arm_stays_behind_the_oracle(oracle):
    arms = {"standard": outcome([[0.4, 1.0]] * 10), oracle: outcome([[1.0, 1.0]] * 10)}
    regret = trial_table(arms, "t", "f", 1, draws=50)["regret"]["arms"]["standard"]
    assert regret == {"difference": 0.5, "lower": 0.5, "upper": 0.5}


def test_the_same_seed_gives_the_same_table_and_arms_do_not_shift_each_other():
    standard, other = random_arm(0.6), random_arm(1.0, seed=4)
    alone = trial_table({"standard": standard}, "t", "f", 9, draws=200)
    both = trial_table({"standard": standard, "other": other}, "t", "f", 9, draws=200)
    assert alone["arms"]["standard"] == both["arms"]["standard"]


def test_no_event_at_all_still_leaves_an_upper_bound_above_zero():
    table = trial_table({"standard": outcome([[1.0, 1.2]] * 50)}, "t", "f", 1, draws=50)
    found = table["arms"]["standard"]["endpoints"]["grade4_share"]
    assert found["mean"] == 0
    assert found["upper"] == pytest.approx(1 - 0.025 ** (1 / 50), rel=1e-5)


def test_a_cycle_that_nobody_reached_is_null_in_an_arm_not_zero():
    table = trial_table({"standard": outcome([[1.0, np.nan]] * 4)}, "t", "f", 1, draws=20)
    found = table["arms"]["standard"]["endpoints"]["grade4_share_cycles_2_6"]
    assert (found["mean"], found["lower"], found["upper"]) == (None, None, None)
    assert rows(table, ("grade4_share_cycles_2_6",))[1] == ["standard", "–"]


def test_arms_with_other_patients_are_refused():
    with pytest.raises(ValueError, match="same patients"):
        trial_table({"a": outcome([[1.0]]), "b": outcome([[1.0], [1.0]])}, "t", "f", 1)


def test_a_subgroup_of_the_wrong_length_is_refused():
    with pytest.raises(ValueError, match="each of 2 patients"):
        subset(outcome([[1.0], [1.0]]), [True])


def test_rows_print_shares_in_per_cent_with_their_interval():
    header, first = rows(trial_table({"standard": outcome([[0.4, 1.0]] * 4)}, "t", "f", 1, draws=20))
    assert header[:2] == ["Arm", "Cycles in grade 1-3 (%)"]
    assert first[:2] == ["standard", "50.0 (50.0 to 50.0)"]


@pytest.mark.parametrize(
    ("known", "aim"),
    [
        ({"grade1to3_share", "return", "term_grade0"}, "grade1to3_share"),
        ({"grade1to3_share", "return", "term_shrinkage"}, "return"),
        ({"time_in_range_share", "return"}, "time_in_range_share"),
        ({"return"}, "return"),
    ],
)
def test_an_arm_is_judged_by_what_its_treatment_aims_at(known, aim):
    assert judged_by(known)[0] == aim
