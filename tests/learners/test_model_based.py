"""The model-based family: formulas by hand, the ensemble on a known system, the probes, and what few decisions are worth."""

from __future__ import annotations

import sys
from dataclasses import replace
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from finite_problems import Indexed, spec  # noqa: E402
from probes import Masked, Probes, Titrate, Window, begun  # noqa: E402

from posology.environments.finite import FiniteEnvironment, Tables  # noqa: E402
from posology.environments.spec import Feature, Spec  # noqa: E402
from posology.learners import replay  # noqa: E402
from posology.learners.deep import value_based  # noqa: E402
from posology.learners.judge import evaluator  # noqa: E402
from posology.learners.loops import advance  # noqa: E402
from posology.learners.model_based import dyna, dyna_q, ensemble  # noqa: E402
from posology.learners.model_based.dyna_dqn import DynaDQN  # noqa: E402
from posology.learners.model_based.dyna_q import DynaQ  # noqa: E402
from posology.learners.model_based.ensemble_planning import EnsemblePlanning  # noqa: E402
from posology.learners.model_based.penalised_dqn import PenalisedDQN  # noqa: E402
from posology.learners.planning import finite  # noqa: E402
from posology.learners.tabular.q_learning import QLearning  # noqa: E402
from posology.policies import dynamics  # noqa: E402
from posology.policies.dynamics import Dynamics, Prediction  # noqa: E402
from posology.policies.planned import Planned, plan, worth_of  # noqa: E402

MODEL = {"members": 3, "model_layers": (32, 32), "model_rate": 3e-3}


def everywhere(function, *arguments):
    """The value of a function, after checking that jit and vmap say the same."""
    plain = function(*arguments)
    np.testing.assert_allclose(jax.jit(function)(*arguments), plain, rtol=1e-5)
    twice = [jax.tree.map(lambda v: jnp.stack([jnp.asarray(v)] * 2), a) for a in arguments]
    np.testing.assert_allclose(jax.vmap(function)(*twice)[1], plain, rtol=1e-5)
    return plain


def test_the_likelihood_of_targets_by_hand():
    """Errors 1 and 2 with variances 1 and 4: ½·(1 + 0) and ½·(4/4 + ln 4)."""
    y, mean, s = jnp.array([1.0, 2.0]), jnp.zeros(2), jnp.log(jnp.array([1.0, 4.0]))
    np.testing.assert_allclose(everywhere(ensemble.gaussian_nll, y, mean, s), [0.5, 0.5 + 0.5 * np.log(4)], rtol=1e-6)


def test_a_large_variance_weighs_by_its_root_and_the_weight_has_no_slope():
    """Error 2 with variance 4, weight 2: 2·½·(4/4 + ln 4), whose slope in the mean is 2·(−2/4)."""
    zero, s = jnp.float32(0), jnp.log(jnp.array([4.0]))
    cost = lambda mean: ensemble.loss(Prediction(mean, s, zero, jnp.zeros(0)), jnp.array([2.0]), zero, ())  # noqa: E731
    assert float(everywhere(cost, jnp.zeros(1))) == pytest.approx(1 + np.log(4) + np.log(2))
    assert float(jax.grad(cost)(jnp.zeros(1))[0]) == pytest.approx(-1.0)


def test_the_loss_adds_the_end_and_the_doses_that_may_follow():
    """P(end) = ¼ and it ended: ln 4; doses thought possible by ½ and ¾, both are: the mean of ln 2 and ln 4/3."""
    told = Prediction(jnp.zeros(1), jnp.zeros(1), -jnp.log(3.0), jnp.array([0.0, jnp.log(3.0)]))
    found = everywhere(lambda p, y: ensemble.loss(p, y, 1.0, jnp.ones(2)), told, jnp.array([2.0]))
    assert float(found) == pytest.approx(2.0 + np.log(4) + (np.log(2) + np.log(4 / 3)) / 2)


def test_disagreement_by_hand():
    """Two members: variances 1 and 0 of the two targets."""
    assert float(everywhere(dynamics.disagreement, jnp.array([[0.0, 5.0], [2.0, 5.0]]))) == pytest.approx(0.5**0.5)


def test_a_bootstrap_count_has_mean_and_variance_one():
    often = np.asarray(ensemble.counts(jax.random.key(0), 20_000, 2), float)
    np.testing.assert_allclose(often.mean(0), 1.0, atol=0.03)
    np.testing.assert_allclose(often.var(0), 1.0, atol=0.05)
    assert np.corrcoef(often.T)[0, 1] == pytest.approx(0.0, abs=0.03)


