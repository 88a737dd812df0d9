"""A continuous dose: the same patients as with a table, held inside limits, and differentiable."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from posology.environments import reward
from posology.environments.catalogue import TREATMENTS
from posology.environments.protocol import TreatmentEnvironment
from posology.environments.reward import Interval, grade0, grade4, reached
from posology.environments.treatments import paclitaxel_any_dose, paclitaxel_label

KEY = jax.random.key(5)
DOSES = (150.0, 200.0)


@cache
def environment(name="paclitaxel-any-dose-v1"):
    return TreatmentEnvironment(TREATMENTS[name])


@cache
def followed(name):
    """(patients, doses or rows of two visits) → terms of each visit and the last observation."""
    env = environment(name)

    def one(actions, patient):
        state, terms = env.reset(KEY, patient)[0], []
        step = jax.jit(env.step)  # both visits are one program
        for action in actions:
            found = step(KEY, state, action, patient)
            state, terms = found.state, [*terms, found.terms]
        return jnp.stack(terms), found.observation

    return one


def test_a_dose_of_the_table_does_what_its_row_does():
    patients = environment().draw(KEY, 16)
    rows = [TREATMENTS["paclitaxel-cycles-v1"].actions.index(paclitaxel_any_dose.dose(d)) for d in DOSES]
    by_amount = jax.jit(jax.vmap(followed("paclitaxel-any-dose-v1"), (None, 0)))(jnp.array(DOSES), patients)
    by_row = jax.jit(jax.vmap(followed("paclitaxel-cycles-v1"), (None, 0)))(jnp.array(rows), patients)
    for a, b in zip(by_amount, by_row, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_the_derivative_of_a_course_is_that_of_finite_differences():
    """Of both visits' distance of ln nadir, and of what is measured, by the first dose and the second."""
    patients = environment().draw(KEY, 16)

    def summed(doses, patient):
        terms, observation = followed("paclitaxel-any-dose-v1")(doses, patient)
        return jnp.sum(terms[:, 3]) + 0.1 * jnp.sum(observation)

    # one program for values and slopes
    each = jax.jit(jax.vmap(jax.value_and_grad(summed), (None, 0)))
    slope = each(jnp.array(DOSES), patients)[1]
    for i, h in enumerate(2.0 * np.eye(2, dtype=np.float32)):
        up, down = (each(jnp.array(DOSES) + way * h, patients)[0] for way in (1, -1))
        apart = np.abs((up - down) / 4.0 - slope[:, i])
        scale = np.abs(slope[:, i])
        assert np.median(apart / scale) < 1e-3  # a few lie at a kink: an aim that is met, a nadir on another day
        assert np.mean(apart < 0.02 * scale) >= 0.75


def test_a_threshold_keeps_its_value_and_lends_a_slope():
    for value in (0.49, 0.5, 0.51, 2.0, float("nan")):
        i = Interval(jnp.float32(100), jnp.float32(1), jnp.float32(value), 0, 21)
        assert float(grade0(i)) == float(value >= 2.0)
        assert float(grade4(i)) == 1.0 - float(value >= 0.5)
        assert grade4(i._replace(lowest=value, given=1.0)) == float(grade4(i))  # on plain numbers too
    slope = jax.grad(lambda v: reached(v, 0.5))
    assert float(slope(0.5)) == pytest.approx(0.25 / (reward.SURROGATE * 0.5), rel=1e-5)
    share = 1 / (1 + (0.5 / 0.7) ** (1 / reward.SURROGATE))
    for found in (slope(0.7), jax.jit(slope)(0.7), jax.vmap(slope)(jnp.array([0.7]))[0]):
        assert float(found) == pytest.approx(share * (1 - share) / (reward.SURROGATE * 0.7), rel=1e-5)


@cache
def within_label():
    """An environment within the label, and `(bilirubin, count, dose asked for) → decision and mask` at its first visit."""
    env = TreatmentEnvironment(replace(paclitaxel_label.TREATMENT, id="any", any_dose=(70.0, 175.0)))
    patient = jax.tree.map(lambda v: v[0], env.draw(KEY, 1))

    def decision(bilirubin, count, asked):
        known = {**patient.covariates, "bilirubin": bilirubin, "baseline_anc": count}
        state, _, mask = env.reset(KEY, patient._replace(covariates=known))
        return env.decided(asked, state), mask

    return env, jax.jit(decision)


@pytest.mark.parametrize(
    ("bilirubin", "count", "asked", "dose", "wait"),
    [
        (7.0, 5.0, 123.4, 123.4, 21.0),
        (7.0, 5.0, 300.0, 175.0, 21.0),
        (7.0, 5.0, 10.0, 70.0, 21.0),
        (40.0, 5.0, 160.0, 115.0, 21.0),  # Joerger's step above 1.25 times the upper limit of normal
        (7.0, 1.2, 160.0, 0.0, 7.0),  # not recovered: the visit is put off
    ],
)
def test_a_continuous_dose_is_held_inside_the_limits(bilirubin, count, asked, dose, wait):
    env, decision = within_label()
    chosen, mask = decision(bilirubin, count, asked)
    assert float(chosen.amount) == pytest.approx(dose)
    assert float(chosen.wait) == wait
    assert env.spec.actions == () and mask.shape == (len(env.treatment.actions),)
    assert bool(mask[0]) == (dose == 0.0)  # the row that waits


def test_the_range_and_the_table_are_part_of_what_a_treatment_is():
    t = paclitaxel_any_dose.TREATMENT
    assert replace(t, any_dose=(70.0, 240.0)).fingerprint != t.fingerprint
    assert replace(t, actions=t.actions[1:]).fingerprint != t.fingerprint
    assert t.spec.differentiable and not TREATMENTS["paclitaxel-cycles-v1"].spec.differentiable
