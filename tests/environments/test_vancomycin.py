"""Vancomycin in adults and children: areas under the curve, limits, and who clears how much."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.catalogue import treatment
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.reward import Interval
from posology.environments.treatments import vancomycin_adults as adults
from posology.evaluation import size_scaled
from posology.evaluation.arms import guideline
from posology.evaluation.rollout import play
from posology.evaluation.trial import trial
from posology.patients.maturation import allometry, maturation

KEY = jax.random.key(17)
BOTH = ("vancomycin-adults-v1", "vancomycin-children-v1")


@cache
def environment(name):
    return TreatmentEnvironment(treatment(name))


@cache
def played(name, arm):
    env = environment(name)
    return play(env, guideline(arm, env), env.draw(KEY, 300), KEY)


def interval(area, days=1.0):
    return Interval(1.0, 1.0, 1.0, 1.0, days, 1.0, area / 24)


@pytest.mark.parametrize(
    ("area", "target", "toxic", "low"),
    [(500, 1, 0, 0), (400, 1, 0, 0), (600, 1, 0, 0), (390, 0.78, 0, 0), (299, 0.598, 0, 1), (651, 0.698, 1, 0), (1200, 0, 1, 0)],
)
def test_a_day_is_judged_by_its_area_under_the_curve(area, target, toxic, low):
    terms = {t.name: float(t.of(interval(float(area)))) for t in adults.TERMS[:3]}
    assert terms == pytest.approx({"target": target, "toxic": toxic, "low": low}, abs=1e-6)
    assert float(adults.AREA.distance(interval(float(area)))) == pytest.approx(abs(area - 500))


@pytest.mark.parametrize("area", [250.0, 400.0, 599.9, 600.0, 900.0])
def test_every_day_is_below_in_or_above_the_range(area):
    days = {t.name: float(t.of(interval(area))) for t in adults.TERMS if t.name.startswith("days_")}
    assert sum(days.values()) == pytest.approx(1.0)
    assert days["days_in_range"] == (400 <= area < 600)


@pytest.mark.parametrize("name", BOTH)
def test_the_area_of_a_day_is_what_was_cleared_of_the_drug(name):
    """Mass balance: AUC = (given − what stayed in the body)/CL, to the accuracy of the average over the steps of a day."""
    env = environment(name)

    def one(patient):
        x = jax.tree.map(jnp.float32, env.model.baseline(patient.own))
        found, after = env.forecast(x, patient.own, env.chosen(jnp.int32(3)), patient)
        given = env.recorded(found.total, patient)
        return adults.auc(found), (given - after.central - after.peripheral) / patient.own.cl

    ours, exact = jax.jit(jax.vmap(one))(env.draw(KEY, 300))
    np.testing.assert_allclose(ours, exact, rtol=0.006)


@pytest.mark.parametrize("name", BOTH)
def test_no_row_above_a_daily_limit_is_offered(name):
    env = environment(name)
    patients = env.draw(KEY, 50)
    masks = np.asarray(jax.jit(jax.vmap(lambda p: env.reset(KEY, p)[2]))(patients))
    kg = np.asarray(patients.covariates["weight"])[:, None]
    daily = np.array([a.amount * 24 / a.interval for a in env.treatment.actions])[None]
    mg = daily * (kg if env.treatment.standard.unit == "mg/kg" else 1.0)
    allowed = (mg <= 4500 * (1 + 1e-6)) & (mg <= 60 * kg * (1 + 1e-6))
    np.testing.assert_array_equal(masks, allowed)
    assert not allowed.all()


def test_children_are_drawn_as_planned():
    c = {k: np.asarray(v) for k, v in environment("vancomycin-children-v1").draw(KEY, 4000).covariates.items()}
    assert c["age"].min() >= 0.1 and c["age"].max() <= 12
    np.testing.assert_allclose(np.quantile(c["age"], [0.25, 0.5, 0.75]), [3.075, 6.05, 9.025], atol=0.3)
    medians = np.interp(c["age"], [0, 0.5, 2, 6, 10, 12], [3.5, 7, 12, 20, 35, 41])
    spread = np.log(c["weight"] / medians)
    assert spread.mean() == pytest.approx(0.0, abs=0.01)
    assert spread.std() == pytest.approx(np.sqrt(np.log(1 + 0.15**2)), abs=0.005)


@pytest.mark.parametrize(
    ("pma", "share"), [(40, 0.35467), (47.7, 0.5), (60, 0.68568), (92, 0.90320), (144, 0.97717)]
)
def test_filtration_matures_as_printed(pma, share):
    assert maturation(float(pma), 47.7, 3.40) == pytest.approx(share, abs=5e-6)


@pytest.mark.parametrize(
    ("age", "kg", "share"), [(0, 3.5, 0.03750), (0.5, 7, 0.13355), (2, 12, 0.26034), (6, 20, 0.39036), (10, 35, 0.59447)]
)
def test_a_child_clears_the_printed_share_of_an_adult(age, kg, share):
    found = allometry(float(kg), 70.0, 0.75) * maturation(52.0 * age + 40, 47.7, 3.40)
    assert found == pytest.approx(share, abs=5e-6)
    p = treatment("vancomycin-children-v1").model.Params()
    assert size_scaled.ratio(p, float(kg), float(age)) * kg / 70 == pytest.approx(share, abs=5e-6)


def test_scaling_by_size_and_age_is_the_better_start_for_children():
    """Both give every child one regimen; the adults' mg/kg is too small for most."""
    low = {arm: played("vancomycin-children-v1", arm).terms.sum(axis=1)[:, 2].mean() for arm in ("standard", "size-scaled")}
    assert low["size-scaled"] < low["standard"]


def test_only_a_model_with_size_and_age_can_be_scaled_by_them():
    env = environment("vancomycin-adults-v1")
    with pytest.raises(ValueError, match="'size-scaled' goes by size and age of a child, .* in vancomycin-adults"):
        guideline("size-scaled", env)


def test_more_dose_is_more_exposure_and_failing_kidneys_make_it_toxic():
    env = environment("vancomycin-adults-v1")
    patient = jax.tree.map(lambda v: v[0], env.draw(KEY, 1))
    x = jax.tree.map(jnp.float32, env.model.baseline(patient.own))
    rows = [env.chosen(jnp.int32(r)) for r in (0, 10, 14, 18)]  # nothing, and 500, 1500 and 2500 mg every 12 hours
    areas = [float(adults.auc(env.predict(x, patient.own, row, patient))) for row in rows]
    assert areas[0] == 0 and areas[1] > 0
    assert areas[2:] == pytest.approx([3 * areas[1], 5 * areas[1]], rel=1e-4)
    toxic = played("vancomycin-adults-v1", "standard").terms.sum(axis=1)[:, 1]
    crcl = np.asarray(environment("vancomycin-adults-v1").draw(KEY, 300).covariates["crcl"])
    assert toxic[crcl < 50].mean() > 3 > toxic[crcl > 90].mean()


def test_a_trial_tells_the_share_of_days_in_range():
    found = trial(treatment("vancomycin-adults-v1"), ["standard"], patients=20, seed=1)
    ends = found["arms"]["standard"]["endpoints"]
    shares = [ends[f"time_{k}_share"]["mean"] for k in ("below", "in_range", "above")]
    assert sum(shares) == pytest.approx(1.0)
