"""Which inputs moved a choice: Shapley values against a typical patient.

With v(S) the chosen amount when the inputs of S are this patient's and all others a typical patient's, of n inputs

    φ(i) = Σ over S without i of |S|!·(n − |S| − 1)!/n! · (v(S ∪ i) − v(S)),     Σ φ(i) = v(all) − v(none)

Shapley LS, in: Contributions to the Theory of Games II, 1953, 307; one fixed patient in place of what is absent: Sundararajan M,
Najmi A. ICML 2020, arXiv:1908.08474 (baseline Shapley). All 2ⁿ subsets are asked for few inputs. For many, orders in which the
inputs enter are drawn, each with its reverse, and every value carries the standard error of its mean (Castro J et al. Comput
Oper Res 2009;36:1726); the sum is exact there too.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial
from typing import NamedTuple

import numpy as np

EXACT = 10  # inputs up to which all subsets are asked
PAIRS = 32  # of an order and its reverse, where orders are drawn

Worth = Callable[[frozenset[int]], float]


class Attribution(NamedTuple):
    """What each input added to the choice: `values[n]` and their standard errors `errors[n]` (0 where exact), the choice for
    the typical patient and for this one, the `method` (`exact` or `sampled`) and how many subsets were asked."""

    values: np.ndarray
    errors: np.ndarray
    typical: float
    actual: float
    method: str
    asked: int


def attribute(worth: Worth, inputs: int, seed: int = 0) -> Attribution:
    """The Shapley values of `inputs` inputs, where `worth(S)` is the choice when those of S are the patient's own."""
    known: dict[frozenset[int], float] = {}

    def v(subset: frozenset[int]) -> float:
        if subset not in known:
            known[subset] = float(worth(subset))
        return known[subset]

    values, errors = _exact(v, inputs) if inputs <= EXACT else _sampled(v, inputs, seed)
    ends = v(frozenset()), v(frozenset(range(inputs)))
    return Attribution(values, errors, *ends, "exact" if inputs <= EXACT else "sampled", len(known))


def _exact(v: Worth, n: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.zeros(n)
    for row in range(2**n):
        members = frozenset(i for i in range(n) if row >> i & 1)
        share = factorial(len(members)) * factorial(n - len(members) - 1) / factorial(n) if len(members) < n else 0.0
        for i in set(range(n)) - members:
            values[i] += share * (v(members | {i}) - v(members))
    return values, np.zeros(n)


def _sampled(v: Worth, n: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The mean over pairs of an order and its reverse, which differ less than two orders drawn alone."""
    rng, pairs = np.random.default_rng(seed), []
    for _ in range(PAIRS):
        order = rng.permutation(n)
        pairs.append((_along(v, order) + _along(v, order[::-1])) / 2)
    found = np.array(pairs)
    return found.mean(axis=0), found.std(axis=0, ddof=1) / np.sqrt(PAIRS)


def _along(v: Worth, order: np.ndarray) -> np.ndarray:
    """What each input adds when they enter in this order."""
    added, members, before = np.zeros(len(order)), frozenset[int](), v(frozenset())
    for i in order.tolist():
        members = members | {i}
        after = v(members)
        added[i], before = after - before, after
    return added
