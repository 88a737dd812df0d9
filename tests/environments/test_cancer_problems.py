"""Control problems in cancer: printed courses, what clinics know of their standards, baselines in their order, equal noise."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from posology.benchmarks import problems
from posology.benchmarks.evidence import Effort
from posology.benchmarks.problems import by_baseline, fixed, judge_of
from posology.environments import mapped
from posology.environments.catalogue import PROBLEMS, environment
from posology.environments.problems import (
    abiraterone_adaptive,
    antiangiogenic_chemo,
    capecitabine_hand_foot,
    four_state_types,
    melanoma_pembrolizumab,
    nsclc_radiochemo,
    pembrolizumab_escalation,
    zhao_chemo,
)
from posology.learners.judge import EVALUATION_SEED, summary
from posology.patients import maps
from posology.patients.models import capecitabine_henin2009 as henin
from posology.policies.policy import Policy
from posology.quantities import replace

PATIENTS = {
    "zhao-chemo-v1": 400,
    "nsclc-radiochemo-v1": 300,
    "capecitabine-hand-foot-v1": 2000,
    "abiraterone-adaptive-v1": 8,
    "four-state-types-v1": 12,
    "pembrolizumab-escalation-control-v1": 300,
    "antiangiogenic-chemo-v1": 100,
    "melanoma-pembrolizumab-v1": 400,
}


@cache
def env_of(problem):
    return environment(problem)


@cache
def judge(problem):
    """Plays the i-th baseline on patients whom the evidence judges on, too; compiled once for all baselines."""
    return judge_of(env_of(problem), fixed(env_of(problem), PROBLEMS[problem].policies), PATIENTS[problem])


@cache
def result(problem, name):
    """Returns, terms and costs of a baseline."""
    return {k: np.asarray(v) for k, v in judge(problem)(list(PROBLEMS[problem].policies).index(name)).items()}


def mean(problem, name):
    """Mean return of a baseline."""
    return float(result(problem, name)["returns"].mean())


def term(problem, name, which):
    """Mean of a term of a baseline."""
    return float(result(problem, name)["terms"][:, env_of(problem).spec.terms.index(which)].mean())


@cache
def player(problem):
    env = env_of(problem)

    @jax.jit
    def play(key, patient, actions):
        def one(state, action):
            step = env.step(key, state, action, patient)
            return step.state, step

        return jax.lax.scan(one, env.reset(key, patient)[0], actions)[1]

    return play


def played(problem, patient, actions):
    """Steps of one patient under given actions, also past an end."""
    return player(problem)(jax.random.key(1), patient, jnp.asarray(actions))


def patient_of(p):
    """A patient with the parameters that are given."""
    return mapped.Person(jnp.int32(0), jax.tree.map(lambda v: jnp.asarray(v, float), p))


def first_of(problem, seed=2):
    return jax.tree.map(lambda v: v[0], env_of(problem).draw(jax.random.key(seed), 1))


# what holds for all of them -----------------------------------------------------------------------


@pytest.mark.parametrize("problem", PATIENTS)
def test_patients_are_the_same_whoever_is_drawn_beside_them(problem):
    env, key = env_of(problem), jax.random.key(5)
    many, few = env.draw(key, 40), env.draw(key, 7)
    for a, b in zip(jax.tree.leaves(many), jax.tree.leaves(few), strict=True):
        np.testing.assert_allclose(a[:7], b, rtol=1e-5)
    assert any(np.ptp(np.asarray(v)) > 0 for v in jax.tree.leaves(many.p))


@pytest.mark.parametrize("problem", PATIENTS)
def test_equal_doses_give_equal_courses_and_a_later_difference_changes_nothing_before(problem):
    env = env_of(problem)
    steps = min(env.spec.max_steps, 6)
    same = np.ones(steps, np.int32) if env.spec.discrete else np.full(steps, 0.5, np.float32)
    other = np.concatenate([same[:-2], 0 * same[-2:]])
    first, again, later = (played(problem, first_of(problem), a) for a in (same, same, other))
    np.testing.assert_array_equal(first.observation, again.observation)
    np.testing.assert_array_equal(first.observation[: steps - 2], later.observation[: steps - 2])
    assert not np.array_equal(first.observation, later.observation)


@pytest.mark.parametrize("problem", PATIENTS)
def test_what_is_known_of_a_problem_is_what_its_baselines_reach(problem):
    for name in set(PROBLEMS[problem].known) & set(PROBLEMS[problem].policies):
        found = result(problem, name)["returns"]
        error = float(found.std(ddof=1)) / len(found) ** 0.5
        assert found.mean() == pytest.approx(PROBLEMS[problem].known[name], abs=4 * error + 0.001), name


@pytest.mark.parametrize("problem", PATIENTS)
def test_the_row_of_a_baseline_adds_up_and_is_shown(problem):
    name, spec = next(iter(PROBLEMS[problem].known)), env_of(problem).spec
    row = {"policy": name, **summary(env_of(problem), result(problem, name))}
    total = sum(weight * row["terms"][n] for n, weight in zip(spec.terms, spec.weights, strict=True))
    assert row["return_mean"] == pytest.approx(total, rel=1e-3, abs=1e-4)
    text = by_baseline([row])
    assert text.count("\n") == 2 and name in text and f"cost: {spec.costs[0].replace('_', ' ')}" in text


def test_the_result_of_a_problem_tells_its_baselines_on_the_patients_that_learners_are_judged_on(monkeypatch):
    problem, said = "zhao-chemo-v1", []
    monkeypatch.setattr(problems, "HELD_OUT", 50)
    monkeypatch.setattr(problems, "trained", lambda *_: [])
    monkeypatch.setattr(problems, "row", lambda problem, name, *_: {"learner": name})
    found = problems.plan(problem, Effort(), said.append)
    assert [r["policy"] for r in found["baselines"]] == list(PROBLEMS[problem].policies)
    row = next(r for r in found["baselines"] if r["policy"] == "constant 0.3")
    three = Policy("three", lambda key, seen, mask, memory: (jnp.int32(3), memory))
    assert row["return_mean"] == pytest.approx(problems.played(env_of(problem), three), rel=1e-5) and row["patients"] == 50
    assert row["lower"] < row["return_mean"] < row["upper"] and len(said) == len(found["baselines"])


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
    model = antiangiogenic_chemo.model
    mouse = patient_of(model.Params())
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
