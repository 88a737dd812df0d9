"""From an adult of 70 kg to a child: size by allometry, age by the maturation of the organ that clears a drug.

    clearance = CL_std·(weight/70)^0.75·F(PMA)       F = PMA^γ/(PMA^γ + TM50^γ)
    volume    = V_std·(weight/70)                     rate constants follow: ∝ (weight/70)^−0.25

PMA is the postmenstrual age, 40 weeks at birth at term. Exponents: Anderson BJ, Holford NHG. Annu Rev Pharmacol Toxicol
2008;48:303. Maturation of the glomerular filtration: Rhodin 2009, doi:10.1007/s00467-008-0997-5 (attributed, not read here).
"""

from __future__ import annotations

from typing import Any

from posology.patients.effects import hill
from posology.quantities import power


def allometry(weight: Any, standard: Any, exponent: Any) -> Any:
    """(weight/standard)^exponent: what a clearance (exponent 0.75) or a volume (1) is multiplied by."""
    return power(weight / standard, exponent)


def maturation(pma: Any, half: Any, slope: Any) -> Any:
    """The share of the mature clearance at a postmenstrual age, half of it at `half` (in the same unit)."""
    return hill(pma, half, slope)
