"""Control problems in cancer that move in steps: printed courses, what clinics know of their standards, baselines in order."""

from __future__ import annotations

import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments import mapped
from posology.environments.catalogue import PROBLEMS
from posology.environments.problems import capecitabine_hand_foot, nsclc_radiochemo, zhao_chemo
from posology.learners.judge import EVALUATION_SEED
from posology.patients import maps
from posology.patients.models import capecitabine_henin2009 as henin

sys.path.insert(0, str(Path(__file__).parent))
from cancer import env_of, first_of, mean, patient_of, played, result, term  # noqa: E402

# zhao-chemo-v1 ------------------------------------------------------------------------------------


def test_a_month_of_the_made_up_cancer_is_as_printed():
    p = zhao_chemo.model.Params()
    at_07, at_1 = (played("zhao-chemo-v1", patient_of(p), np.full(6, row)).state.x for row in (7, 10))
    assert (at_07.toxicity[2], at_07.tumour[2]) == pytest.approx((2.02, 0.883), abs=5e-4)
    assert (at_07.toxicity[5], at_07.tumour[5]) == pytest.approx((3.046, 1.225), abs=5e-4)
    np.testing.assert_allclose(at_1.tumour[:3], [0.55, 0.205, 0.0], atol=5e-4)
    assert float(jnp.exp(-at_07.hazard[5])) == pytest.approx(0.0354, abs=5e-5)


def test_as_many_survive_six_months_as_the_hazards_say():
    env, p = env_of("zhao-chemo-v1"), zhao_chemo.model.Params()
    many = mapped.Person(jnp.arange(3000), jax.tree.map(lambda v: jnp.full(3000, v), p))
    state = jax.vmap(env.reset, (None, 0))(jax.random.key(1), many)[0]
    step = jax.jit(jax.vmap(env.step, (None, 0, None, 0)))
    for _ in range(6):
        found = step(jax.random.key(1), state, 7, many)
        state = found.state
    assert float((state.x.dead == 0).mean()) == pytest.approx(0.0354, abs=4 * (0.0354 / 3000) ** 0.5)
    assert np.array_equal(found.terminated, state.x.dead > 0) and not (found.terminated & found.truncated).any()


def test_months_are_paid_as_published():
    before, p = zhao_chemo.State(1.0, 0.9, 0.0, 0.0), zhao_chemo.model.Params()._replace(tumour=0.9)
    paid = {dose: zhao_chemo.worth(before, zhao_chemo.transition(None, before, p, {"dose": dose})) for dose in (0.0, 0.5, 1.0)}
    assert paid[0.0] == (5.0, -5.0)  # toxicity falls by 0.51, the tumour grows by 0.75
    assert paid[0.5] == (0.0, 0.0)
    assert paid[1.0] == (-5.0, 0.0)  # it shrinks by 0.45
    gone = before._replace(tumour=0.0)
    assert zhao_chemo.worth(gone, zhao_chemo.transition(None, gone, p, {"dose": 0.0})) == (5.0, 15.0)


def test_no_baseline_beats_the_best_course_and_both_extremes_of_a_constant_dose_lose():
    reached = {name: mean("zhao-chemo-v1", name) for name in PROBLEMS["zhao-chemo-v1"].policies}
    constants = [reached[f"constant {i / 10:g}"] for i in range(11)]
    assert 0 < int(np.argmax(constants)) < 10
    assert reached["whole dose until gone"] > max(constants) + 20
    people = env_of("zhao-chemo-v1").draw(jax.random.fold_in(jax.random.key(EVALUATION_SEED), 0), 40).p
    best = jax.jit(lambda p: jax.lax.map(lambda one: zhao_chemo.best_course(one.toxicity, one.tumour), p))(people)
    for rows in (np.full(6, 8), np.array([10, 10, 10, 0, 0, 0])):
        expected = [worth_of(one, rows) for one in zip(*(np.asarray(v) for v in (people.toxicity, people.tumour)), strict=True)]
        assert (np.asarray(best) > np.array(expected) - 1e-3).all()


