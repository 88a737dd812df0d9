"""Small sparse linear algebra that is unrolled at compile time.

A patient's Jacobian has a dozen states and few non-zeros. Written out entry by entry, without the
zeros, each operation is one vector instruction over the whole population.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import jax

Pattern = frozenset[tuple[int, int]]
Entries = dict[tuple[int, int], Any]


def pattern(f: Callable[..., tuple[Any, ...]], n: int) -> Pattern:
    """Which outputs of `f` (n scalars to n scalars) depend on which inputs, read from its program."""
    program = jax.make_jaxpr(f)(*[0.0] * n).jaxpr
    reach: dict[Any, frozenset[int]] = {v: frozenset({i}) for i, v in enumerate(program.invars)}

    def of(v: Any) -> frozenset[int]:
        return frozenset() if hasattr(v, "val") else reach.get(v, frozenset())

    for equation in program.eqns:
        through: frozenset[int] = frozenset().union(*map(of, equation.invars)) if equation.invars else frozenset()
        for v in equation.outvars:
            reach[v] = through
    return frozenset((i, j) for i, v in enumerate(program.outvars) for j in of(v))


@lru_cache(maxsize=256)
def order(nonzero: Pattern, n: int) -> tuple[int, ...]:
    """An elimination order with little fill-in (Markowitz: the cheapest pivot first)."""
    alive, entries, chosen = set(range(n)), set(nonzero) | {(i, i) for i in range(n)}, []
    while alive:

        def cost(k: int) -> tuple[int, int]:
            rows = sum((i, k) in entries for i in alive if i != k)
            columns = sum((k, j) in entries for j in alive if j != k)
            return rows * columns, k

        k = min(alive, key=cost)
        alive.remove(k)
        chosen.append(k)
        entries |= {(i, j) for i in alive if (i, k) in entries for j in alive if (k, j) in entries}
    return tuple(chosen)


def factor(matrix: Entries, n: int) -> tuple[Entries, tuple[int, ...]]:
    """LU factors of a sparse matrix with a dominant diagonal (no pivoting).

    Pivots divide; their inverses would be cheaper to apply. But the compiler repeats cheap arithmetic
    in each loop that uses a result, and keeps the result of a division: five times the speed.
    """
    sequence = order(frozenset(matrix), n)
    lu = dict(matrix)
    for position, k in enumerate(sequence):
        later = sequence[position + 1 :]
        for i in later:
            if (i, k) in lu:
                lu[i, k] = lu[i, k] / lu[k, k]
                for j in later:
                    if (k, j) in lu:
                        step = lu[i, k] * lu[k, j]
                        lu[i, j] = lu[i, j] - step if (i, j) in lu else -step
    return lu, sequence


def solve(factors: tuple[Entries, tuple[int, ...]], b: list[Any]) -> list[Any]:
    """Solve with the factors of `factor`."""
    lu, sequence = factors
    x = list(b)
    for position, k in enumerate(sequence):
        for i in sequence[position + 1 :]:
            if (i, k) in lu:
                x[i] = x[i] - lu[i, k] * x[k]
    for position in range(len(sequence) - 1, -1, -1):
        k = sequence[position]
        for j in sequence[position + 1 :]:
            if (k, j) in lu:
                x[k] = x[k] - lu[k, j] * x[j]
        x[k] = x[k] / lu[k, k]
    return x


def jacobian(f: Callable[..., tuple[Any, ...]], x: tuple[Any, ...], nonzero: Pattern) -> Entries:
    """The entries of ∂f/∂x in `nonzero`, one forward derivative per column that is needed."""
    entries: Entries = {}
    one = jax.numpy.ones_like(x[0])
    for j in sorted({j for _, j in nonzero}):

        def column(xj: Any, j: int = j) -> tuple[Any, ...]:
            return f(*x[:j], xj, *x[j + 1 :])

        _, tangent = jax.jvp(column, (x[j],), (one,))
        for i, tangent_i in enumerate(tangent):
            if (i, j) in nonzero:
                entries[i, j] = tangent_i
    return entries
