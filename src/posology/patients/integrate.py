"""A patient's state after a schedule of steps.

The kinetics go first, in the way the model names (`kinetics.py`): `exact+rk4` for linear, `rosenbrock+rk4`
for saturable ones. The cells never act back on them, so the classical Runge-Kutta method of order 4
follows with the amounts at the start, the middle and the end of the step.

States that fall by many orders of magnitude are stepped as logarithms or as multiples of one that is
(`PatientModel.logarithmic`, `.relative`): a marrow under a high dose keeps its last cells in float32.
A multiple u obeys u' = a·u + b with an a that no explicit step follows; it moves by exponentials instead,
in the commutator-free version of the same Runge-Kutta method (Celledoni, Marthinsen and Owren, Future
Gener Comput Syst 2003;19:341). All functions are for one patient and pure; the caller vmaps.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from posology.patients import kinetics, sparse
from posology.patients.dosing import Schedule
from posology.patients.model import PatientModel

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


class Slope(NamedTuple):
    """Of the states that are stepped as they are, `plain`; of the multiples u, `a` and `b` in u' = a·u + b."""

    plain: list[Any]
    a: list[Any]
    b: list[Any]


Terms = tuple[float, Slope]


def _moved(x: list[Any], h: Any, *terms: Terms) -> list[Any]:
    return [v + h * sum(w * k.plain[i] for w, k in terms) for i, v in enumerate(x)]


def _carried(u: list[Any], h: Any, *terms: Terms) -> list[Any]:
    """u after a step under the weighted mean of slopes, exactly: u + (z·u + h·b)·(e^z − 1)/z, z = h·a."""
    moved = []
    for i, v in enumerate(u):
        z, forcing = (h * sum(w * k[part][i] for w, k in terms) for part in (1, 2))
        moved.append(v + (z * v + forcing) * exponential_mean(z))
    return moved


def exponential_mean(z: Any) -> Any:
    """(e^z − 1)/z with e^z = 1/(1 − z + z²/2 − ... + z⁶/720): smooth at 0, falls to 0 at −∞, has no pole."""
    top = jnp.ones_like(z)
    for k in (6, 5, 4, 3, 2):
        top = 1 - z / k * top
    return top / (1 - z * top)


def _step(coordinates: Coordinates, p: Any, x: Any) -> Any:
    """`(y, h, infusion, prepared) -> y` after one step of length `h`; one of length 0 changes nothing."""
    model = coordinates.model
    fields = model.State._fields  # type: ignore[attr-defined]
    drug = [fields.index(s) for s in model.saturable or model.linear]
    ratio = [fields.index(s) for s in model.relative]
    plain = [i for i in range(len(fields)) if i not in (*drug, *ratio)]
    propagate = kinetics.saturable(model, p, x) if model.saturable else kinetics.linear
    # The compiler repeats cheap arithmetic in each loop that uses a result, and keeps the result of a
    # division. So slopes are divided by a one that it does not see through, which saves their repetition.
    one = 1 + 0 * jax.lax.stop_gradient(p[0])

    def merged(*parts: Any) -> list[Any]:
        return [v for _, v in sorted(zip(drug + plain + ratio, [v for part in parts for v in part], strict=True))]

    def step(y: tuple[Any, ...], h: Any, infusion: Any, prepared: Any) -> tuple[Any, ...]:
        f = coordinates.rates(p, infusion)
        start = tuple(y[i] for i in drug)
        middle, end = propagate(start, infusion, h, prepared)
        z, u = [y[i] for i in plain], [y[i] for i in ratio]

        def slopes(amounts: Any, z: list[Any], u: list[Any]) -> Slope:
            d, a = jax.jvp(lambda *u: f(*merged(amounts, z, u)), tuple(u), tuple(map(jnp.ones_like, u)))
            rest = [(d[i] - a[i] * v) / one for i, v in zip(ratio, u, strict=True)]
            return Slope([d[i] / one for i in plain], [a[i] / one for i in ratio], rest)

        k1 = slopes(start, z, u)
        early = _carried(u, h, (1 / 2, k1))
        k2 = slopes(middle, _moved(z, h, (1 / 2, k1)), early)
        k3 = slopes(middle, _moved(z, h, (1 / 2, k2)), _carried(u, h, (1 / 2, k2)))
        k4 = slopes(end, _moved(z, h, (1, k3)), _carried(early, h, (-1 / 2, k1), (1, k3)))
        z = _moved(z, h, (1 / 6, k1), (1 / 3, k2), (1 / 3, k3), (1 / 6, k4))
        u = _carried(u, h, (1 / 4, k1), (1 / 6, k2), (1 / 6, k3), (-1 / 12, k4))
        u = _carried(u, h, (-1 / 12, k1), (1 / 6, k2), (1 / 6, k3), (1 / 4, k4))
        return tuple(merged(end, z, u))

    return step


