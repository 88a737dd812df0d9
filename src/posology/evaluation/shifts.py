"""Another world to judge in, for `trial --shift`: changed numbers of a model, or another model.

`nab-paclitaxel-structure` gives the patients of Chen 2014 (plain Friberg marrow, its own kinetics) to a
policy made for solvent-based paclitaxel, and `paclitaxel-structure` the reverse. A mg of one is not a mg
of the other: the dose that the policy names is given times the ratio of the two full doses, 260 to 200
mg/m², over the infusion time of the drug that the patients were studied on: the standard of one is the
standard of the other. Nothing else is matched, so that the patients are as sensitive as their own
source says. The history, and so the observation, holds the dose as the policy named it, and every
covariate that the trained treatment observes is drawn as there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from dataclasses import replace as with_changes
from typing import Any

from posology.environments.protocol import TreatmentEnvironment
from posology.environments.treatment import Treatment
from posology.environments.treatments import nab_paclitaxel_cycles, paclitaxel_cycles
from posology.patients.model import PatientModel
from posology.quantities import numbers_of, table


@dataclass(frozen=True)
class Shift:
    """Factors on typical values, and on all variances between patients and occasions.

    Or the patients of another treatment, `of`, instead of those of the model `instead_of`; a dose then
    counts `per_mg` times.
    """

    title: str
    factors: dict[str, float] = field(default_factory=dict)
    variance: float = 1.0
    of: Treatment | None = None
    instead_of: str = ""
    per_mg: float = 1.0


SHIFTS: dict[str, Shift] = {
    "slope-plus-30": Shift("drug effect per concentration 30 % higher", {"sl": 1.3}),
    "slope-minus-30": Shift("drug effect per concentration 30 % lower", {"sl": 0.7}),
    "variability-times-1.5": Shift("all variances 1.5 times as large", variance=1.5),
    "nab-paclitaxel-structure": Shift(
        "the nab-paclitaxel patients of Chen 2014, doses times 260/200 over half an hour",
        of=nab_paclitaxel_cycles.TREATMENT,
        instead_of="paclitaxel-henrich2017",
        per_mg=260 / 200,
    ),
    "paclitaxel-structure": Shift(
        "the paclitaxel patients of Henrich 2017, doses times 200/260 over 3 hours",
        of=paclitaxel_cycles.TREATMENT,
        instead_of="nab-paclitaxel-chen2014",
        per_mg=200 / 260,
    ),
}


def shifted(model: PatientModel, name: str) -> PatientModel:
    """The model under the shift of that name.

    Raises:
        ValueError: for an unknown shift, or one whose parameter the model lacks.
    """
    if name not in SHIFTS:
        raise ValueError(f"unknown shift '{name}'; known: {', '.join(SHIFTS)}")
    shift = SHIFTS[name]
    if shift.of:
        return _other(model, name, shift, shift.of.model)
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


def _other(model: PatientModel, name: str, shift: Shift, other: PatientModel) -> PatientModel:
    """The other model, whose entry counts a mg as many as the two drugs' full doses differ by."""
    if model.id != shift.instead_of:
        raise ValueError(f"shift '{name}' changes patients of {shift.instead_of}, not of {model.id}")
    entry = other.entries[other.entry]
    return with_changes(other, entries={other.entry: with_changes(entry, per_mg=entry.per_mg * shift.per_mg)})


def judged(treatment: Treatment, name: str) -> TreatmentEnvironment:
    """The treatment on the patients of a shift.

    Raises:
        ValueError: as `shifted`.
    """
    model, other = shifted(treatment.model, name), SHIFTS[name].of
    if other is None:
        return TreatmentEnvironment(treatment, model)
    unknown = {k: v for k, v in other.population.items() if k not in treatment.population}
    return TreatmentEnvironment(treatment, model, unknown, other.standard.duration)
