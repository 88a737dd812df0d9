"""Kinetics of a drug in a central compartment that exchanges with tissues (mammillary), by clearances and concentrations.

    dcentral/dt = infusion − cl·c − Σᵢ qᵢ·(c − cᵢ),   dtissueᵢ/dt = qᵢ·(c − cᵢ)
"""

from __future__ import annotations

from typing import Any


def mammillary(infusion: Any, c: Any, cl: Any, *tissues: tuple[Any, Any]) -> Any:
    """Derivatives of the amounts in the central compartment and in each of `tissues`, (clearance between, concentration)."""
    exchanges = [q * (c - there) for q, there in tissues]
    central = infusion - cl * c
    for exchange in exchanges:
        central = central - exchange
    return (central, *exchanges)