def test_log_variances_stay_within_their_bounds():
    found = dynamics.bounded(jnp.array([-1e3, -4.0, 1e3]))
    np.testing.assert_allclose(found, [dynamics.LEAST, -4.0, dynamics.MOST], atol=0.01)


@pytest.mark.parametrize("rows", [0, 3])
def test_a_dose_survives_its_numbers(rows):
    made = Dynamics(1, rows, 1, (2,), low=5.0, high=25.0)
    for dose in [jnp.int32(2)] if rows else [jnp.float32(5.0), jnp.float32(10.0)]:
        assert made.decode(made.encode(dose)) == dose
    assert rows or float(made.encode(jnp.float32(10.0))[0]) == pytest.approx(-0.5)


def constant(form, bias):
    """Members that say `bias` whatever they see, with targets as they are."""
    flat = {name: jnp.zeros(shape) for name, shape in form.arrays().items()}
    ones = {name: jnp.ones_like(v) for name, v in flat.items() if name.endswith(".sd")}
    return {**flat, **ones, "head.b": jnp.asarray(bias, jnp.float32)}


def test_what_follows_by_hand():
    form = Dynamics(1, 2, 1, (2,))
    held = constant(form, [[2.0, 3.0, 0.0, 0.0, 0.0, 1.0, -1.0]]) | {"target.mean": jnp.array([10.0, 0.0])}
    told = jax.tree.map(lambda v: v[0], form.members_predict(held, jnp.array([7.0]), jnp.array([1.0, 0.0])))
    after, reward = dynamics.follows(held, told, jnp.array([7.0]), jnp.array([0.0, 2.0]))
    spread = float(jnp.exp(0.5 * dynamics.bounded(0.0)))
    assert float(after[0]) == pytest.approx(7 + 10 + 2) and float(reward) == pytest.approx(3 + 2 * spread)
    assert dynamics.may_follow(told).tolist() == [True, False]
    assert dynamics.may_follow(told._replace(allowed=jnp.array([-2.0, -1.0]))).tolist() == [False, True]


def test_the_worth_of_a_course_counts_what_is_reached():
    """Members say rewards 1 and 3 and an end with ½: (1 + 3)/2·(1 + 0.9·½) over two decisions."""
    form = Planned(1, 0, 2, (2,), horizon=2, rounds=1, candidates=1, elite=1, discount=0.9)
    held = constant(form, [[0.0, 1.0, 0.0, 0.0, 0.0], [0.0, 3.0, 0.0, 0.0, 0.0]])
    found = everywhere(lambda course: worth_of(form, held, jnp.zeros((1, 2, 2)), jnp.zeros(1), course), jnp.zeros((2, 1)))
    assert float(found) == pytest.approx(2 * 1.45)


def test_a_plan_takes_the_best_allowed_row_and_repeats_itself():
    """The reward of a row is its number: one layer that passes the dose on to the head."""
    form = Planned(1, 4, 1, (4,), horizon=2, rounds=2, candidates=8, elite=2)
    held = constant(form, np.zeros((1, 9)))
    first = held["layer0.w"].at[0, 1:].set(1e-3 * jnp.eye(4))  # tanh is the identity there
    held |= {"layer0.w": first, "head.w": held["head.w"].at[0, :, 1].set(1e3 * jnp.arange(4.0))}
    choose = jax.jit(lambda mask, key: plan(form, held, key, jnp.zeros(1), mask))
    for mask, best in (([1, 1, 1, 1], 3), ([1, 1, 1, 0], 2), ([1, 0, 0, 0], 0)):
        assert {int(choose(jnp.array(mask, bool), jax.random.key(seed))) for seed in range(5)} == {best}
    policy = form.policy("planned", held)
    assert policy.probabilities(jnp.zeros(1), jnp.array([True, True, False, False]), ()).tolist() == [0, 1, 0, 0]


A = np.array([[0.9, 0.1], [-0.2, 0.8]])
B, SD = np.array([0.5, -0.3]), np.array([0.1, 0.05])
LINEAR = Spec("linear", (Feature("a", "1"), Feature("b", "1")), (), ("r",), (1.0,), low=0.0, high=2.0)
FITTED = EnsemblePlanning(fits=500, batch=128, capacity=2048, **MODEL)


