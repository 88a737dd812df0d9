"""The virtual men of the prostate model: who they are, and what continuous and adaptive treatment do to them."""

from __future__ import annotations

from functools import cache
from typing import Any

import jax
import numpy as np
import pytest
import scipy.stats

from posology.patients import prostate_cohort as cohort
from posology.patients.models.prostate_strobl2021 import Params
from posology.quantities import replace

N, FOLLOW_UP = 4000, 1788  # men, days
NOISE = 0.025  # three standard errors of the difference of two shares near a sixth of 4000 men


@cache
def men() -> Any:
    return cohort.draw(jax.random.key(7), N)


@cache
def outcome(rule: Any) -> dict[str, np.ndarray]:
    """Of every man: whether he progressed, days until then, days on drug among them, size on day 84."""

    def one(p: Any) -> dict[str, Any]:
        course = cohort.follow(p, FOLLOW_UP, rule)
        return {"progressed": course.progressed, "days": course.days, "on": course.days_on, "day 84": course.size[84]}

    return {name: np.asarray(v) for name, v in jax.jit(jax.vmap(one))(men()).items()}


@pytest.mark.parametrize(
    ("changes", "continuous", "adaptive", "share_on"),
    [
        ({"n0": 0.75, "fr": 0.01}, 369, 473, 0.873),
        ({"n0": 0.75, "fr": 0.001}, 452, 663, 0.819),
        ({"n0": 0.25, "fr": 0.01}, 207, 210, 0.847),
        ({"n0": 0.5, "fr": 0.01, "turnover": 0.3}, 397, 591, 0.591),
    ],
)
def test_adaptive_treatment_delays_progression_by_the_printed_days(changes, continuous, adaptive, share_on):
    man = replace(Params(), **({"cost": 0.0, "turnover": 0.0} | changes))
    always, switched = (cohort.follow(man, 700, rule) for rule in (cohort.continuous, cohort.at50))
    assert (int(always.days), int(switched.days)) == (continuous, adaptive)
    # 178 of 210 days are .8476, printed as .847: so a whole unit of the last digit
    assert float(switched.days_on / switched.days) == pytest.approx(share_on, abs=1e-3)
    assert always.days_on == always.days


def test_as_many_men_progress_and_respond_as_printed():
    always, switched = outcome(cohort.continuous), outcome(cohort.at50)
    assert always["progressed"].mean() == pytest.approx(0.168, abs=NOISE)
    assert switched["progressed"].mean() == pytest.approx(0.148, abs=NOISE)
    assert (always["day 84"] <= 0.5).mean() == pytest.approx(0.889, abs=NOISE)
    assert (switched["on"] / switched["days"]).mean() == pytest.approx(0.33, abs=0.015)


def test_the_men_are_those_of_the_fits():
    own = men()
    for name, printed in {"n0": (0.100, 0.617, 0.958), "cost": (0.183, 0.572, 0.903), "turnover": (0.087, 0.304, 0.572)}.items():
        assert np.percentile(getattr(own, name), (10, 50, 90)) == pytest.approx(printed, abs=0.06)  # 67 men: 0.06 is their error
    assert np.percentile(own.fr, (50, 90)) == pytest.approx((0.0144, 0.074), rel=0.15)
    assert (np.asarray(own.fr) == np.float32(cohort.BOUND)).mean() == pytest.approx(0.16, abs=NOISE)
    assert scipy.stats.spearmanr(own.cost, own.turnover)[0] == pytest.approx(-0.82, abs=0.02)
    assert abs(scipy.stats.spearmanr(own.n0, own.cost)[0]) < 0.06
    assert (own.n0 > 1 / cohort.PROGRESSED).mean() == pytest.approx(0.23, abs=NOISE)
    assert (own.turnover >= 1 - own.cost).mean() == pytest.approx(0.21, abs=NOISE)
    assert (own.n0 > 1 - own.turnover).mean() == pytest.approx(0.37, abs=NOISE)


def test_a_man_whose_tumour_fills_the_room_never_progresses():
    full = np.asarray(men().n0) > 1 / cohort.PROGRESSED
    for rule in (cohort.continuous, cohort.at50):
        progressed = outcome(rule)["progressed"]
        assert not progressed[full].any()
        assert progressed[~full].any()
        assert (outcome(rule)["days"][~progressed] == FOLLOW_UP).all()


@pytest.mark.parametrize("shape", cohort.BETAS.values())
def test_beta_quantiles_agree_with_scipy(shape):
    u = np.array([1e-4, 0.01, 0.3, 0.7, 0.99, 0.9999], np.float32)
    assert np.asarray(cohort.beta_quantile(u, *shape)) == pytest.approx(scipy.stats.beta.ppf(u, *shape), rel=1e-4)


def test_a_man_depends_on_his_number_alone(key):
    few, many = (cohort.draw(key, n) for n in (3, 300))
    for a, b in zip(few, many, strict=True):
        np.testing.assert_array_equal(a, b[:3])
    assert not np.array_equal(few.n0, cohort.draw(jax.random.key(1), 3).n0)
