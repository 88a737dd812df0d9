"""What two drugs do together, given what each does alone.

    Bliss   E = Ea + Eb − Ea·Eb                                                      they act independently
    Loewe   a/Da(E) + b/Db(E) = 1                                                    they act as one drug does with itself
    Greco   a/Da(E) + b/Db(E) + alpha·(a/ICa)·(b/ICb)·(E/(1 − E))^(−1/2ma − 1/2mb) = 1
    GPDI    value·(1 + interaction·c^h/(half^h + c^h))                               one shifts the other's EC50 or Emax

E is the share affected, between 0 and 1, and Di(E) = ICi·(E/(1 − E))^(1/mi) the dose of drug i that does E alone. Greco's alpha
is 0 for Loewe and above 0 for synergy. The interaction of GPDI lies above −1: on an EC50, below 0 is synergy and above 0
antagonism; on an Emax the other way round. Neither has a value of its own: both are 0 unless somebody measured them.

Greco WR et al. Pharmacol Rev 1995;47:331; Wicha SG et al. Nat Commun 2017;8:2129.

Not for: drugs whose interaction nobody measured. No synergy is ever assumed.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.patients.effects import hill

HALVINGS = 60  # of a bracket a few units wide: beyond the last digit of float64
LOWEST = -1e4  # stands for the logarithm of nothing
LARGEST_LOG = 80.0  # its exponential fits float32


class Curve(NamedTuple):
    """One drug alone: the dose of half effect `half`, and the steepness `slope`; its largest effect is 1."""

    half: Any
    slope: Any


def bliss(effect_a: Any, effect_b: Any) -> Any:
    """The share affected by two drugs that act independently; the share that neither affects is a product."""
    return effect_a + effect_b - effect_a * effect_b


def loewe(a: Any, b: Any, drug_a: Curve, drug_b: Curve) -> Any:
    """The share affected by doses `a` and `b` of drugs that dilute each other: no interaction in Loewe's sense."""
    return greco(a, b, drug_a, drug_b)


def greco(a: Any, b: Any, drug_a: Curve, drug_b: Curve, alpha: Any = 0.0) -> Any:
    """The share affected by doses `a` and `b`, each of 0 or more in the unit of its curve's `half`; arrays broadcast.

    Bisection, always between two values that enclose the one root. Compiles, and has derivatives in doses, curves and `alpha`
    from the equation itself (implicit function); where both doses are 0 they are 0.

    Raises:
        ValueError: for an `alpha` below 0: then several effects solve the equation, or none. A traced one gives NaN.
    """
    if isinstance(alpha, (int, float)) and not 0 <= alpha < math.inf:
        raise ValueError(f"alpha: {alpha} is not allowed; it must be 0 (no interaction) or more (synergy)")
    given = tuple(jnp.asarray(v, float) for v in (a, b, *drug_a, *drug_b, alpha))
    root = jax.lax.stop_gradient(_bisected(*given))  # ln(E/(1 − E))
    value, slope = jax.jvp(lambda u: _excess(u, *given), (root,), (jnp.ones_like(root),))
    some = (given[0] > 0) | (given[1] > 0)
    newton = value / jax.lax.stop_gradient(jnp.where(some, slope, 1.0))  # nearly 0; its derivative is the root's
    effect = jnp.where(some, jax.nn.sigmoid(root - newton), 0.0)
    return jnp.where(given[-1] >= 0, effect, jnp.nan)


def gpdi(value: Any, other: Any, half: Any, slope: Any = 1.0, interaction: Any = 0.0) -> Any:
    """An EC50 or Emax of one drug in the presence of the concentration `other` of a second one.

    Args:
        half: concentration of the second drug with half of its influence.
        slope: steepness of that influence.
        interaction: the largest relative change of `value`; 0, none, unless published.

    Raises:
        ValueError: for an `interaction` of −1 or less, which leaves no value above 0. A traced one gives NaN.
    """
    if isinstance(interaction, (int, float)) and not -1 < interaction < math.inf:
        raise ValueError(f"interaction: {interaction} is not allowed; it must be above -1")
    other, interaction = jnp.asarray(other, float), jnp.asarray(interaction, float)
    share = jnp.where(other > 0, hill(other, half, slope), 0.0)
    return jnp.where(interaction > -1, value * (1 + interaction * share), jnp.nan)


def _excess(u: Any, a: Any, b: Any, ica: Any, ma: Any, icb: Any, mb: Any, alpha: Any) -> Any:
    """How far the left side of Greco's equation is above 1 at u = ln(E/(1 − E)); it falls with u."""
    alone_a, alone_b, both = (jnp.exp(jnp.minimum(-u * x, LARGEST_LOG)) for x in (1 / ma, 1 / mb, 0.5 / ma + 0.5 / mb))
    x, y = a / ica, b / icb
    return x * alone_a + y * alone_b + alpha * x * y * both - 1


def _bisected(a: Any, b: Any, ica: Any, ma: Any, icb: Any, mb: Any, alpha: Any) -> Any:
    """The root of `_excess`: each of the three terms is at most 1 there, and one of them at least 1/3."""
    ln = lambda v: jnp.where(v > 0, jnp.log(jnp.where(v > 0, v, 1.0)), LOWEST)  # noqa: E731
    x, y = ln(a / ica), ln(b / icb)
    steep = 2 / (1 / ma + 1 / mb)
    low = jnp.maximum(jnp.maximum(ma * x, mb * y), steep * (ln(alpha) + x + y))
    high = low + math.log(3.0) * jnp.maximum(ma, mb)  # steep lies between the two

    def halve(_: int, ends: Any) -> Any:
        low, high = ends
        middle = (low + high) / 2
        above = _excess(middle, a, b, ica, ma, icb, mb, alpha) > 0
        return jnp.where(above, middle, low), jnp.where(above, high, middle)

    return sum(jax.lax.fori_loop(0, HALVINGS, halve, (low, high))) / 2
