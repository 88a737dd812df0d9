"""Killing of a tumour by T cells where the ratio of the two decides (de Pillis 2005, 2009; Ghaffari 2016).

    D = d·(L/T)^ell/(s + (L/T)^ell) = d/(1 + s·(T/L)^ell)

The second form needs no division by the tumour, which may vanish. Without T cells there is no killing.
"""

from __future__ import annotations

from typing import Any

from posology.quantities import maximum, power

LEAST_CELLS = 1e-6  # below it D is 0 to any precision, and no division by nothing happens
LEAST_RATIO = 1e-9  # below it D is d to any precision, and a logarithm exists


def lysis(tumour: Any, t_cells: Any, d: Any, ell: Any, s: Any) -> Any:
    """Rate at which T cells kill each tumour cell."""
    return d / (1 + s * power(maximum(tumour / maximum(t_cells, LEAST_CELLS), LEAST_RATIO), ell))
