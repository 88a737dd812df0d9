"""Losses and draws by hand, the same under jit and vmap."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments.spec import Action, Feature, Spec
from posology.learners import networks, replay, sum_tree
from posology.learners.deep import value_based
from posology.learners.deep.a2c import A2C
from posology.learners.deep.actor_critic import Batch
from posology.learners.deep.dqn import DQN
from posology.learners.deep.qr_dqn import quantile_loss
from posology.learners.deep.reinforce import Reinforce
from posology.policies import network as net
from posology.policies.network import Network

SPEC = Spec("two", (Feature("x", "1"),), (Action("0", 0.0, "mg"), Action("1", 1.0, "mg")), ("r",), (1.0,), max_steps=2)


def everywhere(function, *arguments):
    """The value of a function, after checking that jit and vmap say the same."""
    plain = function(*arguments)
    np.testing.assert_allclose(jax.jit(function)(*arguments), plain, rtol=1e-5)
    twice = [jnp.stack([jnp.asarray(a)] * 2) for a in arguments]
    np.testing.assert_allclose(jax.vmap(function)(*twice)[1], plain, rtol=1e-5)
    return plain


def test_the_quantile_loss_by_hand():
    """Quantiles 0 and 2 (τ = 1/4, 3/4), targets 1 and 3, κ = 1: errors 1, 3 and −1, 1."""
    low = 0.25 * (0.5 + 2.5) / 2
    high = (abs(0.75 - 1) * 0.5 + 0.75 * 0.5) / 2
    found = everywhere(lambda q, y: quantile_loss(q, y, 1.0), jnp.array([0.0, 2.0]), jnp.array([1.0, 3.0]))
    assert float(found) == pytest.approx(low + high)


def test_quantiles_that_match_a_distribution_are_where_the_loss_is_least():
    draws = jnp.asarray(np.random.default_rng(0).exponential(size=4000), jnp.float32)
    slope = jax.grad(lambda q: quantile_loss(q, draws, 1e-4))(jnp.quantile(draws, jnp.array([0.125, 0.375, 0.625, 0.875])))
    np.testing.assert_allclose(slope, 0.0, atol=2e-3)


def test_a_dose_is_judged_by_its_worst_share():
    outputs = jnp.array([[4.0, 4.0, 4.0, 4.0], [9.0, 1.0, 9.0, 9.0]])
    mean, worst = (Network(1, 2, head="quantile", quantiles=4, risk=risk) for risk in (1.0, 0.25))
    np.testing.assert_allclose(net.scores(mean, outputs), [4.0, 7.0])
    np.testing.assert_allclose(net.scores(worst, outputs), [4.0, 1.0])


def test_a_duelling_head_adds_advantages_less_their_mean():
    form = Network(1, 2, (1,), head="duelling")
    params = {name: jnp.zeros(shape) for name, shape in net.shapes(form).items()} | {"head.b": jnp.array([5.0, 1.0, 3.0])}
    np.testing.assert_allclose(net.step(form, params, jnp.array([0.0]), ())[0], [4.0, 6.0])


def test_decisions_are_drawn_by_their_priority_and_weighed_against_it():
    learner = DQN(prioritised=1.0, correction=1.0, batch=4000, capacity=4)
    row = value_based.Decision(*[jax.ShapeDtypeStruct((), jnp.float32)] * 6)
    past = replay.empty(row, 4)._replace(filled=jnp.int32(3))
    priority = sum_tree.put(sum_tree.empty(4), jnp.arange(3), jnp.array([1.0, 2.0, 5.0]))  # the last place is empty
    _, at, weight = value_based.drawn(learner, past, priority, jax.random.key(0))
    np.testing.assert_allclose(np.bincount(at, minlength=4) / 4000, [0.125, 0.25, 0.625, 0.0], atol=1e-3)
    np.testing.assert_allclose([weight[at == i][0] for i in range(3)], [1.0, 0.5, 0.2], rtol=1e-5)


@pytest.mark.parametrize("rows", [1, 2, 5, 8])
def test_a_tree_of_weights_finds_the_row_that_a_point_falls_on(rows):
    rng = np.random.default_rng(rows)
    weights = rng.uniform(0.1, 2.0, rows)
    tree = sum_tree.put(sum_tree.empty(rows), jnp.arange(rows), jnp.asarray(weights))
    for _ in range(4):
        at = rng.integers(0, rows + 3, 3)  # some beyond the end
        new = rng.uniform(0.1, 2.0, rows + 3)[at]  # equal rows have equal weights
        tree = sum_tree.put(tree, jnp.asarray(np.where(at < rows, at, 99)), jnp.asarray(new))
        weights[at[at < rows]] = new[at < rows]
    np.testing.assert_allclose(sum_tree.leaves(tree)[:rows], weights, rtol=1e-6)
    assert float(tree[1]) == pytest.approx(weights.sum(), rel=1e-6)
    points = (np.arange(50) + 0.5) / 50 * weights.sum()
    expected = np.searchsorted(np.cumsum(weights), points, side="right")
    np.testing.assert_array_equal(sum_tree.find(tree, jnp.asarray(points, jnp.float32)), expected)


def test_a_point_that_rounding_puts_at_the_end_falls_on_a_row_with_weight():
    tree = sum_tree.put(sum_tree.empty(8), jnp.arange(3), jnp.array([0.1, 0.2, 0.3]))
    assert int(sum_tree.find(tree, tree[1] * 1.0001)) == 2


def test_a_new_decision_is_as_likely_as_the_likeliest():
    learner = DQN(prioritised=0.5, patients=1, capacity=4, batch=1)
    row = value_based.Decision(*[jnp.zeros(2)] * 6)
    like = jax.tree.map(lambda v: jax.ShapeDtypeStruct((), v.dtype), row)
    state = value_based.State(*[None] * 9)._replace(replay=replay.empty(like, 4), priority=sum_tree.empty(4))
    state = value_based.remember(learner, state, row, jnp.array([True, True]))
    state = state._replace(priority=sum_tree.put(state.priority, jnp.array([0]), jnp.array([7.0])))
    state = value_based.remember(learner, state, row, jnp.array([False, True]))
    assert sum_tree.leaves(state.priority).tolist() == [7.0, 1.0, 7.0, 0.0]
    assert int(state.replay.filled) == 3


def batch(advantage, value):
    """Two decisions of one patient; the third row is padding."""
    yes = jnp.array([[True, True, False]])
    x, mask, action = jnp.zeros((1, 3, 1)), jnp.ones((1, 3, 2), bool), jnp.array([[0, 1, 0]])
    return Batch(x, mask, action, jnp.zeros((1, 3)), advantage, value, yes)


def weights(learner, logits, value):
    """Networks that say the same whatever they see."""
    flat = jax.tree.map(jnp.zeros_like, networks.initial(jax.random.key(0), learner.form(SPEC)))
    critic = jax.tree.map(jnp.zeros_like, networks.initial(jax.random.key(0), Network(1, 1, learner.hidden, "value")))
    return {"actor": {**flat, "head.b": logits}, "critic": {**critic, "head.b": value}}


def test_the_loss_of_the_policy_gradient_by_hand():
    """ln π = ln 1/4 and ln 3/4; advantages 2 and −1; values 0.5 against targets 1 and 0."""
    b = batch(jnp.array([[2.0, -1.0, 9.0]]), jnp.array([[1.0, 0.0, 9.0]]))
    logits, value = jnp.log(jnp.array([0.25, 0.75])), jnp.array([0.5])
    policy = -(2 * np.log(0.25) - np.log(0.75)) / 2
    entropy = -(0.25 * np.log(0.25) + 0.75 * np.log(0.75))
    plain, mixed = Reinforce(hidden=(2,)), A2C(hidden=(2,), entropy=0.1)
    found = everywhere(lambda x: plain._loss(weights(plain, x, value), SPEC, b)[0], logits)
    assert float(found) == pytest.approx(policy + 0.125, rel=1e-5)
    found = everywhere(lambda x: mixed._loss(weights(mixed, x, value), SPEC, b)[0], logits)
    assert float(found) == pytest.approx(policy + 0.125 - 0.1 * entropy, rel=1e-5)


@pytest.mark.parametrize(("double", "expected"), [(True, 1.0 + 0.5 * 3.0), (False, 1.0 + 0.5 * 7.0)])
def test_the_target_of_dqn_by_hand(double, expected):
    """The learning values prefer dose 1, worth 3 by the slow ones, which prefer dose 0, worth 7."""
    learner = DQN(hidden=(2,), double=double, huber=100.0)
    flat = jax.tree.map(jnp.zeros_like, networks.initial(jax.random.key(0), learner.form(SPEC)))
    now, slow = ({**flat, "head.b": jnp.array(v)} for v in ([0.0, 4.0], [7.0, 3.0]))
    moments = networks.no_moments((1,))
    state = value_based.State(now, slow, None, moments, None, None, None, None, None)
    d = value_based.Decision(jnp.zeros(1), jnp.int32(0), jnp.float32(1.0), jnp.float32(0.5), jnp.zeros(1), jnp.ones(2, bool))
    loss, error = learner._loss(now, state, SPEC, d)
    assert float(error) == pytest.approx(expected)
    assert float(loss) == pytest.approx(0.5 * expected**2)