def lived(n=2000):
    """x' = A·x + B·u + noise, r = x₁ − u², and the end where x₂ > 1."""
    rng = np.random.default_rng(0)
    x, u = rng.normal(size=(n, 2)), rng.uniform(-1, 1, (n, 1))
    after = x @ A.T + u * B + SD * rng.normal(size=(n, 2))
    numbers = [jnp.asarray(v, jnp.float32) for v in (x, u, x[:, 0] - u[:, 0] ** 2, x[:, 1] <= 1, after)]
    yes = jnp.ones((n, 1), bool)
    return ensemble.Transition(numbers[0], yes, *numbers[1:], yes)


@cache
def fitted():
    rows, keep = lived(), jnp.ones(2000, bool)

    def made(key):
        model = ensemble.observed(ensemble.init(FITTED, key, LINEAR), rows, keep)
        past = replay.add(ensemble.no_transitions(LINEAR, FITTED.capacity), rows, keep)
        return ensemble.fit(FITTED, key, model, past, LINEAR)

    model, told = jax.jit(made)(jax.random.key(0))
    held, form = ensemble.arrays(model), ensemble.dynamics(FITTED, LINEAR)
    return held, jax.jit(jax.vmap(lambda x, u: form.members_predict(held, x, u))), told


def test_the_ensemble_finds_a_linear_gaussian_system_its_noise_and_its_end():
    held, predict, told = fitted()
    rng = np.random.default_rng(1)
    x, u = rng.normal(size=(300, 2)).astype(np.float32), rng.uniform(-1, 1, (300, 1)).astype(np.float32)
    said = predict(x, u)
    mean = np.asarray(held["target.mean"] + held["target.sd"] * said.mean).mean(1)
    error = np.sqrt(np.mean((mean - np.c_[x @ A.T + u * B - x, x[:, 0] - u[:, 0] ** 2]) ** 2, axis=0))
    assert (error < 0.1 * np.asarray(held["target.sd"])).all()
    noise = np.asarray(held["target.sd"] * jnp.exp(0.5 * said.log_variance)).mean((0, 1))
    np.testing.assert_allclose(noise[:2], SD, rtol=0.3)
    assert ((np.asarray(said.end).mean(1) > 0) == (x[:, 1] > 1)).mean() > 0.95
    assert told["model_loss"] < 0


def test_members_disagree_more_where_nothing_was_lived():
    _, predict, _ = fitted()
    angle = np.linspace(0, 2 * np.pi, 100, dtype=np.float32)
    circle, none = np.c_[np.cos(angle), np.sin(angle)], np.zeros((100, 1), np.float32)
    near, far = (jax.vmap(dynamics.disagreement)(predict(r * circle, none).mean) for r in (0.5, 6.0))
    assert far.mean() > 3 * near.mean()


PLANNER = EnsemblePlanning(
    patients=32, capacity=4096, fits=64, batch=64, horizon=3, rounds=3, candidates=24, elite=6, discount=1.0, bootstrap=False,
    **MODEL,
)  # fmt: skip


def played(learner, env, updates, seed=0):
    """Returns and costs of the stored policy after so many updates."""
    many = jax.jit(advance(learner, env))
    state, _ = many(begun(learner, env, seed), env.draw(None, 64), jnp.int32(updates))
    judge = evaluator(env, lambda p: learner.policy(p, env.spec), env.draw(None, 100), jax.random.key(8))
    return judge(learner.parameters(state))


def test_planning_finds_the_dose_between_and_the_dose_within_the_window():
    assert played(PLANNER, Titrate(), 20)["returns"].min() > -0.01  # within 1 mg of the right dose
    np.testing.assert_allclose(np.unique(played(PLANNER, Window(), 20)["returns"].round(3)), [0.5, 0.675], atol=1e-5)


def test_planning_looks_ahead_within_what_is_allowed():
    outcome = played(PLANNER, Masked(), 15)
    assert outcome["costs"].sum() == 0 and outcome["returns"].min() == 4


REPLAYED = {
    "patients": 16, "gradients": 8, "batch": 128, "capacity": 4096, "follow": 0.1, "explore_over": 40, "hidden": (32, 32),
    "learning_rate": 3e-3, "discount": 0.5, "fits": 8, "starts": 128, **MODEL,
}  # fmt: skip
CUES = jnp.array([[0.0], [1.0], [-1.0]])  # first observation of kinds 0, 2, 3; the two of kinds 1 and 4


@cache
def compiled(learner):
    return jax.jit(lambda key: learner.init(key, Probes())), jax.jit(advance(learner, Probes()))


