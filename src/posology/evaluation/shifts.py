"""Another world to judge in: changed numbers of a model, for `trial --shift`."""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from typing import Any

from posology.patients.model import PatientModel
from posology.quantities import numbers_of, table


@dataclass(frozen=True)
class Shift:
    """Factors on typical values, and on all variances between patients and occasions."""

    title: str
    factors: dict[str, float] = field(default_factory=dict)
    variance: float = 1.0


SHIFTS: dict[str, Shift] = {
    "slope-plus-30": Shift("drug effect per concentration 30 % higher", {"sl": 1.3}),
    "slope-minus-30": Shift("drug effect per concentration 30 % lower", {"sl": 0.7}),
    "variability-times-1.5": Shift("all variances 1.5 times as large", variance=1.5),
}


def shifted(model: PatientModel, name: str) -> PatientModel:
    """The model under the shift of that name.

    Raises:
        ValueError: for an unknown shift, or one whose parameter the model lacks.
    """
    if name not in SHIFTS:
        raise ValueError(f"unknown shift '{name}'; known: {', '.join(SHIFTS)}")
    shift = SHIFTS[name]
    numbers = numbers_of(model.Params)
    if lacking := [k for k in shift.factors if k not in numbers]:
        raise ValueError(f"shift '{name}' changes {lacking[0]}, which {model.id} does not have")
    changed: dict[str, Any] = {
        k: with_changes(
            n,
            value=n.value * shift.factors.get(k, 1.0),
            variance=n.variance * shift.variance,
            occasion_variance=n.occasion_variance * shift.variance,
        )
        for k, n in numbers.items()
    }
    params: Any = table(type("Params", (), {"__annotations__": dict.fromkeys(changed, float), **changed}))
    params.__module__ = model.Params.__module__
    return with_changes(model, Params=params)
