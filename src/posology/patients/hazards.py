"""What can end a patient's course, as part of a model."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Hazards:
    """Causes of the end of a course, and at which rate each acts.

    `rates(t, x, p)` gives one rate per cause, in 1 per time unit of the model, for a patient with individual parameters `p` at
    `t` > 0 since the start of treatment. `x` is the state at that time, or at `landmark` where that was earlier: the hazard is
    known by what was seen until then. In a model in steps `x` is the state at the end of a step, and the rate that of the step.
    """

    causes: tuple[str, ...]
    rates: Callable[[Any, Any, Any], dict[str, Any]]
    landmark: float = math.inf

    def __call__(self, t: Any, x: Any, p: Any) -> dict[str, Any]:
        """The hazard of each cause."""
        return self.rates(t, x, p)

    def in_parts(self, parts: float) -> Hazards:
        """The same where time is counted in so many parts of the unit."""
        each = lambda t, x, p: {cause: rate / parts for cause, rate in self.rates(t / parts, x, p).items()}  # noqa: E731
        return Hazards(self.causes, each, self.landmark * parts)
