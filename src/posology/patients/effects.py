"""How much a concentration does: the sigmoid curve that drugs share."""

from __future__ import annotations

from typing import Any

from posology.quantities import exp, log, maximum, minimum

LEAST_RATIO = 1e-12  # of dose to half: stands for no drug, whose logarithm there is not
LARGEST_LOG = 80.0  # of (dose/half)^slope: the effect is 1 long before, and e^80 still fits float32


def hill(dose: Any, half: Any, slope: Any) -> Any:
    """dose^slope/(half^slope + dose^slope): the share of the largest effect, 0 to 1.

    `dose` and `half`, the dose of half that effect, are concentrations, exposures or doses of one unit.
    """
    ratio = exp(minimum(slope * log(maximum(dose / half, LEAST_RATIO)), LARGEST_LOG))
    return ratio / (1 + ratio)
