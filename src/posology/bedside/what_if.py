"""What if this dose were given: the expected course of the key reading, day by day."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from posology.bedside import options as shown
from posology.bedside.believed import believed
from posology.bedside.consult import DRAWS, At, check_recommendable, decision_time, read
from posology.bedside.forecast import by_day
from posology.bedside.sentences import DISCLAIMER
from posology.bedside.view import closing, seen
from posology.data.record import Record
from posology.environments.ruled import ruled
from posology.environments.spec import Action
from posology.environments.treatment import Treatment
from posology.patients.particles import weighted_quantiles

PERCENTILES = (5, 25, 50, 75, 95)


def what_if(
    treatment: Treatment, record: Record, dose: str | float, at: At = None, draws: int = DRAWS, research: bool = False
) -> dict[str, Any]:
    """The course of the key reading until the next visit under a dose, with no policy asked.

    Args:
        dose: the label of a row of the action table, or an amount in its unit, given as the standard is.
        research: as for `recommend`.

    Returns:
        `percentiles` of the posterior's draws, now and at the end of each day, beside what was given and
        the first limit that forbids it (None: allowed).

    Raises:
        ValueError: for an unknown label or a negative amount, and as `recommend`.
    """
    check_recommendable(treatment, research)
    treatment = ruled(treatment)
    found = read(treatment, record, decision_time(record, at))
    action = action_of(treatment, dose)
    patient = believed(treatment, found, draws)
    option = shown.option(action, patient.covariates)
    values = by_day(treatment, patient, action, option.amount)[:, 0]
    return {
        "treatment": treatment.id,
        "patient": record.id,
        "dose": action.amount,
        "unit": action.unit,
        "label": action.label,
        "mg": option.mg,
        "forbidden_by": closing(treatment, seen(treatment, found).facts, action),
        "reading": treatment.key,
        "reading_unit": treatment.model.reading_units[treatment.key],
        "days": list(range(values.shape[1])),
        "percentiles": dict(zip(map(str, PERCENTILES), _percentiles(values, patient.belief.log_weight), strict=True)),
        "disclaimer": DISCLAIMER,
    }


def action_of(treatment: Treatment, dose: str | float) -> Action:
    """The row of that label, or a dose of that amount given as the standard is.

    Raises:
        ValueError: naming the labels there are.
    """
    for action in treatment.actions:
        if dose == action.label:
            return action
    try:
        amount = float(dose)
    except ValueError:
        labels = ", ".join(a.label for a in treatment.actions)
        raise ValueError(f"dose '{dose}': is neither an amount in {treatment.standard.unit} nor one of: {labels}") from None
    if not 0 <= amount < float("inf"):
        raise ValueError(f"dose {amount:g}: is not allowed; it must be a finite amount of at least 0 {treatment.standard.unit}")
    return replace(treatment.standard, amount=amount, label=f"{amount:g} {treatment.standard.unit}")


def _percentiles(values: np.ndarray, log_weight: Any) -> list[list[float]]:
    weight = np.exp(np.asarray(log_weight, np.float64))
    q = tuple(p / 100 for p in PERCENTILES)
    days = [weighted_quantiles(column, weight / weight.sum(), q) for column in values.T]
    return [[float(f"{v:.5g}") for v in curve] for curve in np.array(days).T]
