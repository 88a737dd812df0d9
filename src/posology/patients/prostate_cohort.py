"""Virtual men of `prostate-strobl2021`, and how continuous and adaptive treatment go for them.

The fits to 67 men are not log-normal: sizes and costs fill the whole range from 0 to 1, and costly resistance goes with little
turnover. So a cohort is drawn from

    n0 ~ Beta(0.88, 0.73),   cost ~ Beta(1.20, 1.00),   turnover ~ Beta(1.30, 2.88)
    cost and turnover under a Gaussian copula of rank correlation −0.82, which is −0.831 between the normals
    fr = 1e-5 in 16 % of men, the bound of the fits; in the others log10(fr) ~ N(−1.72, 0.50), at most 0.3

a summary of ours of the public fits of Strobl 2021 and Gallagher 2024, since the table of single men is not under a licence
that we could copy. A tumour that starts above k/1.2 cannot progress by definition, and one whose resistant clone or whole
mass dies out by turnover does not: such men are part of the cohort and count as censored.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.patients.integrate import runge_kutta
from posology.patients.models.prostate_strobl2021 import MODEL
from posology.quantities import replace

BETAS = {"n0": (0.88, 0.73), "cost": (1.20, 1.00), "turnover": (1.30, 2.88)}
CORRELATION = 2 * math.sin(math.pi * -0.82 / 6)  # of the normals behind cost and turnover
AT_BOUND, BOUND = 0.16, 1e-5  # share of men without visible resistance, and their fr
LOG10_FR, LOG10_FR_SD, MOST_FR = -1.72, 0.50, 0.3
PROGRESSED = 1.2  # size
HALVINGS = 40
BLOCK = 128  # men drawn at once: the compiler rounds rows of another length in another way


def beta_quantile(u: Any, a: Any, b: Any) -> Any:
    """The value below which a share `u` of Beta(a, b) lies, by bisection."""

    def halve(_: Any, ends: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = ends
        middle = (low + high) / 2
        below = jax.scipy.special.betainc(a, b, middle) < u
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    low, high = jax.lax.fori_loop(0, HALVINGS, halve, (jnp.zeros_like(u), jnp.ones_like(u)))
    return (low + high) / 2


@jax.jit
def _men(key: Any, blocks: Any) -> Any:
    """The men of these numbers, `[blocks, BLOCK]`, a block at a time."""

    def one(i: Any) -> Any:
        normals, bound = jax.random.split(jax.random.fold_in(key, i))
        z = jax.random.normal(normals, (4,))
        turnover = CORRELATION * z[1] + (1 - CORRELATION**2) ** 0.5 * z[2]
        shares = jax.scipy.stats.norm.cdf(jnp.stack([z[0], z[1], turnover]))
        values = dict(zip(BETAS, beta_quantile(shares, *jnp.asarray(list(BETAS.values())).T), strict=True))
        fr = jnp.minimum(10 ** (LOG10_FR + LOG10_FR_SD * z[3]), MOST_FR)
        fr = jnp.where(jax.random.uniform(bound) < AT_BOUND, BOUND, fr)
        typical = jax.tree.map(lambda v: jnp.asarray(v, z.dtype), MODEL.Params())
        return replace(typical, fr=fr, **values)

    return jax.lax.map(jax.vmap(one), blocks)


def draw(key: Any, n: int) -> Any:
    """Individual parameters `[n]`; man i depends on (key, i) alone."""
    blocks = jnp.arange(math.ceil(n / BLOCK) * BLOCK, dtype=jnp.int32).reshape(-1, BLOCK)
    return jax.tree.map(lambda v: v.ravel()[:n], _men(key, blocks))


def continuous(drug: Any, size: Any) -> Any:
    """On treatment for good."""
    return jnp.ones_like(drug)


def at50(drug: Any, size: Any) -> Any:
    """Off below half the size at the start, on again when that size is back."""
    return jnp.where(size < 0.5, 0.0, jnp.where(size >= 1.0, 1.0, drug))


class Course(NamedTuple):
    """Of one man: `size` at the start of each day and of the one after the last, treatment of each day (1 or 0)."""

    size: Any
    drug: Any

    @property
    def progressed(self) -> Any:
        """Whether the size was above 1.2 on any day."""
        return jnp.any(self.size > PROGRESSED)

    @property
    def days(self) -> Any:
        """Days until the first such day, or all of them."""
        return jnp.where(self.progressed, jnp.argmax(self.size > PROGRESSED), len(self.drug))

    @property
    def days_on(self) -> Any:
        """Days on treatment among these."""
        return jnp.sum(jnp.where(jnp.arange(len(self.drug)) < self.days, self.drug, 0.0))


def follow(p: Any, days: int, rule: Callable[[Any, Any], Any]) -> Course:
    """One man for so many days from the start of treatment.

    Args:
        p: individual parameters.
        days: length of the course, also after progression.
        rule: treatment of yesterday and size today → treatment today (`continuous`, `at50`).
    """

    def day(carry: Any, _: Any) -> Any:
        x, drug = carry
        size = MODEL.readings(x, p)["size"]
        drug = rule(drug, size)
        return (runge_kutta(lambda x: MODEL.rates(0.0, x, p, drug), x, 1.0, 1), drug), (size, drug)

    start = MODEL.baseline(jax.tree.map(jnp.asarray, p))
    (x, _), (size, drug) = jax.lax.scan(day, (start, jnp.ones_like(start.sensitive)), None, length=days)
    return Course(jnp.append(size, MODEL.readings(x, p)["size"]), drug)
