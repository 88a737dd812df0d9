"""How much arithmetic a compiled program asks for, and how much the machine could do in that time.

XLA counts one floating-point operation per element of an addition, a comparison or a choice, and tells logarithms,
exponentials and other transcendental functions apart: they are not in these numbers, though each takes the time of ten or
more. It counts a loop as if it ran once, so each `scan` is counted here by itself, times its length. What is counted is the
program as written: the compiler repeats cheap arithmetic where that saves memory, which is no use to anybody.

The peak is that of a large product of matrices. Elementwise equations cannot reach it: they use each number once or twice,
wait for divisions, and multiply without adding.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

SIDE = 2048  # of the matrices
REPEATS = 5


def flops(f: Callable[..., Any], *arguments: Any) -> float:
    """Floating-point operations of `f(*arguments)` without transcendental functions; a loop of unknown length runs once."""
    import jax

    return _counted(jax.make_jaxpr(f)(*arguments))


def _counted(program: Any) -> float:
    total = _once(program)
    for body, length in _scans(program.jaxpr):
        total += length * _counted(body) - _once(body)
    return total


def _once(program: Any) -> float:
    """XLA's count, in which every loop runs once."""
    import jax
    from jax.extend import core

    inputs = [jax.ShapeDtypeStruct(v.aval.shape, v.aval.dtype) for v in program.jaxpr.invars]
    found = jax.jit(core.jaxpr_as_fun(program)).lower(*inputs).cost_analysis()
    return float((found or {}).get("flops", 0.0))


def _scans(program: Any) -> Iterator[tuple[Any, int]]:
    """Body and length of every `scan`, those inside another's body left out."""
    from jax.extend import core

    for step in program.eqns:
        if step.primitive.name == "scan":
            yield step.params["jaxpr"], step.params["length"]
        else:
            for inner in core.jaxprs_in_params(step.params):
                yield from _scans(inner)


def peak() -> float:
    """Floating-point operations per second of one core's time, in products of large float32 matrices on all cores."""
    import jax

    one = np.random.default_rng(0).standard_normal((SIDE, SIDE), np.float32)
    product, spent = jax.jit(lambda a: a @ a), []
    jax.block_until_ready(product(one))
    for _ in range(REPEATS):
        core = time.process_time()
        jax.block_until_ready(product(one))
        spent.append(time.process_time() - core)
    return 2 * SIDE**3 / min(spent)