def worth_of(start, rows):
    """Expected return of a course of doses, on Python's numbers."""
    p = zhao_chemo.model.Params()._replace(toxicity=float(start[0]), tumour=float(start[1]))
    x, alive, total = zhao_chemo.State(p.toxicity, p.tumour, 0.0, 0.0), 1.0, 0.0
    for row in rows:
        after = zhao_chemo.transition(None, x, p, {"dose": row / 10})
        dies = 1 - float(np.exp(x.hazard - after.hazard))
        total += alive * (-60 * dies + (1 - dies) * sum(zhao_chemo.worth(x, after)))
        x, alive = after, alive * (1 - dies)
    return total


# nsclc-radiochemo-v1 ------------------------------------------------------------------------------


@pytest.mark.parametrize(("row", "after_60"), [(0, 66.941), (1, 11.508), (2, 3.326), (3, 0.4719)])
def test_weeks_are_the_days_of_the_printed_schedule(row, after_60, monkeypatch):
    """Sixty days as printed, without the day's noise: eight weeks and four days, the last without treatment."""
    model = nsclc_radiochemo.model
    monkeypatch.setattr(model, "NOISE", 0.0)
    p, rows = model.Params(), [row * (week < 6) for week in range(9)]
    given = [nsclc_radiochemo.inputs(np.int32(rows[day // 7]), day % 7) for day in range(60)]
    inputs = {name: np.array([float(g[name]) for g in given]) for name in model.MODEL.inputs}
    course = maps.follow(model.MODEL, p, model.baseline(p), inputs, jax.random.key(0))
    assert float(course.volume[60]) == pytest.approx(after_60, rel=2e-4)
    assert inputs["radiation"].sum() in (0, 60) and inputs["chemotherapy"].sum() in (0, 30)


def test_patients_of_the_lung_tumour_are_as_described():
    p = env_of("nsclc-radiochemo-v1").draw(jax.random.key(9), 4000).p
    assert (np.asarray(p.alpha) > 0).all() and (np.asarray(p.rho) > 0).all()
    diameter = np.cbrt(6 * np.asarray(p.volume) / np.pi)
    assert 0.3 - 1e-3 < diameter.min() < 0.5 and 12.5 < diameter.max() < 13 + 1e-3
    assert np.mean(np.asarray(p.beta_c) > 0.0294) == pytest.approx(1 / 3, abs=0.04)  # type 3
    # N(mean, sd) of both, kept where positive, by another generator
    z = np.random.default_rng(0).multivariate_normal([0, 0], [[1, 0.87], [0.87, 1]], 200_000)
    alpha, rho = 0.0398 + 0.168 * z[:, 0], 7e-5 + 7.23e-3 * z[:, 1]
    kept = (alpha > 0) & (rho > 0)
    assert np.mean(p.rho) == pytest.approx(rho[kept].mean(), rel=0.04)
    assert np.mean(p.alpha) == pytest.approx(alpha[kept].mean() + 0.1 * 0.0398 / 3, rel=0.04)
    assert np.corrcoef(p.alpha, p.rho)[0, 1] == pytest.approx(np.corrcoef(alpha[kept], rho[kept])[0, 1], abs=0.04)


def test_no_more_than_thirty_fractions_and_six_cycles_are_to_be_had():
    steps = played("nsclc-radiochemo-v1", first_of("nsclc-radiochemo-v1"), np.full(7, 3))
    assert steps.mask[4].all()
    np.testing.assert_array_equal(steps.mask[5], [True, False, False, False])
    alone = played("nsclc-radiochemo-v1", first_of("nsclc-radiochemo-v1"), np.full(7, 1))
    np.testing.assert_array_equal(alone.mask[5], [True, False, True, False])


def test_treatment_at_once_is_best_and_radiotherapy_does_more_than_chemotherapy():
    order = ("none", "chemotherapy alone", "chemotherapy first", "radiotherapy first", "both at once")
    reached = [mean("nsclc-radiochemo-v1", name) for name in order]
    assert reached == sorted(reached)
    assert term("nsclc-radiochemo-v1", "none", "death") > 10 * term("nsclc-radiochemo-v1", "both at once", "death")
    assert term("nsclc-radiochemo-v1", "none", "recovery") == 0 < term("nsclc-radiochemo-v1", "both at once", "recovery")
    ends = result("nsclc-radiochemo-v1", "both at once")
    assert ((ends["returns"] <= 1) & (ends["returns"] >= -2)).all()


# capecitabine-hand-foot-v1 ------------------------------------------------------------------------


def test_grades_are_drawn_as_often_as_the_model_says():
    """A typical patient with 4000 mg a day: shares of grades by week against the model's own probabilities."""
    env, n = env_of("capecitabine-hand-foot-v1"), 4000
    own = capecitabine_hand_foot.Own(henin.Params(), 4000 / 2500, 75.5)
    many = mapped.Person(jnp.arange(n), jax.tree.map(lambda v: jnp.full(n, v, float), own))
    step, key = jax.jit(jax.vmap(env.step, (None, 0, None, 0))), jax.random.key(4)
    state = jax.vmap(env.reset, (None, 0))(key, many)[0]
    expected = maps.plain(henin.MODEL, own.p, henin.baseline(own.p), [henin.MODEL.usual(k) for k in range(24)])
    for cycle in range(8):
        state = step(key, state, 3, many).state
        truth = expected[3 * (cycle + 1)]
        for grade, chance in enumerate(truth[1:]):
            assert float((state.x.grade == grade).mean()) == pytest.approx(chance, abs=4 * (0.25 / n) ** 0.5)
    np.testing.assert_allclose(state.x.amount * 0.102, 16170, rtol=1e-4)


def test_random_effects_of_the_hand_foot_syndrome_are_as_published():
    p = env_of("capecitabine-hand-foot-v1").draw(jax.random.key(3), 8000).p
    ln_k, tendency = np.log(np.asarray(p.p.k) / 0.102), np.asarray(p.p.tendency)
    np.testing.assert_allclose(np.cov(ln_k, tendency), [[0.802, 0.735], [0.735, 1.50]], atol=0.08)


def test_the_label_pauses_at_grade_2_and_goes_on_with_less_each_time():
    act = capecitabine_hand_foot.label(capecitabine_hand_foot.AS_GRADE_3)
    seen = lambda now, came: jnp.array([2.0, now, 1.0, came, 1.0, 0.5])  # noqa: E731
    assert [int(act(seen(1.0, came))) for came in range(5)] == [3, 2, 1, 0, 0]
    assert all(int(act(seen(2.0, came))) == 0 for came in range(5))


def test_the_label_brings_fewer_weeks_of_the_syndrome_for_less_drug_and_beats_every_constant_dose():
    problem = "capecitabine-hand-foot-v1"
    whole, label = "constant 100 %", "label, as for grade 2"
    weeks, dose = ({n: term(problem, n, t) for n in PROBLEMS[problem].policies} for t in ("weeks_grade_2", "dose_intensity"))
    assert weeks[label] < weeks["constant 75 %"] < weeks[whole] and dose["constant 75 %"] < dose[label] < dose[whole] == 1
    assert weeks["constant 0 %"] < weeks["constant 50 %"] < weeks["constant 75 %"]
    constants = [mean(problem, n) for n in weeks if n.startswith("constant")]
    paired = result(problem, label)["returns"] - result(problem, whole)["returns"]
    assert mean(problem, label) > max(constants) == mean(problem, whole) and min(constants) == constants[0] < 0
    assert paired.mean() > 2 * paired.std() / len(paired) ** 0.5
