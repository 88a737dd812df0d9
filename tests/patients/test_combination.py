"""Effects of two drugs: printed values, what must hold for all doses, and that no interaction is invented."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq

from posology.patients.combination import Curve, bliss, gpdi, greco, loewe
from posology.patients.effects import hill

A, B = Curve(2.0, 1.0), Curve(1.0, 2.0)
compiled, diluting, shifted = jax.jit(greco), jax.jit(loewe), jax.jit(gpdi)  # once: floats of one type all use it
few = settings(deadline=None, max_examples=60)
doses, halves, slopes, alphas = st.floats(0, 1e4), st.floats(0.01, 100), st.floats(0.4, 8), st.floats(0, 50)
drugs = st.builds(Curve, halves, slopes)


def effect(a: float, b: float, drug_a: Curve, drug_b: Curve, alpha: float = 0.0) -> float:
    return float(compiled(*singles(a, b, drug_a, drug_b, alpha)))


def singles(*values: Any) -> Any:
    """The same numbers in float32, so that no program is compiled twice."""
    return jax.tree.map(jnp.float32, values)


# printed values ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("alpha", "printed"), [(0.0, 0.5), (2.0, 0.63390)])
def test_the_effect_of_greco_as_printed(alpha, printed):
    assert effect(1.0, 0.5, A, B, alpha) == pytest.approx(printed, abs=5e-6)


def test_the_effect_of_bliss_as_printed():
    assert bliss(hill(1.0, *A), hill(0.5, *B)) == pytest.approx(0.46667, abs=5e-6)


@pytest.mark.parametrize("alpha", [0.0, 0.7, 9.0])
def test_an_independent_solver_finds_the_same_effect(alpha, x64):
    a, b, first, second = 3.0, 0.02, Curve(0.5, 2.7), Curve(4.0, 0.6)

    def left(e: float) -> float:
        odds = e / (1 - e)
        x, y = a / first.half, b / second.half
        both = odds ** (-0.5 / first.slope - 0.5 / second.slope)
        return x * odds ** (-1 / first.slope) + y * odds ** (-1 / second.slope) + alpha * x * y * both - 1

    expected = brentq(left, 1e-12, 1 - 1e-12, xtol=1e-15)
    assert float(greco(a, b, first, second, alpha)) == pytest.approx(expected, rel=1e-12)


# all doses ---------------------------------------------------------------------------------------


@few
@given(doses, doses, drugs, drugs)
def test_without_alpha_greco_is_loewe_and_doses_are_worth_what_they_do_alone(a, b, drug_a, drug_b):
    e = effect(a, b, drug_a, drug_b)
    assert e == float(diluting(*singles(a, b, drug_a, drug_b)))
    if 1e-3 < e < 1 - 1e-3:
        alone = [d.half * (e / (1 - e)) ** (1 / d.slope) for d in (drug_a, drug_b)]
        assert a / alone[0] + b / alone[1] == pytest.approx(1.0, rel=1e-3)


@few
@given(doses, halves, slopes, alphas)
def test_one_drug_alone_does_what_its_curve_says(a, half, slope, alpha):
    expected = hill(a, half, slope) if a else 0.0
    assert effect(a, 0.0, Curve(half, slope), B, alpha) == pytest.approx(expected, abs=2e-5)


@few
@given(doses, doses, halves, slopes)
def test_in_loewes_sense_a_drug_does_not_interact_with_itself(a, b, half, slope):
    drug = Curve(half, slope)
    assert effect(a, b, drug, drug) == pytest.approx(hill(a + b, half, slope) if a + b else 0.0, abs=2e-5)


@few
@given(doses, doses, drugs, drugs, alphas)
def test_it_does_not_matter_which_drug_is_named_first(a, b, drug_a, drug_b, alpha):
    assert effect(a, b, drug_a, drug_b, alpha) == pytest.approx(effect(b, a, drug_b, drug_a, alpha), abs=1e-6)


@few
@given(doses, doses, drugs, drugs, alphas, st.floats(1, 10), st.floats(1, 10))
def test_more_of_a_drug_or_of_synergy_never_does_less(a, b, drug_a, drug_b, alpha, more, steeper):
    e = effect(a, b, drug_a, drug_b, alpha)
    assert 0 <= e <= 1
    assert effect(a * more, b, drug_a, drug_b, alpha) >= e - 1e-6
    assert effect(a, b * more, drug_a, drug_b, alpha) >= e - 1e-6
    assert effect(a, b, drug_a, drug_b, alpha * steeper) >= e - 1e-6


@few
@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_independent_effects_are_at_least_the_larger_one_and_grow_with_each(ea, eb, less):
    assert max(ea, eb) - 1e-12 <= bliss(ea, eb) <= 1 + 1e-12
    assert bliss(ea * less, eb) <= bliss(ea, eb) + 1e-12


@few
@given(st.floats(0.01, 100), doses, halves, slopes)
def test_an_interaction_of_zero_is_none_and_other_ones_stop_at_their_largest(value, other, half, slope):
    assert float(shifted(*singles(value, other, half, slope, 0.0))) == pytest.approx(value, rel=1e-6)
    assert float(shifted(*singles(value, 0.0, half, slope, -0.9))) == pytest.approx(value, rel=1e-6)
    low, high = (float(shifted(*singles(value, other, half, slope, i))) for i in (-0.9, 3.0))
    assert 0.1 * value * 0.999 <= low <= value * 1.001 and value * 0.999 <= high <= 4 * value * 1.001


def test_on_an_ec50_an_interaction_below_zero_is_synergy_and_above_zero_antagonism():
    effects = [float(hill(1.0, gpdi(2.0, 5.0, 1.0, 2.0, i), 1.0)) for i in (-0.5, 0.0, 0.5)]
    assert effects == sorted(effects, reverse=True)
    assert float(gpdi(2.0, 1.0, 1.0, 2.0, -0.5)) == pytest.approx(1.5)  # half of it at the concentration of half influence


# derivatives and wrong values --------------------------------------------------------------------


def test_derivatives_are_those_of_small_changes(x64):
    point = np.array([1.0, 0.5, 2.0, 1.0, 1.0, 2.0, 2.0])

    def f(v):
        return greco(v[0], v[1], Curve(v[2], v[3]), Curve(v[4], v[5]), v[6])

    found = jax.jit(jax.grad(f))(point)
    step = 1e-5 * np.eye(len(point))
    assert found == pytest.approx([float(f(point + s) - f(point - s)) / 2e-5 for s in step], rel=1e-6)


def test_derivatives_are_numbers_where_a_drug_is_not_given():
    slope = jax.jit(jax.grad(lambda a, b: greco(a, b, A, B, 1.0), argnums=(0, 1)))
    assert [float(v) for v in slope(0.0, 0.0)] == [0.0, 0.0]
    at_edge = [float(v) for v in slope(0.0, 1.0)]
    ahead = (effect(1e-2, 1.0, A, B, 1.0) - effect(0.0, 1.0, A, B, 1.0)) / 1e-2
    assert at_edge[0] == pytest.approx(ahead, rel=2e-2) and all(map(math.isfinite, at_edge))


def test_antagonism_by_alpha_is_refused_because_its_effect_is_not_unique():
    with pytest.raises(ValueError, match=r"alpha: -0.5 is not allowed; it must be 0 \(no interaction\) or more"):
        greco(1.0, 1.0, A, B, -0.5)
    assert math.isnan(effect(1.0, 1.0, A, B, -0.5))
    with pytest.raises(ValueError, match="interaction: -1 is not allowed; it must be above -1"):
        gpdi(1.0, 1.0, 1.0, interaction=-1)
