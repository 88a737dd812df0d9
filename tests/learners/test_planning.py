"""Planners: what knows more doses better, and nobody leaves the mask."""

from __future__ import annotations

from functools import cache

import jax
import numpy as np
import pytest

from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.evaluation import arms
from posology.evaluation.rollout import play

KEY = jax.random.key(11)
PATIENTS = 64


@cache
def mean_return(name, arm):
    env = TreatmentEnvironment(TREATMENTS[name])
    played = play(env, arms.guideline(arm, env), env.draw(KEY, PATIENTS), KEY)
    assert np.isfinite(played.reward).all()
    return played.reward.sum(axis=1).mean()


@pytest.mark.parametrize("arm", ["ensemble-greedy:32", pytest.param("map-greedy", marks=pytest.mark.slow)])
def test_a_planner_that_learns_of_the_patient_stands_between_rule_and_oracle(arm):
    name = "paclitaxel-cycles-v1"
    assert mean_return(name, "clinical-rule") + 0.3 < mean_return(name, arm) < mean_return(name, "oracle") - 0.1


@pytest.mark.slow
def test_a_plan_of_the_whole_course_is_about_as_good_as_the_greedy_oracle():
    name = "paclitaxel-cycles-v1"
    assert mean_return(name, "oracle-course") > mean_return(name, "oracle") - 0.25


@pytest.mark.slow
@pytest.mark.parametrize("arm", ["ensemble-greedy:32", "map-greedy"])
def test_a_planner_holds_levels_in_range(arm):
    name = "phenobarbital-maintenance-v1"
    assert mean_return(name, arm) > mean_return(name, "standard")


def test_an_unknown_arm_and_a_wrong_number_are_named():
    env = TreatmentEnvironment(TREATMENTS["paclitaxel-cycles-v1"])
    with pytest.raises(ValueError, match="unknown arm 'best'; known: standard"):
        arms.guideline("best", env)
    with pytest.raises(ValueError, match="arm 'ensemble-greedy:many': after the colon stands a number"):
        arms.guideline("ensemble-greedy:many", env)
