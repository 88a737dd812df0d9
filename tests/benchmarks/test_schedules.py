"""Drug at the expert's size: read from lines by hand, on schedules that give what they say."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.benchmarks import schedules, tables
from posology.benchmarks.front import player
from posology.benchmarks.front_points import resampled
from posology.environments.protocol import TreatmentEnvironment

PATIENTS = 200
PCV = schedules.QUESTIONS[1]


def course(fall, drug, seeds=1):
    """Patients whose falls spread evenly about the mean, the same in every arm."""
    spread = np.linspace(-0.05, 0.05, PATIENTS)
    return np.stack([np.broadcast_to(fall + spread, (seeds, PATIENTS)), np.full((seeds, PATIENTS), float(drug))], axis=-1)


FOUND = {
    "expert": course(0.3, 6), "some": course(0.2, 3, 3), "much": course(0.4, 7, 3), "a": course(0.0, 0), "b": course(0.25, 9),
}  # fmt: skip
NAMED = {"expert": "expert", "some": "learned", "much": "learned", "a": "part at every visit", "b": "part at every visit"}


def equal_size():
    found = FOUND | {"c": course(0.4, 9)}
    return schedules.at_equal_size(found, resampled(found), NAMED | {"c": "whole at every n-th visit"})


def test_the_drug_at_the_experts_size_lies_between_two_points_of_the_line():
    """0.3 is halfway from 0.2 to 0.4, so 5 of 6 courses; every point moves with the patients, so the interval is narrow."""
    told = equal_size()
    assert told["learned"]["drug"] == pytest.approx(5.0)
    assert told["learned"]["share"] == pytest.approx(5 / 6)
    assert told["learned"]["lower"] == pytest.approx(5 / 6, abs=1e-4) == told["learned"]["upper"]


def test_a_line_that_ends_before_that_size_says_so():
    told = equal_size()
    assert told["part at every visit"] is None and told["whole at every n-th visit"] is None
    points = [schedules.point("expert", "expert", FOUND["expert"], np.tile([[0.3, 6.0]], (10, 1)))]
    row = {"treatment": PCV.treatment, "unit": "courses", "days": 714.0, "points": points, "at_equal_size": told}
    said = tables.schedules(row)
    assert "| learned | 5 | 83 (83 to 83) |" in said
    assert "| part at every visit | does not reach that size |  |" in said
    assert "changed by -26 %" in said  # e^-0.3


def test_a_schedule_gives_its_dose_at_its_visits_and_nothing_else():
    asked = schedules.weighed(PCV)
    env = TreatmentEnvironment(asked)
    cohort, noise = env.draw(jax.random.key(0), 8), jax.random.key(1)
    play = player(env, lambda plan: schedules.at_visits(*plan), cohort, noise, schedules.OBJECTIVES)
    drug = {}
    for name, (_, plan) in schedules.schedules(asked).items():
        if name in ("expert", "0.5 of a course, always", "whole, every 4 of 17 visits"):
            drug[name] = np.asarray(play(tuple(map(jnp.int32, plan))))[:, 1] * env.spec.max_steps * PCV.most
    for name, courses in {"expert": 6.0, "0.5 of a course, always": 8.5, "whole, every 4 of 17 visits": 5.0}.items():
        np.testing.assert_allclose(drug[name], courses, rtol=1e-5)
