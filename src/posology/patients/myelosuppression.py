"""The marrow of Friberg 2002: cells mature through a chain, and the blood count feeds back.

    dP/dt  = ktr·P·(1 − E)·(C0/C)^γ − ktr·P
    dTᵢ/dt = ktr·(Tᵢ₋₁ − Tᵢ),  i = 1..3,  T₀ = P              ktr = 4/MTT
    dC/dt  = ktr·T₃ − ktr·C

`E` is the drug's effect on proliferation. It may exceed 1: then proliferating cells are killed, so
1 − E is never clipped. The feedback is bounded where C falls far below C0 (`BOUNDS`, a design choice).
Friberg LE et al. J Clin Oncol 2002;20:4713, doi:10.1200/JCO.2002.02.140.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from posology.quantities import assumed, maximum, power

LEAST = 1e-4  # of C0: where the feedback ends
BOUNDS = {
    "least": assumed(LEAST, "1", "share of c0 below which the feedback stops rising", at="design choice: too few cells to count")
}


class Marrow(NamedTuple):
    """Derivatives of the five compartments."""

    prol: Any
    t1: Any
    t2: Any
    t3: Any
    circ: Any


def feedback(c0: Any, circ: Any, gamma: Any, least: float = LEAST) -> Any:
    """(C0/C)^γ: few neutrophils in blood speed up proliferation.

    It stops rising at `least`·C0, fewer cells than a laboratory can count: nothing is known of
    marrows there, and the equation as printed lets them grow a thousandfold within hours.
    """
    return power(c0 / maximum(circ, least * c0), gamma)


def maturation(x: Any, ktr: Any) -> tuple[Any, Any, Any, Any]:
    """Derivatives of the transit chain and of the circulating cells."""
    return ktr * (x.prol - x.t1), ktr * (x.t1 - x.t2), ktr * (x.t2 - x.t3), ktr * (x.t3 - x.circ)


def marrow(x: Any, c0: Any, mtt: Any, gamma: Any, effect: Any, least: float = LEAST) -> Marrow:
    """Derivatives of `prol, t1, t2, t3, circ` under a drug effect on proliferation; `least` is where the feedback ends."""
    ktr = 4 / mtt
    division = (1 - effect) * feedback(c0, x.circ, gamma, least)
    t1, t2, t3, circ = maturation(x, ktr)
    return Marrow(ktr * x.prol * (division - 1), t1, t2, t3, circ)
