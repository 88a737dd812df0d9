"""How the drug moves, without the cells: the amounts in the middle and at the end of a step.

- `linear` kinetics are propagated by the matrix exponential of each half step.
- `saturable` kinetics by Hairer and Wanner's linearly implicit RODAS (Solving Ordinary Differential
  Equations II, section VI.4: order 4, stiffly accurate, six evaluations) with the exact Jacobian. Stiffly
  accurate, because a concentration that follows the tissues at once is met to order 2 only by a method
  that is not. The middle is that of the cubic through both ends and their slopes: local order 4, as much
  as a Runge-Kutta method of order 4 can use of it.

All functions are for one patient.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from posology.patients import sparse
from posology.patients.model import PatientModel
from posology.quantities import replace

Amounts = tuple[Any, ...]

GAMMA = 0.25
# what a stage adds of the earlier ones to the state it looks at, and to the right-hand side it solves
LOOKS = (
    (),
    (1.544,),
    (0.9466785280815826, 0.2557011698983284),
    (3.314825187068521, 2.896124015972201, 0.9986419139977817),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895),
    (1.221224509226641, 6.019134481288629, 12.53708332932087, -0.687886036105895, 1.0),
)
SOLVES = (
    (),
    (-5.6688,),
    (-2.430093356833875, -0.2063599157091915),
    (-0.1073529058151375, -9.594562251023355, -20.47028614809616),
    (7.496443313967647, -10.24680431464352, -33.99990352819905, 11.7089089320616),
    (8.083246795921522, -7.981132988064893, -31.52159432874371, 16.31930543123136, -6.058818238834054),
)


def rates_of(model: PatientModel, names: tuple[str, ...], p: Any, x: Any) -> Callable[..., Amounts]:
    """Derivatives of the named states as a function of their amounts and the infusion; the others stay at `x`."""
    at = [model.State._fields.index(s) for s in names]  # type: ignore[attr-defined]

    def rates(*arguments: Any) -> Amounts:
        *amounts, infusion = arguments
        state = replace(x, **dict(zip(names, amounts, strict=True)))
        d = model.rates(0.0, state, p, infusion)
        return tuple(d[i] for i in at)

    return rates


def rosenbrock_step(f: Any, nonzero: sparse.Pattern, y: Amounts, h: Any) -> Amounts:
    """One RODAS step of y' = f(y); a step of length 0 returns `y`."""
    n, hg = len(y), h * GAMMA
    matrix = {ij: -hg * v for ij, v in sparse.jacobian(f, y, nonzero).items()}
    for i in range(n):
        matrix[i, i] = 1.0 + matrix.get((i, i), 0.0)
    factors = sparse.factor(matrix, n)
    stages: list[list[Any]] = []

    def plus(base: Any, weights: tuple[float, ...]) -> list[Any]:
        return [sum((w * k[i] for w, k in zip(weights, stages, strict=True)), start=v) for i, v in enumerate(base)]

    for looks, solves in zip(LOOKS, SOLVES, strict=True):
        slope = f(*plus(y, looks))
        right = plus([hg * v for v in slope], tuple(GAMMA * c for c in solves))
        stages.append(sparse.solve(factors, right))
    return tuple(plus(y, (*LOOKS[-1], 1.0)))


def saturable(model: PatientModel, p: Any, x: Any) -> Callable[..., tuple[Amounts, Amounts]]:
    """`(amounts, infusion, h, prepared) -> (middle, end)` by one implicit step."""
    rates, n = rates_of(model, model.saturable, p, x), len(model.saturable)
    nonzero = sparse.pattern(lambda *amounts: rates(*amounts, 1.0), n)

    def propagate(start: Amounts, infusion: Any, h: Any, _: Any) -> tuple[Amounts, Amounts]:
        def f(*amounts: Any) -> Amounts:
            return rates(*amounts, infusion)

        end = rosenbrock_step(f, nonzero, start, h)
        ends = zip(start, end, f(*start), f(*end), strict=True)
        return tuple((a + b) / 2 + h / 8 * (da - db) for a, b, da, db in ends), end

    return propagate


def linear(start: Amounts, infusion: Any, h: Any, half: Any) -> tuple[Amounts, Amounts]:
    """Amounts in the middle and at the end of a step whose halves are `half` (of `exponential`)."""
    e, b = half
    n = range(len(start))

    def propagate(a: Amounts) -> Amounts:
        return tuple(a[i] + (sum(e[i][j] * a[j] for j in n) + b[i] * infusion) for i in n)

    middle = propagate(start)
    return middle, propagate(middle)


def linear_system(model: PatientModel, p: Any, x: Any) -> tuple[list[list[Any]], list[Any]]:
    """Matrix of the linear kinetics and its input column, from derivatives of `rates`."""
    zero, n = jnp.zeros_like(x[0]), len(model.linear)
    rates = rates_of(model, model.linear, p, x)
    columns = []
    for j in range(n + 1):
        tangents = tuple(jnp.ones_like(zero) if k == j else zero for k in range(n + 1))
        columns.append(jax.jvp(lambda *a: tuple(d + zero for d in rates(*a)), (zero,) * (n + 1), tangents)[1])
    return [[columns[j][i] for j in range(n)] for i in range(n)], list(columns[-1])


def exponential(matrix: list[list[Any]], column: list[Any], h: Any) -> tuple[list[list[Any]], list[Any]]:
    """e^(A·h) − 1 and ∫e^(A·s)ds·b over the step, for steps `h[K]`: Taylor with scaling and squaring.

    The identity is left out, because float32 would round away what a short step changes. The number
    of squarings follows each step's own norm, because every squaring doubles the rounding error.
    """
    n = len(matrix)
    size = range(n + 1)
    norm = sum(jnp.abs(v) for row in matrix for v in row) * h
    squarings = jnp.clip(jnp.ceil(jnp.log2(jnp.maximum(norm, 1e-6) / 0.5)), 0, 16)
    scaled = h * jnp.exp2(-squarings)
    zero, one = jnp.zeros_like(scaled), jnp.ones_like(scaled)
    a = [[(matrix[i][j] if j < n else column[i]) * scaled if i < n else zero for j in size] for i in size]
    eye = [[one if i == j else zero for j in size] for i in size]

    def times(x: Any, y: Any) -> Any:
        return [[sum(x[i][k] * y[k][j] for k in size) for j in size] for i in size]

    e = eye
    terms = 8 if jnp.finfo(scaled.dtype).bits == 32 else 14  # 0.5ᵏ/k! below rounding
    for order in range(terms, 1, -1):  # Horner's form of Σ aᵏ/k!, k ≥ 1
        e = [[v / order + eye[i][j] for j, v in enumerate(row)] for i, row in enumerate(times(a, e))]
    e = times(a, e)

    def square(i: Any, e: Any) -> Any:
        """(1 + e)² − 1 where this step still needs it."""
        product = times(e, e)
        return [[jnp.where(i < squarings, 2 * e[r][c] + product[r][c], e[r][c]) for c in size] for r in size]

    e = jax.lax.fori_loop(0, jnp.max(squarings).astype(int), square, e)
    return [row[:n] for row in e[:n]], [row[n] for row in e[:n]]
