"""Bandits: estimates against independent ones, schedules as printed, and regret that grows as theory says."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.linear_model import Lasso, Ridge

sys.path.insert(0, str(Path(__file__).parent))
from probes import Masked, Probes, begun  # noqa: E402

from posology.environments.problems import linear_bandit  # noqa: E402
from posology.learners.bandit import linear  # noqa: E402
from posology.learners.bandit.lasso import LassoBandit, lasso  # noqa: E402
from posology.learners.bandit.lin_ucb import LinUCB  # noqa: E402
from posology.learners.bandit.neural_linear import NeuralLinear  # noqa: E402
from posology.learners.bandit.thompson import LinearThompson  # noqa: E402
from posology.learners.loops import advance  # noqa: E402

LEARNERS = [
    LinUCB(), LinearThompson(), LassoBandit(penalty=0.01, penalty_forced=0.01), NeuralLinear(hidden=(16, 8), capacity=2048)
]  # fmt: skip
every = pytest.mark.parametrize("learner", LEARNERS, ids=lambda x: x.id)


@cache
def compiled(learner):
    env = Probes(4)  # draws observations of both signs to scale by
    return jax.jit(lambda key: learner.init(key, env)), jax.jit(advance(learner, env))


@cache
def doses(learner, kind):
    start, many = compiled(learner)
    state = many(start(jax.random.key(kind)), Probes(kind).draw(None, 64), jnp.int32(40))[0]
    policy = learner.policy(learner.parameters(state), Probes().spec)
    return [int(policy.act(None, jnp.array([cue]), jnp.ones(2, bool), ())[0]) for cue in (-1.0, 0.0, 1.0)]


@every
def test_the_rewarded_dose_and_the_one_that_fits_the_observation_are_found(learner):
    assert doses(learner, 3)[1] == 1
    assert [doses(learner, 4)[0], doses(learner, 4)[2]] == [0, 1]


@every
def test_masked_doses_are_never_taken(learner):
    env = Masked()
    state = begun(learner, env)
    policy = learner.policy(learner.parameters(state), env.spec)
    only = jnp.array([False, True, False])
    assert policy.act(None, jnp.zeros(1), only, ())[0] == 1
    after, told = jax.jit(lambda s: learner.update(s, env, env.draw(None, 64)))(state)
    assert int(after.decisions) == 4 * learner.patients
    assert told["return"] <= 4.0  # the forbidden dose would bring 2 a visit


def sample(seed=0, n=200, d=6):
    rng = np.random.default_rng(seed)
    x = np.concatenate([np.ones((n, 1)), rng.normal(size=(n, d))], axis=1)
    r = 0.7 + x[:, 1] - 0.5 * x[:, 2] + 0.3 * rng.normal(size=n)
    evidence = linear.Evidence(*(jnp.asarray(v, jnp.float32)[None] for v in (x.T @ x, x.T @ r, n)))
    return x, r, evidence


def test_the_estimate_is_ridge_regression():
    x, r, evidence = sample()
    expected = Ridge(alpha=2.0, fit_intercept=False).fit(x, r).coef_
    np.testing.assert_allclose(linear.estimate(evidence, 2.0).theta[0], expected, atol=1e-4)


@pytest.mark.parametrize("penalty", [0.02, 0.2, 0.6])
def test_the_sparse_estimate_is_that_of_an_independent_lasso(penalty):
    x, r, evidence = sample()
    made = Lasso(alpha=penalty / 2, tol=1e-8).fit(x[:, 1:], r)
    np.testing.assert_allclose(lasso(evidence, penalty)[0], [made.intercept_, *made.coef_], atol=2e-3)


def test_doses_are_forced_at_the_decisions_that_the_paper_names():
    learner, doses = LassoBandit(forced=2), 3
    named = {(2**n - 1) * doses * 2 + j - 1: a for n in range(6) for a in range(doses) for j in (2 * a + 1, 2 * a + 2)}
    due, now = jax.vmap(lambda t: learner._due(t, doses))(jnp.arange(200))
    assert {t: int(due[t]) for t in range(200) if now[t]} == {t: a for t, a in named.items() if t < 200}


def test_optimism_adds_the_standard_error_of_a_dose():
    """Two doses of equal estimate; the one tried less often is taken, unless optimism is off."""
    env = Probes(4)
    for alpha, expected in ((1.0, 1), (0.0, 0)):
        learner = LinUCB(alpha=alpha, patients=1)
        state = begun(learner, env)
        gram = jnp.stack([9.0 * jnp.eye(2), jnp.eye(2)])
        evidence = linear.Evidence(gram, jnp.array([[10.0, 0.0], [2.0, 0.0]]), jnp.array([9.0, 1.0]))
        state = state._replace(seen=evidence)
        after, _ = learner.update(state, env, env.draw(None, 4))
        assert int(jnp.argmax(after.seen.count - evidence.count)) == expected


def test_thompson_draws_have_the_mean_and_covariance_of_the_posterior():
    _, _, evidence = sample(n=50, d=2)
    theta, inverse = linear.estimate(evidence, 1.0)
    factor = jnp.linalg.cholesky(inverse)
    z = jax.random.normal(jax.random.key(0), (20_000, *theta.shape))
    drawn = theta + 0.5 * jnp.einsum("aij,naj->nai", factor, z)
    np.testing.assert_allclose(drawn.mean(axis=0), theta, atol=5e-3)
    np.testing.assert_allclose(np.cov(np.asarray(drawn)[:, 0].T), 0.25 * inverse[0], atol=2e-4)


RUNS, DECISIONS = 8, 2000


@cache
def regret(learner):
    """Expected regret of each decision `[runs, decisions]` on the linear bandit."""
    env = linear_bandit.environment()
    pool = env.draw(jax.random.key(1), 4096)

    def one(state, _):
        before = state.seen.count
        after, _ = learner.update(state, env, pool)
        key = jax.random.fold_in(state.key, state.updates)
        who = jax.random.randint(jax.random.split(jax.random.fold_in(key, 0))[0], (1,), 0, 4096)[0]
        expected = env.theta @ jnp.concatenate([jnp.ones(1), pool.x[who]])
        return after, jnp.max(expected) - expected[jnp.argmax(after.seen.count - before)]

    run = lambda key: jax.lax.scan(one, learner.init(key, env), None, length=DECISIONS)[1]  # noqa: E731
    return np.asarray(jax.jit(jax.vmap(run))(jax.random.split(jax.random.key(0), RUNS)))


@pytest.mark.parametrize("learner", [LinUCB(patients=1), LinearThompson(patients=1), LassoBandit(patients=1)], ids=lambda x: x.id)
def test_regret_grows_slower_than_the_root_of_the_decisions(learner):
    total = np.cumsum(regret(learner), axis=1).mean(axis=0)
    assert total[-1] < 2 * total[DECISIONS // 4]  # √T would double from a quarter of the decisions to all of them
    assert total[-1] < 0.15 * DECISIONS * regret(learner)[:, :10].mean()


@pytest.mark.parametrize(("made", "says"), [(LinUCB, "ridge is 0"), (LassoBandit, "forced is 0")])
def test_impossible_settings_are_named(made, says):
    with pytest.raises(ValueError, match=says):
        made(**{says.split()[0]: 0})