@cache
def values(learner, kind):
    """Of both doses at the cues after learning one kind."""
    start, many = compiled(learner)
    state, _ = many(start(jax.random.key(kind)), Probes(kind).draw(None, 64), jnp.int32(150))
    found = lambda o: value_based.outputs(learner.form(Probes().spec), state.learned.weights, state.learned.observations, o)  # noqa: E731
    return np.asarray(jax.vmap(found)(CUES))


@pytest.mark.parametrize(
    "learner", [DynaDQN(imagined=1.0, **REPLAYED), PenalisedDQN(penalty=0.2, **REPLAYED)], ids=["all imagined", "penalised"]
)
def test_the_probes_are_solved_from_imagination(learner):
    assert values(learner, 0)[0].max() == pytest.approx(1.0, abs=0.2)
    np.testing.assert_allclose(values(learner, 1)[1:].max(1), [1.0, -1.0], atol=0.1)
    np.testing.assert_allclose(values(learner, 2)[:2].max(1), [0.5, 1.0], atol=0.1)
    assert values(learner, 3)[0].argmax() == 1
    assert values(learner, 4)[1:].argmax(1).tolist() == [1, 0]
    assert values(learner, 5)[0].max() == pytest.approx(2.0, abs=0.1)


def test_an_imagined_decision_by_hand_and_its_penalty():
    """Two members move the cue by 1 and 3 and pay 5: u = √(½·1) of a reward whose SD is 2."""
    learner = replace(PenalisedDQN(**REPLAYED), members=2, model_layers=(2,), starts=4, ahead=1, discount=0.9)
    env, key = Probes(), jax.random.key(0)
    form = ensemble.dynamics(learner, env.spec)
    quiet = [dynamics.LEAST - 20] * 2
    held = constant(form, [[1.0, 2.5, *quiet, 0.0, 9.0, -9.0], [3.0, 2.5, *quiet, 0.0, 9.0, -9.0]])
    model = ensemble.init(learner, key, env.spec)
    model = model._replace(
        weights=form.layers(held), targets=model.targets._replace(count=jnp.float32(1), squares=jnp.array([1.0, 4.0]))
    )
    row = ensemble.Transition(
        jnp.array([[10.0]]), jnp.ones((1, 2), bool), jnp.eye(2)[:1], jnp.ones(1), jnp.ones(1), jnp.zeros((1, 1)),
        jnp.ones((1, 2), bool),
    )  # fmt: skip
    past = replay.add(ensemble.no_transitions(env.spec, 8), row, jnp.array([True]))
    always = lambda u, observation, mask: jnp.int32(1)  # noqa: E731
    found, apart = jax.jit(lambda m, p: dyna.imagine(learner, key, env.spec, m, p, 3.0, always))(model, past)
    assert float(apart) == pytest.approx(0.5**0.5, rel=1e-5)
    np.testing.assert_allclose(found.rows.reward, 2 * 2.5 - 3.0 * 2.0 * 0.5**0.5, atol=0.06)  # the least noise is left
    np.testing.assert_allclose(found.rows.weight, 0.9 * 0.5)
    assert set(np.round(np.asarray(found.rows.after[:, 0]), 0).tolist()) <= {11.0, 13.0}
    assert found.rows.allowed.tolist() == [[True, False]] * 4 and found.rows.dose.tolist() == [[0.0, 1.0]] * 4


def test_a_batch_holds_the_share_that_was_asked_for():
    learner = DynaDQN(**{**REPLAYED, "imagined": 0.25, "gradients": 2, "batch": 10})
    row = lambda r: ensemble.Transition(  # noqa: E731
        jnp.zeros((1, 1)), jnp.ones((1, 2), bool), jnp.eye(2)[1:], jnp.full(1, r), jnp.ones(1), jnp.zeros((1, 1)),
        jnp.ones((1, 2), bool),
    )  # fmt: skip
    real, dream = (
        replay.add(ensemble.no_transitions(Probes().spec, 4), row(r), jnp.array([True])) for r in (1.0, 2.0)
    )
    both = dyna.mixed(learner, jax.random.key(0), real, dream)
    assert sorted(both.rows.reward.tolist()) == [1.0] * 15 + [2.0] * 5
    assert both.filled == 20 and both.rows.action.tolist() == [1] * 20


