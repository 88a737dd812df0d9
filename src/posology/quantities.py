"""Units, published and assumed numbers, parameter tables.

A *table* is a class whose body lists numbers, one per line. It becomes a `NamedTuple`, so that a
population is an array per field and every JAX transformation accepts it, and it keeps for each
field what the number means, its unit, its spread between patients, its source and its status:

    @table
    class Params:
        cl: float = published(0.0047, "L/h/kg", "clearance", cv=0.25, at="Grasela 1985, Table 2")

Equations take `exp`, `log`, `power` and `where` from here, so that one text of an equation runs on
floats, on JAX arrays and, in tests, on dimensioned numbers that refuse to add g to mg.
Nothing here imports JAX until an array arrives: listing models stays fast.
"""

from __future__ import annotations

import math
from collections import namedtuple
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, dataclass_transform

import numpy as np

STATUSES = ("verified", "unverified", "assumed")

T = TypeVar("T")


@dataclass(frozen=True)
class Number:
    """One number of a model or a treatment, with everything a reader needs to judge it.

    `variance` and `occasion_variance` are variances of the natural logarithm, between patients and
    between occasions of one patient; they act on the individual parameter named `acts_on` (the
    number's own symbol unless said).
    """

    value: float
    unit: str
    meaning: str
    status: str
    source: str
    variance: float = 0.0
    occasion_variance: float = 0.0
    acts_on: str = ""


def ln_variance(cv: float) -> float:
    """Variance of the logarithm of a log-normal quantity with coefficient of variation `cv`."""
    return math.log1p(cv * cv)


def _number(status: str, value: float, unit: str, meaning: str, at: str, **spread: Any) -> Any:
    cv, variance = spread.pop("cv", None), spread.pop("variance", None)
    occasion_cv = spread.pop("occasion_cv", None)
    occasion_variance = spread.pop("occasion_variance", None)
    on = spread.pop("on", "")
    if spread:
        raise TypeError(f"a number takes no {', '.join(spread)}")
    if cv is not None and variance is not None:
        raise ValueError(f"{meaning}: give the spread as cv or as variance, not both")
    return Number(
        float(value),
        unit,
        meaning,
        status,
        at,
        ln_variance(cv) if cv is not None else float(variance or 0.0),
        ln_variance(occasion_cv) if occasion_cv is not None else float(occasion_variance or 0.0),
        on,
    )


def published(value: float, unit: str, meaning: str, *, at: str, **spread: Any) -> Any:
    """A number read in the source `at`. Spread: `cv`, or `variance` of ln; `occasion_…` likewise."""
    return _number("verified", value, unit, meaning, at, **spread)


def unverified(value: float, unit: str, meaning: str, *, at: str, **spread: Any) -> Any:
    """A number attributed to `at` that nobody has yet read there: shown as such everywhere."""
    return _number("unverified", value, unit, meaning, at, **spread)


def assumed(value: float, unit: str, meaning: str, *, at: str, **spread: Any) -> Any:
    """A number nobody published; `at` says why this one."""
    return _number("assumed", value, unit, meaning, at, **spread)


def named(unit: str, meaning: str) -> Any:
    """A field without a number of its own: a state, or a parameter that follows from others."""
    return Number(0.0, unit, meaning, "derived", "")


@dataclass_transform(field_specifiers=(published, unverified, assumed, named))
def table(cls: type[T]) -> type[T]:
    """Make a class body that lists `Number`s a `NamedTuple` of floats with a `numbers` mapping."""
    names = list(cls.__annotations__)
    numbers: dict[str, Number] = {}
    for name in names:
        number = getattr(cls, name, None)
        if not isinstance(number, Number):
            raise TypeError(f"{cls.__name__}.{name} needs a number: published, unverified, assumed or named")
        numbers[name] = number
    base = namedtuple(cls.__name__, names, defaults=[n.value for n in numbers.values()])  # type: ignore[misc]
    methods = {k: v for k, v in vars(cls).items() if k not in numbers and k not in ("__dict__", "__weakref__")}
    made = type(cls.__name__, (base,), {**methods, "numbers": numbers, "__slots__": ()})
    return made


def numbers_of(a_table: Any) -> Mapping[str, Number]:
    """The `Number` of each field of a table (class or instance)."""
    return a_table.numbers


def part(a_table: Any, without: tuple[str, ...]) -> type:
    """The table without some of its fields."""
    return _made(a_table, {name: number for name, number in numbers_of(a_table).items() if name not in without})


def together(*tables: Any) -> type:
    """One table with the fields of several, under the name of the first."""
    return _made(tables[0], {name: number for each in tables for name, number in numbers_of(each).items()})


def _made(named_as: Any, rows: Mapping[str, Number]) -> type:
    about = {"__annotations__": dict.fromkeys(rows, float), "__module__": named_as.__module__}
    return table(type(named_as.__name__, (), {**about, **rows}))


def replace(row: T, **changes: Any) -> T:
    """The same table row with some fields changed."""
    return row._replace(**changes)  # type: ignore[attr-defined]


def _call(name: str, x: Any, *more: Any) -> Any:
    if isinstance(x, (float, int)):
        return getattr(math, name)(x, *more)
    if hasattr(x, "dimensionality"):  # a dimensioned number: must be a pure number here
        return _call(name, float(x.to("dimensionless").magnitude), *more)
    import jax.numpy as jnp

    return getattr(jnp, name)(x, *more)


def exp(x: Any) -> Any:
    """Exponential of a pure number."""
    return _call("exp", x)


def log(x: Any) -> Any:
    """Natural logarithm of a pure number."""
    return _call("log", x)


def power(x: Any, y: Any) -> Any:
    """`x**y` of pure numbers with `x > 0`, as exp(y·ln x), which compilers vectorise."""
    return exp(y * log(x))


def where(condition: Any, yes: Any, no: Any) -> Any:
    """`yes` where the condition holds, else `no`."""
    if isinstance(condition, (bool, np.bool_)):
        return yes if condition else no
    import jax.numpy as jnp

    return jnp.where(condition, yes, no)


def maximum(x: Any, y: Any) -> Any:
    """The larger of two quantities of the same unit."""
    return where(x > y, x, y)


def minimum(x: Any, y: Any) -> Any:
    """The smaller of two quantities of the same unit."""
    return where(x < y, x, y)