def _shape(tree: Any, like: Any) -> Any:
    return jax.tree.map(lambda v: jnp.asarray(v, like.dtype) + jnp.zeros_like(like), tree)


def prepare(model: PatientModel, p: Any, length: Any) -> Any:
    """What the steps of `length[K]` need of the parameters alone: schedules of equal steps can share it."""
    if model.saturable:
        return ()
    like = jnp.asarray(length[0]) * 0
    p = _shape(p, like)
    matrix, column = kinetics.linear_system(model, p, _shape(model.baseline(p), like))
    return kinetics.exponential(matrix, column, jnp.asarray(length) / 2)


def advance(
    model: PatientModel,
    p: Any,
    x: Any,
    schedule: Schedule,
    key: str | None = None,
    states: bool = False,
    prepared: Any = None,
    recompute: bool = False,
) -> Trace:
    """The state after a schedule, the readings at step ends and the lowest `key` reading.

    Args:
        p: individual parameters of this occasion.
        x: state at the start.
        key: reading whose minimum is followed (the model's first when not given).
        states: keep the states at all step ends.
        prepared: of `prepare` for the same parameters and lengths, when several schedules share it.
        recompute: a reverse derivative works each step out again instead of keeping all that it computed.
    """
    key = key or next(iter(model.reading_units))
    like = jnp.asarray(schedule.length[0]) * 0
    p, x = _shape(p, like), _shape(x, like)
    prepared = prepare(model, p, schedule.length) if prepared is None else prepared
    coordinates = Coordinates(model)
    one_step = _step(coordinates, p, x)
    entry = model.receives

    def slope(y: tuple[Any, ...], infusion: Any) -> tuple[Any, Any]:
        """Key reading and its derivative."""
        d = coordinates.rates(p, infusion)(*y)
        return jax.jvp(lambda *y: model.readings(coordinates.leave(y), p)[key] + 0 * y[0], y, d)

    def body(carry: Any, step: Any) -> Any:
        y, lowest, c0, d0 = carry
        h, rate, bolus, extra = step
        if entry is not None:
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
    body = jax.checkpoint(body, prevent_cse=False) if recompute else body
    (y, lowest, *_), (readings, all_states) = jax.lax.scan(body, (start, first, first, first_slope), steps)
    return Trace(coordinates.leave(y), readings, lowest, all_states)


def runge_kutta(rates: Callable[[Any], Any], x: Any, h: float, steps: int) -> Any:
    """The state `steps` steps of length `h` later, by the classical method of order 4, for equations that need
    nothing better and are not a `PatientModel`'s."""

    def plus(x: Any, by: float, d: Any) -> Any:
        return jax.tree.map(lambda a, b: a + by * b, x, d)

    def one(x: Any, _: Any) -> tuple[Any, None]:
        k1 = rates(x)
        k2 = rates(plus(x, h / 2, k1))
        k3 = rates(plus(x, h / 2, k2))
        k4 = rates(plus(x, h, k3))
        return jax.tree.map(lambda y, a, b, c, d: y + h / 6 * (a + 2 * b + 2 * c + d), x, k1, k2, k3, k4), None

    return jax.lax.scan(one, x, None, length=steps)[0]


def rosenbrock(rates: Callable[[Any], Any], x: Any, h: float, steps: int) -> Any:
    """The same by RODAS with the exact Jacobian, for stiff equations; `x` is a named tuple of numbers."""
    of_tuple = lambda *y: tuple(rates(type(x)(*y)))  # noqa: E731
    nonzero = sparse.pattern(of_tuple, len(x))
    one = lambda y, _: (kinetics.rosenbrock_step(of_tuple, nonzero, y, h), None)  # noqa: E731
    return type(x)(*jax.lax.scan(one, tuple(x), None, length=steps)[0])
