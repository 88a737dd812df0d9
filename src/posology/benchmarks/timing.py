"""How long a compiled course takes: in blocks of patients that stay in the processor's cache, several in flight, so that all
cores work. Seconds of wall clock, and of all cores' time, which other programs hardly touch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from posology.benchmarks.cohort import Cohort

BLOCK = 512  # patients computed at once
REPEATS, ENOUGH, LONG = 3, 0.1, 10.0  # runs at least; s of them at least, and from which on no more are made


def blocks(patients: Cohort, size: int = BLOCK) -> list[Cohort]:
    """The cohort in equal parts, the last one filled up with the first patients."""
    import jax

    patients = jax.tree.map(np.asarray, patients)
    n = len(patients.amount)
    size = min(size, n)
    parts = [np.arange(i, i + size) % n for i in range(0, n, size)]
    return [jax.device_put(jax.tree.map(lambda v: v[rows], patients)) for rows in parts]


def first(patients: Cohort, n: int) -> Cohort:
    """The first `n` patients."""
    import jax

    return jax.tree.map(lambda v: v[:n], patients)


@contextmanager
def uncached() -> Iterator[None]:
    """Programs that an earlier process compiled are not used."""
    import jax
    from jax.experimental.compilation_cache import compilation_cache

    def use(stored: bool) -> None:
        jax.config.update("jax_enable_compilation_cache", stored)
        compilation_cache.reset_cache()  # whether it is used was decided at the first compilation, for good

    was = jax.config.values["jax_enable_compilation_cache"]
    use(False)
    try:
        yield
    finally:
        use(was)


def compiled(course: Any, part: Cohort) -> tuple[Callable[[Cohort], Any], float]:
    """The program for blocks like this one, and the seconds that tracing and compiling it took."""
    began = time.perf_counter()
    with uncached():
        program = course.lower(part).compile()
    return program, time.perf_counter() - began


def timed(program: Callable[[Cohort], Any], parts: list[Cohort]) -> tuple[float, float]:
    """Seconds of wall clock, the least of a few runs, and of all cores, their mean: what a thread worked is booked late, so that
    the least of many short runs would be too little."""
    import jax

    jax.block_until_ready(program(parts[0]))
    walls: list[float] = []
    core = time.process_time()
    while sum(walls) < LONG and (len(walls) < REPEATS or sum(walls) < ENOUGH):
        wall = time.perf_counter()
        jax.block_until_ready([program(part) for part in parts])
        walls.append(time.perf_counter() - wall)
    return min(walls), (time.process_time() - core) / len(walls)


def growth(course: Any, program: Callable[[Cohort], Any], patients: Cohort) -> tuple[list[dict[str, Any]], float | None]:
    """Seconds for 1, 10, 100 patients and so on up to all of them, and the exponent with which the processor time of the
    larger half of these cohorts grows; none where that is fewer than two. `program` is that for whole blocks."""
    rows = []
    for n in (10**k for k in range(len(str(len(patients.amount))))):
        parts = blocks(first(patients, n))
        whole = len(parts[0].amount) == BLOCK
        wall, core = timed(program if whole else course.lower(parts[0]).compile(), parts)
        rows.append({"patients": n, "seconds": wall, "core_seconds": core})
    upper = rows[len(rows) // 2 :]
    if len(upper) < 2:
        return rows, None
    patients_of, seconds = (np.log([row[k] for row in upper]) for k in ("patients", "core_seconds"))
    return rows, float(np.polyfit(patients_of, seconds, 1)[0])
