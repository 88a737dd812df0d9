"""Published control problems: the returns of fixed policies, the equations on dimensioned numbers, the contract."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pint
import pytest

from posology.environments.catalogue import PROBLEMS, environment, spec
from posology.environments.ode import OdeEnvironment
from posology.environments.problems import four_state_chemo, hiv_sti
from posology.quantities import numbers_of

EQUATIONS = {"hiv-sti-v1": hiv_sti, "four-state-chemo-v1": four_state_chemo}
BOTH = np.array([3] * 6 + [0] * 6)


def course(env, actions, discount=1.0):
    """Return, number of decisions and last state of a fixed policy."""
    patient = jax.tree.map(lambda v: v[0], env.draw(jax.random.key(0), 1))

    @jax.jit
    def play(actions):
        def one(carry, action):
            state, alive, weight = carry
            step = env.step(jax.random.key(0), state, action, patient)
            return (step.state, alive & ~step.terminated, weight * discount), (alive * weight * step.reward, alive)

        first = (env.reset(jax.random.key(0), patient)[0], jnp.bool_(True), 1.0)
        (state, *_), (rewards, alive) = jax.lax.scan(one, first, actions)
        return rewards.sum(), alive.sum(), state.x

    total, lived, x = play(jnp.asarray(actions))
    return float(total), int(lived), x


@pytest.mark.parametrize(
    ("row", "plain", "discounted"),
    [(0, 3432807.3, 844720.22), (1, 3652129.2, 924737.16), (2, 3186345.4, 971947.29), (3, 6677898.6, 1891278.2)],
)
def test_continuous_hiv_therapies_return_what_was_published(x64, row, plain, discounted):
    env = hiv_sti.environment()
    assert course(env, np.full(200, row))[0] == pytest.approx(plain, rel=2e-6)
    assert course(env, np.full(200, row), 0.98)[0] == pytest.approx(discounted, rel=2e-6)


def test_a_cycle_of_months_with_and_without_drugs_returns_what_was_published(x64):
    env = hiv_sti.environment()
    assert course(env, BOTH[np.arange(200) % 12])[0] == pytest.approx(1618849.9, rel=1e-5)
    assert course(env, BOTH[np.arange(200) % 12], 0.98)[0] == pytest.approx(439968.7, rel=1e-5)


def test_the_healthy_and_the_unhealthy_state_stand_still(x64):
    p, none = hiv_sti.Params(), (0.0, 0.0)
    unhealthy = (163572.7518, 11944.9431, 4.995423534, 45.5990142, 63918.59579, 23.54397785)
    healthy = (967838.6707, 76.0120976, 620.5182584, 6.091781597, 415.3756488, 353108.0351)
    for x in (unhealthy, healthy):
        slope = hiv_sti.rates(hiv_sti.State(*x), p, none)
        assert max(abs(d) / v for d, v in zip(slope, x, strict=True)) < 1e-7


def test_an_implicit_step_follows_the_rebound_where_an_explicit_one_breaks(x64):
    """Random rows let the virus rebound; the macrophages then die within minutes."""
    equations = hiv_sti.environment().equations
    rows = jax.random.randint(jax.random.key(1), (200,), 0, 4)
    ours, fine, coarse = (
        course(OdeEnvironment(replace(equations, steps=n, stiff=stiff)), rows)[0]
        for n, stiff in ((20, True), (400, False), (100, False))
    )
    assert ours == pytest.approx(fine, rel=1e-4)
    assert not np.isfinite(coarse)


def test_single_precision_is_enough_for_the_returns():
    assert course(hiv_sti.environment(), np.full(200, 3))[0] == pytest.approx(6677898.6, rel=1e-4)


@pytest.mark.parametrize(
    ("dose", "days", "expected", "lived"), [(0.75, 150, -14.061, 600), (0.75, 30, 368.731, 600), (0.2, 150, -439.815, 325)]
)
def test_steady_chemotherapy_returns_what_was_published(x64, dose, days, expected, lived):
    doses = np.where(np.arange(600) < 4 * days, dose, 0.0)
    assert course(four_state_chemo.continuous(), doses)[:2] == (pytest.approx(expected, abs=1e-3), lived)


@pytest.mark.parametrize(("dose", "tumour"), [(0.0, (0.34250, 0.50075, 0.56404)), (1.0, (0.20274, 0.02181, 0.0))])
def test_the_tumour_is_where_it_was_published_to_be(x64, dose, tumour):
    for day, expected in zip((10, 50, 150), tumour, strict=True):
        x = course(four_state_chemo.continuous(), np.full(4 * day, dose))[2]
        assert float(x.tumour) == pytest.approx(expected, abs=6e-6)
    if dose:
        assert float(x.normal) == pytest.approx(0.93679, abs=6e-6)


def test_a_weekly_rhythm_of_chemotherapy_is_where_it_was_published_to_be(x64):
    doses = (np.arange(600) % 56 < 16).astype(float)
    for day, expected, off in ((10, 0.28098, 6e-6), (50, 0.24271, 6e-6), (150, 1.2e-5, 5e-7)):
        x = course(four_state_chemo.continuous(), doses[: 4 * day])[2]
        assert float(x.tumour) == pytest.approx(expected, abs=off)


def test_no_constant_dose_of_the_table_reaches_70():
    env = four_state_chemo.levels()
    found = [course(env, np.full(600, row))[0] for row in range(four_state_chemo.LEVELS)]
    assert max(found) < 70


def test_levels_and_rates_are_one_problem():
    by_rate = course(four_state_chemo.continuous(), np.full(40, 0.3))[0]
    assert course(four_state_chemo.levels(), np.full(40, 3))[0] == pytest.approx(by_rate, rel=1e-5)


@pytest.mark.parametrize("name", EQUATIONS)
def test_the_equations_hold_on_dimensioned_numbers(name):
    units, module = pint.UnitRegistry(), EQUATIONS[name]

    def dimensioned(table, values):
        numbers = numbers_of(table).values()
        return table(*(v * units.parse_units(n.unit) for v, n in zip(values, numbers, strict=True)))

    plain, start = module.Params(), module.start(module.Params())
    hiv = name == "hiv-sti-v1"
    found = module.rates(
        dimensioned(module.State, start), dimensioned(module.Params, plain), (0.7, 0.3) if hiv else 0.5 / units.day
    )
    expected = module.rates(start, plain, (0.7, 0.3) if hiv else 0.5)
    for d, value, n in zip(found, expected, numbers_of(module.State).values(), strict=True):
        assert d.to(units.parse_units(n.unit) / units.day).magnitude == pytest.approx(float(value), rel=1e-9)


def test_patients_may_differ_within_the_ranges_of_robustness():
    env = hiv_sti.environment(spread=True)
    assert env.fingerprint != hiv_sti.environment().fingerprint
    people = env.draw(jax.random.key(3), 500)
    assert 5e-7 <= people.p.k1.min() < people.p.k1.max() <= 8e-7
    assert np.ptp(people.p.c) == 0
    few = env.draw(jax.random.key(3), 20)
    np.testing.assert_array_equal(few.p.k2, people.p.k2[:20])


@pytest.mark.parametrize("name", [n for n in PROBLEMS if n != "icu-sepsis-v1"])
def test_problems_meet_the_contract_under_jit_and_vmap(name):
    env = environment(name)
    assert env.spec == spec(name) and env.spec.id == name
    people, key = env.draw(jax.random.key(0), 3), jax.random.key(1)
    state, seen, mask = jax.vmap(env.reset, (None, 0))(key, people)
    assert seen.shape == (3, env.spec.size) and mask.all()
    action = jnp.zeros(3, jnp.int32) if env.spec.discrete else jnp.zeros(3)
    step = jax.jit(jax.vmap(env.step, (None, 0, 0, 0)))(key, state, action, people)
    assert np.isfinite(step.observation).all() and step.observation.shape == seen.shape
    np.testing.assert_allclose(step.reward, step.terms @ np.array(env.spec.weights, np.float32), rtol=1e-5, atol=1e-6)
    assert step.costs.shape == (3, len(env.spec.costs))
    died = step.terminated & (step.costs.sum(-1) > 0)
    assert (died | ((step.terminated | step.truncated) == (env.spec.max_steps == 1))).all()
