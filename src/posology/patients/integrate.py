"""The one file that knows a solver: a patient's state after a schedule of steps.

Two methods, named by the model:

- `exact+rk4`: the linear kinetics are propagated by the matrix exponential of each half step; the
  other states by the classical Runge-Kutta method of order 4 with the exact kinetics at its stages.
- `rosenbrock`: Hairer and Wanner's linearly implicit RODAS (Solving Ordinary Differential Equations
  II, section VI.4: order 4, stiffly accurate, six evaluations) with the exact sparse Jacobian, for
  kinetics that saturate. Stiffly accurate, because a concentration that follows the tissues at once is
  met to order 2 only by a method that is not.

States that fall by many orders of magnitude are stepped as logarithms or as multiples of one that is
(`PatientModel.logarithmic`, `.relative`): a marrow under a high dose keeps its last cells in float32.
All functions are for one patient and pure; the caller vmaps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.patients import sparse
from posology.patients.dosing import Schedule
from posology.patients.model import PatientModel
from posology.quantities import replace

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

SMALLEST_LOG = -60.0  # of a state stepped as a logarithm: e^-60 of a cell count is none, and fits float32


class Trace(NamedTuple):
    """What happened during a schedule: the last state, the readings at each step end (`[K]` each), the
    lowest value of the key reading in between, by cubic interpolation inside the steps, and, when
    asked for, the states at each step end."""

    state: Any
    readings: dict[str, Any]
    lowest: Any
    states: Any = None


class Coordinates(NamedTuple):
    """Between states and the numbers that are stepped."""

    model: PatientModel

    def _indices(self) -> tuple[list[int], dict[int, int]]:
        at = self.model.State._fields.index  # type: ignore[attr-defined]
        return [at(s) for s in self.model.logarithmic], {at(s): at(r) for s, r in self.model.relative.items()}

    def enter(self, x: Any) -> tuple[Any, ...]:
        """States → stepped numbers."""
        logs, relative = self._indices()
        y = list(x)
        for i, r in relative.items():
            y[i] = x[i] / x[r]
        for i in logs:
            y[i] = jnp.log(x[i])
        return tuple(y)

    def leave(self, y: tuple[Any, ...]) -> Any:
        """Stepped numbers → states."""
        logs, relative = self._indices()
        x = list(y)
        for i in logs:
            x[i] = jnp.exp(jnp.maximum(y[i], SMALLEST_LOG))
        for i, r in relative.items():
            x[i] = y[i] * x[r]
        return self.model.State(*x)

    def rates(self, p: Any, infusion: Any) -> Any:
        """Derivative of the stepped numbers as a function of them."""
        logs, relative = self._indices()

        def derivative(*y: Any) -> tuple[Any, ...]:
            x = self.leave(y)
            d = list(self.model.rates(0.0, x, p, infusion))
            # times e^-y, not divided by x: the derivative of a division squares x, which underflows
            inverse = {i: jnp.exp(-jnp.maximum(y[i], SMALLEST_LOG)) for i in logs}
            for i in logs:
                d[i] = d[i] * inverse[i]
            for i, r in relative.items():
                d[i] = d[i] * inverse[r] - y[i] * d[r]
            return tuple(d)

        return derivative


def rosenbrock_step(f: Any, nonzero: sparse.Pattern, y: tuple[Any, ...], h: Any) -> tuple[Any, ...]:
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


def linear_system(model: PatientModel, p: Any, x: Any) -> tuple[list[list[Any]], list[Any]]:
    """Matrix of the linear kinetics and its input column, from derivatives of `rates`."""
    names = model.linear
    zero = jnp.zeros_like(x[0])
    at = [model.State._fields.index(s) for s in names]  # type: ignore[attr-defined]

    def block(*args: Any) -> tuple[Any, ...]:
        *amounts, infusion = args
        state = replace(x, **dict(zip(names, amounts, strict=True)))
        d = model.rates(0.0, state, p, infusion)
        return tuple(d[i] + zero for i in at)

    start = [zero] * (len(names) + 1)
    columns = []
    for j in range(len(start)):
        tangents = [jnp.ones_like(zero) if k == j else zero for k in range(len(start))]
        columns.append(jax.jvp(block, tuple(start), tuple(tangents))[1])
    matrix = [[columns[j][i] for j in range(len(names))] for i in range(len(names))]
    return matrix, list(columns[-1])


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


def lowest_inside(c0: Any, c1: Any, d0: Any, d1: Any, h: Any) -> Any:
    """Minimum over a step of the cubic with end values `c0, c1` and end slopes `d0, d1`."""
    a, b = h * d0, h * d1
    second, third = 3 * (c1 - c0) - 2 * a - b, 2 * (c0 - c1) + a + b
    under = second * second - 3 * a * third
    real = under > 0
    root = jnp.where(real, jnp.sqrt(jnp.where(real, under, 1.0)), 0.0)  # √0 has no derivative
    # the root of a + 2·second·s + 3·third·s² with positive curvature, in the form that does not cancel
    s = -a / jnp.where(jnp.abs(second + root) > 1e-30, second + root, 1e-30)
    inside = (s > 0) & (s < 1)
    s = jnp.where(inside, s, 0.0)
    value = c0 + s * (a + s * (second + s * third))
    return jnp.where(inside, jnp.minimum(jnp.minimum(c0, c1), value), jnp.minimum(c0, c1))


def _shape(tree: Any, like: Any) -> Any:
    return jax.tree.map(lambda v: jnp.asarray(v, like.dtype) + jnp.zeros_like(like), tree)


def prepare(model: PatientModel, p: Any, length: Any) -> Any:
    """What the steps of `length[K]` need of the parameters alone: schedules of equal steps can share it."""
    if model.solver == "rosenbrock":
        return ()
    like = jnp.asarray(length[0]) * 0
    p = _shape(p, like)
    matrix, column = linear_system(model, p, _shape(model.baseline(p), like))
    return exponential(matrix, column, jnp.asarray(length) / 2)


def advance(
    model: PatientModel,
    p: Any,
    x: Any,
    schedule: Schedule,
    key: str | None = None,
    states: bool = False,
    prepared: Any = None,
) -> Trace:
    """The state after a schedule, the readings at step ends and the lowest `key` reading.

    Args:
        p: individual parameters of this occasion.
        x: state at the start.
        key: reading whose minimum is followed (the model's first when not given).
        states: keep the states at all step ends.
        prepared: of `prepare` for the same parameters and lengths, when several schedules share it.
    """
    key = key or next(iter(model.reading_units))
    like = jnp.asarray(schedule.length[0]) * 0
    p, x = _shape(p, like), _shape(x, like)
    prepared = prepare(model, p, schedule.length) if prepared is None else prepared
    one_step = _rosenbrock(model, p) if model.solver == "rosenbrock" else _exact_rk4(model, p)
    coordinates = Coordinates(model)
    entry = model.State._fields.index(model.entries[model.entry].state)  # type: ignore[attr-defined]

    def slope(y: tuple[Any, ...], infusion: Any) -> tuple[Any, Any]:
        """Key reading and its derivative."""
        d = coordinates.rates(p, infusion)(*y)
        return jax.jvp(lambda *y: model.readings(coordinates.leave(y), p)[key] + 0 * y[0], y, d)

    def body(carry: Any, step: Any) -> Any:
        y, lowest, c0, d0 = carry
        h, rate, bolus, extra = step
        y = (*y[:entry], y[entry] + bolus, *y[entry + 1 :])
        y = one_step(y, h, rate, extra)
        c1, d1 = slope(y, rate)
        lowest = jnp.minimum(lowest, lowest_inside(c0, c1, d0, d1, h))
        x = coordinates.leave(y)
        return (y, lowest, c1, d1), (model.readings(x, p), x if states else None)

    # A jump of the input changes no reading that is followed at once, nor its slope: end and start agree.
    start = coordinates.enter(x)
    first, first_slope = slope(start, like)
    steps = (schedule.length, schedule.rate, schedule.bolus, prepared)
    (y, lowest, *_), (readings, all_states) = jax.lax.scan(body, (start, first, first, first_slope), steps)
    return Trace(coordinates.leave(y), readings, lowest, all_states)


def _rosenbrock(model: PatientModel, p: Any) -> Any:
    coordinates = Coordinates(model)
    n = len(model.State._fields)  # type: ignore[attr-defined]
    nonzero = sparse.pattern(coordinates.rates(p, 1.0), n)

    def step(y: tuple[Any, ...], h: Any, rate: Any, _: Any) -> tuple[Any, ...]:
        return rosenbrock_step(coordinates.rates(p, rate), nonzero, y, h)

    return step


def _exact_rk4(model: PatientModel, p: Any) -> Any:
    coordinates = Coordinates(model)
    fields = model.State._fields  # type: ignore[attr-defined]
    linear = [fields.index(s) for s in model.linear]
    rest = [i for i in range(len(fields)) if i not in linear]

    def propagate(amounts: list[Any], rate: Any, half: Any) -> list[Any]:
        e, b = half
        n = range(len(amounts))
        return [amounts[i] + (sum(e[i][j] * amounts[j] for j in n) + b[i] * rate) for i in n]

    def step(y: tuple[Any, ...], h: Any, rate: Any, half: Any) -> tuple[Any, ...]:
        start = [y[i] for i in linear]
        middle = propagate(start, rate, half)
        end = propagate(middle, rate, half)
        f = coordinates.rates(p, rate)

        def slopes(amounts: list[Any], others: list[Any]) -> list[Any]:
            full = list(y)
            for i, v in zip(linear + rest, amounts + others, strict=True):
                full[i] = v
            d = f(*full)
            return [d[i] for i in rest]

        z = [y[i] for i in rest]
        k1 = slopes(start, z)
        k2 = slopes(middle, [a + h / 2 * k for a, k in zip(z, k1, strict=True)])
        k3 = slopes(middle, [a + h / 2 * k for a, k in zip(z, k2, strict=True)])
        k4 = slopes(end, [a + h * k for a, k in zip(z, k3, strict=True)])
        z = [
            a + h / 6 * (b + 2 * c + 2 * d + e)
            for a, b, c, d, e in zip(z, k1, k2, k3, k4, strict=True)
        ]
        full = list(y)
        for i, v in zip(linear + rest, end + z, strict=True):
            full[i] = v
        return tuple(full)

    return step
