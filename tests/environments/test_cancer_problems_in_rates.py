"""Control problems in cancer with differential equations: printed courses, what clinics know, baselines in their order."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from posology.environments.problems import (
    abiraterone_adaptive,
    antiangiogenic_chemo,
    four_state_types,
    melanoma_pembrolizumab,
    pembrolizumab_escalation,
)
from posology.quantities import replace

sys.path.insert(0, str(Path(__file__).parent))
from cancer import env_of, first_of, mean, patient_of, played, result, term  # noqa: E402

# abiraterone-adaptive-v1 --------------------------------------------------------------------------


def test_treatment_begins_where_androgen_deprivation_alone_has_led():
    for p, cells, psa in zip(abiraterone_adaptive.fits(), ((868.6, 791.2, 0.1), (715.0, 792.8, 0.1)), (8300, 7539), strict=True):
        x = abiraterone_adaptive.start(p)
        assert x[:3] == pytest.approx(cells, abs=0.5) and x.psa == pytest.approx(psa, abs=1)


def test_independent_cells_take_over_under_continuous_treatment_when_printed():
    for p, printed in zip(abiraterone_adaptive.fits(), (1471, 1472), strict=True):
        steps = played("abiraterone-adaptive-v1", patient_of(p), np.ones(62, np.int32))
        decision = int(np.argmax(steps.terminated))
        assert 25 * decision < printed <= 25 * (decision + 1)


def test_rules_of_psa_hold_resistance_off_that_continuous_treatment_brings():
    problem = "abiraterone-adaptive-v1"
    rules = ("off at half, on at the start's", "on above 3000, off below 1500", "on above 300, off below 200")
    order = ("never", "always on", *rules)
    reached = [mean(problem, name) for name in order]
    assert reached == sorted(reached) and abs(reached[0]) < 1e-3
    takeover = {name: float(result(problem, name)["costs"].mean()) for name in order}
    assert takeover.pop("always on") == 1 and not any(takeover.values())
    assert term(problem, "on above 3000, off below 1500", "treated") == pytest.approx(0.0503, abs=0.005)  # as printed
    assert result(problem, "always on")["lengths"].max() < 60


# four-state-types-v1 ------------------------------------------------------------------------------


def test_days_of_the_four_states_are_as_printed():
    for dose, day, tumour in ((0.0, 10, 0.34250), (1.0, 10, 0.20274), (1.0, 50, 0.02181)):
        steps = played("four-state-types-v1", first_of("four-state-types-v1"), np.full(50, dose, np.float32))
        assert float(steps.state.x.tumour[day - 1]) == pytest.approx(tumour, abs=3e-5)


def test_types_differ_in_when_a_course_ends_and_in_what_the_drug_costs():
    p = four_state_types.model.Params()
    of = [patient_of(four_state_types.Own(p, kind)) for kind in range(3)]
    untreated = [played("four-state-types-v1", who, np.zeros(50, np.float32)) for who in of]
    days = [int(np.argmax(steps.terminated)) for steps in untreated]
    assert 0 < days[2] < days[1] < days[0]  # pregnant first
    assert all(float(steps.reward[day]) == -100 for steps, day in zip(untreated, days, strict=True))
    treated = [played("four-state-types-v1", who, np.ones(50, np.float32)) for who in of]
    np.testing.assert_allclose([steps.terms[0, 2] for steps in treated], [-0.125, -0.25, -0.5], rtol=1e-6)
    np.testing.assert_array_equal(treated[0].state.x.tumour, treated[2].state.x.tumour)


def test_too_little_and_too_much_lose_and_a_course_that_stops_wins():
    order = ("constant 0", "constant 0.25", "constant 1", "constant 0.75", "constant 0.5", "0.75 until small", "0.75 for 30 days")
    reached = [mean("four-state-types-v1", name) for name in (*order, "1 for 20 days")]
    assert reached == sorted(reached)


# pembrolizumab-escalation-control-v1 --------------------------------------------------------------


@pytest.mark.parametrize(("tps", "after_126"), [((1.0, 0.0), 66.18), ((0.0, 1.0), 82.79), ((0.0, 0.0), 87.85)])
def test_sizes_of_lung_cancer_under_pembrolizumab_are_as_printed(tps, after_126):
    model = pembrolizumab_escalation.model
    p = model.individual(replace(model.Params(), kd_auc=0.0), {"tps50": tps[0], "tps1": tps[1], "egfr": 0.0})
    steps = played("pembrolizumab-escalation-control-v1", patient_of(pembrolizumab_escalation.Own(p, *tps, 0.0)), np.full(3, 1))
    x = steps.state.x
    assert float(x.growing[2] + x.shrinking[2]) == pytest.approx(after_126, abs=0.01)


def test_escalation_gains_nothing_and_a_pause_loses():
    problem = "pembrolizumab-escalation-control-v1"
    low = result(problem, "constant 2 mg/kg")["returns"]
    for name in ("constant 4 mg/kg", "constant 10 mg/kg", "10 mg/kg after growth"):
        np.testing.assert_array_equal(result(problem, name)["returns"], low)
        assert term(problem, name, "dose") > 3
    none = result(problem, "constant 0 mg/kg")["returns"]
    assert (none <= low + 1e-6).all() and none.mean() < low.mean() - 0.3
    paused = played(problem, first_of(problem), np.array([1, 1, 1, 0, 1, 1, 1, 1]))
    whole = played(problem, first_of(problem), np.ones(8, np.int32))
    assert float(paused.terms[:, 0].sum()) < float(whole.terms[:, 0].sum())


def test_scans_err_as_published():
    env, n = env_of("pembrolizumab-escalation-control-v1"), 2000
    people, key = env.draw(jax.random.key(8), n), jax.random.key(9)
    state = jax.vmap(env.reset, (None, 0))(key, people)[0]
    x = jax.jit(jax.vmap(env.step, (None, 0, None, 0)))(key, state, 1, people).state.x
    errors = np.asarray(x.scan - jnp.log(x.growing + x.shrinking))
    assert errors.std() == pytest.approx(0.1655, rel=0.07) and abs(errors.mean()) < 0.015


# antiangiogenic-chemo-v1 --------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "days"), [(0, {10: 3857.34, 20: 11292.9}), (1, {5: 165.39, 13: 110.57, 20: 1052.1})])
def test_volumes_under_endostatin_are_as_printed(row, days):
    mouse = patient_of(antiangiogenic_chemo.Params())
    volume = played("antiangiogenic-chemo-v1", mouse, np.where(np.arange(20) < 13, row, 0)).state.x.volume
    for day, printed in days.items():
        assert float(volume[day - 1]) == pytest.approx(printed, rel=1e-3)


def test_both_drugs_together_do_best_and_their_doses_are_bounded():
    problem = "antiangiogenic-chemo-v1"
    order = ("none", "chemotherapy alone", "endostatin alone", "chemotherapy first", "endostatin first", "both at once")
    reached = [mean(problem, name) for name in order]
    assert reached == sorted(reached)
    steps = played(problem, first_of(problem), np.array([3] * 6 + [1] * 8))
    np.testing.assert_array_equal(steps.mask[5], [True, True, False, False])
    np.testing.assert_array_equal(steps.mask[12], [True, False, False, False])


# melanoma-pembrolizumab-v1 ------------------------------------------------------------------------


def test_a_melanoma_that_vanishes_is_followed_as_closely_as_one_that_resists():
    """Against an adaptive solver; the drug at its strongest, where the tumour falls by a factor of thousands a day."""
    model, days = melanoma_pembrolizumab.model, 42.0
    for apem in (10.0, 1e4):
        p = model.Params()._replace(apem=apem, g=2.019e7)
        steps = played("melanoma-pembrolizumab-v1", patient_of(p), np.ones(2, np.int32))

        def slope(t, y, p=p):
            tumour = np.exp(y[2])
            d = model.rates(0.0, model.State(y[0], y[1], tumour), p, 1.0)
            return [d.antigen, d.effector, d.tumour / tumour]

        start = melanoma_pembrolizumab.baseline(p)
        end = max(solve_ivp(slope, (0, days), start, method="LSODA", rtol=1e-9).y[2, -1], 0.0)
        assert float(steps.state.x.ln_tumour[1]) == pytest.approx(end, abs=0.01)


def test_a_tumour_that_is_gone_stays_gone_and_needs_no_more_treatment():
    p = melanoma_pembrolizumab.model.Params()._replace(apem=1e4)
    steps = played("melanoma-pembrolizumab-v1", patient_of(p), np.array([1] * 6 + [0] * 11))
    assert float(steps.state.x.ln_tumour[5]) == 0 == float(steps.state.x.ln_tumour[-1])
    reached = [mean("melanoma-pembrolizumab-v1", name) for name in ("never", "four cycles", "always", "until gone")]
    assert reached == sorted(reached)