def test_an_expected_update_by_hand():
    """Dose 1 in cell 0 was given three times: rewards 1, 2 and 0, then twice cell 1 and once a death; γ = ½."""
    model = dyna_q.Model(
        jnp.array([[0.0, 3.0], [0.0, 0.0]]), jnp.zeros((2, 2, 2)).at[0, 1, 1].set(2 * 0.5),
        jnp.array([[True, True], [True, False]]),
    )  # fmt: skip
    tables = jnp.array([[0.0, 0.0], [6.0, 9.0]]), jnp.array([[0.0, 3.0], [1.0, 0.0]])
    found = everywhere(lambda v, n: dyna_q.expected(model, v, n, 0, 1), *tables)
    assert float(found) == pytest.approx((3 + 0.5 * 6 + 0.5 * 6) / 3)


def test_dyna_q_solves_the_probes():
    learner, env = DynaQ(patients=8, planning=5, discount=0.5, explore_over=10, explore_to=0.2), Indexed()
    start, many = jax.jit(lambda key: learner.init(key, env)), jax.jit(advance(learner, env))

    def tabular(kind):
        return many(start(jax.random.key(kind)), Indexed(kind).draw(None, 64), jnp.int32(40))[0].learned.values

    assert tabular(0)[1].max() == pytest.approx(1.0, abs=0.01)
    np.testing.assert_allclose(tabular(1)[jnp.array([2, 0])].max(axis=1), [1.0, -1.0], atol=0.01)
    np.testing.assert_allclose(tabular(2)[1:].max(axis=1), [0.5, 1.0], atol=0.02)
    assert tabular(3)[1].argmax() == 1
    assert tabular(4)[jnp.array([2, 0])].argmax(axis=1).tolist() == [1, 0]
    assert tabular(5)[1].max() == pytest.approx(2.0, abs=0.02)


def ward(seed, states=12, doses=4, steps=60):
    """Patients wander between ten states until they die or are cured, which alone pays; the dose decides where to."""
    rng, alive = np.random.default_rng(seed), states - 2
    transition = np.zeros((states, doses, states))
    transition[:alive, :, :alive] = 0.9 * rng.dirichlet(np.full(alive, 0.2), (alive, doses))
    death = 0.1 * rng.random((alive, doses))
    transition[:alive, :, alive], transition[:alive, :, alive + 1] = death, 0.1 - death
    transition[alive:, :, alive] = 1.0
    reward = np.zeros_like(transition)
    reward[:alive, :, alive + 1] = 1.0
    start, terminal = np.where(np.arange(states) < alive, 1.0 / alive, 0.0), np.arange(states) >= alive
    tables = Tables(transition, reward, start, terminal, np.ones((states, doses), bool))
    return FiniteEnvironment(spec(states, doses, steps), tables)


def cured(learner, env, seeds=16, updates=80):
    """Exact probability of a cure under the greedy doses, for each seed."""
    many = jax.jit(advance(learner, env))
    found = []
    for seed in range(seeds):
        state, _ = many(begun(learner, env, seed), env.draw(None, 64), jnp.int32(updates))
        table = np.asarray(getattr(state, "learned", state).values)
        policy = np.eye(table.shape[1])[table.argmax(axis=1)]
        found.append(finite.start_value(env.tables, finite.of_policy(env.tables, policy, 0.9999)))
    return np.array(found)


@pytest.mark.parametrize("which", [0, 2])
def test_few_decisions_are_worth_more_with_a_model(which):
    env, same = ward(which), {"patients": 4, "discount": 1.0, "explore_over": 25, "explore_to": 0.2}
    gain = cured(DynaQ(planning=10, **same), env) - cured(QLearning(**same), env)
    assert gain.mean() > 0.02 and gain.mean() > 2 * gain.std() / len(gain) ** 0.5


@pytest.mark.parametrize(
    ("made", "changes", "says"),
    [
        (EnsemblePlanning, {"candidates": 4}, "candidates is 4; it must be at least elite, 8"),
        (EnsemblePlanning, {"horizon": 0}, "horizon is 0"),
        (DynaDQN, {"imagined": 1.5}, "imagined is 1.5"),
        (DynaDQN, {"members": 0}, "members is 0"),
        (DynaDQN, {"patients": 0}, "patients is 0"),
        (PenalisedDQN, {"penalty": -1.0}, "penalty is -1.0"),
        (DynaQ, {"planning": -1}, "planning is -1"),
    ],
)
def test_impossible_settings_are_named(made, changes, says):
    with pytest.raises(ValueError, match=says):
        made(**changes)


def test_a_replay_too_small_for_one_update_is_refused():
    with pytest.raises(ValueError, match="capacity is 16; 16 patients of 2 decisions need more"):
        DynaDQN(capacity=16).init(jax.random.key(0), Probes())
