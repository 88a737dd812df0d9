"""Phenobarbital maintenance: levels follow the closed form, and usual doses do what clinics know."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.data.history import DAY
from posology.environments.catalogue import treatment
from posology.environments.protocol import Chosen, TreatmentEnvironment
from posology.environments.reward import time_between
from posology.evaluation.arms import guideline
from posology.evaluation.rollout import play
from posology.evaluation.trial import trial

KEY = jax.random.key(13)
QUESTION = treatment("phenobarbital-maintenance-v1")


@cache
def environment():
    return TreatmentEnvironment(QUESTION)


@cache
def played(arm, patients=400):
    env = environment()
    return play(env, guideline(arm, env), env.draw(KEY, patients), KEY)


def superposed(doses, duration, cl, v, times):
    """Level of infusions (start, mg) by superposition of the closed form."""
    k, level = cl / v, np.zeros_like(times)
    for start, mg in doses:
        during = np.clip(times - start, 0, duration)
        after = np.clip(times - start - duration, 0, None)
        level += mg / duration / cl * (1 - np.exp(-k * during)) * np.exp(-k * after)
    return level


@pytest.mark.parametrize(("amount", "every"), [(3.0, 24.0), (2.25, 12.0), (0.0, 24.0)])
def test_levels_and_days_in_range_agree_with_the_closed_form(amount, every):
    env = environment()
    patient = jax.tree.map(lambda v: v[0], env.draw(KEY, 1))
    state, _, _ = env.reset(KEY, patient)
    chosen = Chosen(*(jnp.float32(v) for v in (amount, 3.0, every)))
    after, course = env.play(KEY, state, chosen, patient)
    cl, v, weight = float(patient.own.cl), float(patient.own.v), float(patient.covariates["weight"])
    starts = DAY + np.arange(0.0, 72.0, every)
    doses = [(0.0, 20 * weight), *((s, amount * weight) for s in starts)]
    times = DAY + np.arange(0.0, 72.0, 1 / 60)
    level = superposed(doses, 0.5, cl, v, times)
    i = course.interval
    assert float(after.x.central) / v == pytest.approx(level[-1], rel=1e-3)
    assert float(i.mean) == pytest.approx(level.mean(), rel=2e-3)
    assert float(i.total) == pytest.approx(amount * 72 / every)
    assert float(i.within) == pytest.approx(3 * ((level >= 15) & (level <= 30)).mean(), abs=0.02)
    assert float(i.below + i.within + i.above) == pytest.approx(3.0, abs=1e-4)


@pytest.mark.parametrize(
    ("start", "end", "share"), [(10, 20, 0.5), (20, 10, 0.5), (0, 45, 1 / 3), (16, 16, 1), (40, 31, 0), (14, 14, 0)]
)
def test_the_share_of_a_straight_line_inside_a_range(start, end, share):
    assert float(time_between(jnp.float32(start), jnp.float32(end), 15.0, 30.0)) == pytest.approx(share, abs=1e-5)


def test_the_first_level_is_that_of_the_loading_dose_a_day_later():
    env = environment()
    patients = env.draw(KEY, 400)
    state, _, _ = jax.jit(jax.vmap(lambda p: env.reset(KEY, p)))(patients)
    known = np.asarray(state.history.present) & (np.asarray(state.history.what) == env.names.index("concentration"))
    assert (known.sum(axis=1) == 1).all()
    levels = np.asarray(state.history.value)[known]
    assert np.median(levels) == pytest.approx(20 / 0.96 * np.exp(-24 * 0.0047 / 0.96), rel=0.05)
    assert np.std(np.log(levels)) == pytest.approx(np.hypot(0.16, 0.11), abs=0.03)
    assert (np.asarray(state.day) == 1.0).all()


def days(arm):
    """Days below, in and above the range of each patient and visit."""
    names = [t.name for t in QUESTION.terms]
    return [played(arm).terms[..., names.index(f"days_{where}")] for where in ("below", "in_range", "above")]


def test_the_usual_dose_holds_most_neonates_in_range_to_the_end():
    below, inside, above = days("standard")
    last = (inside[:, -1] > 2.99).mean()
    print("in range during the last three days:", last, "above:", (above[:, -1] > 0).mean())
    assert played("standard").alive.all()
    assert 0.7 < last < 0.95
    assert (below + inside + above).sum(axis=1) == pytest.approx(21.0, abs=1e-3)


def test_four_mg_per_kg_and_day_lead_most_above_the_range_by_the_third_week():
    assert (days("fixed:4")[2][:, -1] > 0).mean() > 0.5


def test_rules_and_oracle_do_better_the_more_they_know():
    inside = {arm: days(arm)[1].sum(axis=1).mean() / 21 for arm in ("standard", "proportional-rule", "oracle")}
    print("share of time in range:", inside)
    assert inside["standard"] < inside["proportional-rule"] - 0.02
    assert inside["proportional-rule"] < inside["oracle"]
    assert inside["oracle"] > 0.99


@pytest.mark.parametrize("arm", ["clinical-rule", "rule-plus-10"])
def test_rules_that_grade_neutrophils_are_refused(arm):
    with pytest.raises(ValueError, match="neutropenia"):
        guideline(arm, environment())
    with pytest.raises(ValueError, match="levels"):
        guideline("proportional-rule", TreatmentEnvironment(treatment("paclitaxel-cycles-v1")))


def test_a_trial_counts_time_in_range_and_no_grade():
    table = trial(QUESTION, ["standard", "oracle"], 20, 1)
    found = {k: v["mean"] for k, v in table["arms"]["standard"]["endpoints"].items()}
    assert sum(found[f"time_{where}_share"] for where in ("below", "in_range", "above")) == pytest.approx(1.0, abs=1e-5)
    assert found["mean_dose"] == pytest.approx(3.0)
    assert table["arms"]["standard"]["endpoints"]["mean_dose"]["unit"] == "mg/kg/d"
    assert not [name for name in found if "grade" in name or "cycles" in name]
    assert "grades" not in table
    assert table["anc"] == {}
    assert table["regret"]["endpoint"] == "time_in_range_share"
    bands = table["concentration"]["standard"]
    assert bands["days"] == [float(d) for d in range(1, 23)]
    assert all(v is not None for v in bands["p50"][1:])
    assert len(table["per_cycle"]["standard"]) == 7
