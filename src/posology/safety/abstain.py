"""When to hand back to the clinician: outside the model's population, missing or too old values.

Plain Python on what is known of one patient, before any model runs. The shield abstains too, when
no dose and no delay is allowed; its reason is `nothing_allowed`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from posology.patients.model import Covariate, PatientModel

OLDEST = {"anc": 7.0}  # days; the same age as the gate of `limits.anc_gate`


class Check(NamedTuple):
    """`reason`: why nothing is recommended, or None; `missing`: what the record does not hold.

    `missing` also names covariates for which the model has a reference value: it is used, and said.
    """

    reason: str | None
    missing: list[str]


def abstain(
    model: PatientModel,
    values: Mapping[str, float | None],
    ages: Mapping[str, float | None] | None = None,
    oldest: Mapping[str, float] | None = None,
) -> Check:
    """Whether `model` may speak about a patient with these latest values.

    Args:
        model: whose covariates bound the population.
        values: covariates and laboratory values by name, in the model's units; None or NaN: missing.
        ages: days since each laboratory value was measured.
        oldest: laboratory values a decision needs, with the greatest age in days; `OLDEST` unless given.

    Returns:
        A `Check`; its reason joins all that apply into one sentence.
    """
    oldest = OLDEST if oldest is None else oldest
    reasons = [_covariate(covariate, values, model.id) for covariate in model.covariates]
    reasons += [_laboratory(name, values, ages or {}, days) for name, days in oldest.items()]
    wanted = dict.fromkeys([c.name for c in model.covariates] + list(oldest))
    missing = [name for name in wanted if _absent(values.get(name))]
    found = [reason for reason in reasons if reason]
    return Check("; ".join(found) or None, missing)


def nothing_allowed(bound_by: Sequence[str]) -> str:
    """Why a shield with an empty set abstains, from the names of the limits that closed it."""
    return f"no dose and no delay is allowed ({', '.join(dict.fromkeys(bound_by))}): this needs a clinician's decision"


def _absent(value: Any) -> bool:
    return value is None or math.isnan(value)


def _covariate(covariate: Covariate, values: Mapping[str, float | None], model_id: str) -> str | None:
    value = values.get(covariate.name)
    named = f"{covariate.name} ({covariate.meaning}, {covariate.unit})"
    if value is None or math.isnan(value):
        return f"{named} is missing and {model_id} needs it" if covariate.default is None else None
    if not covariate.low <= value <= covariate.high:
        return (
            f"{covariate.name} is {value:g} {covariate.unit}, outside the population of {model_id} "
            f"({covariate.low:g} to {covariate.high:g} {covariate.unit})"
        )
    return None


def _laboratory(
    name: str, values: Mapping[str, float | None], ages: Mapping[str, float | None], oldest: float
) -> str | None:
    value, age = values.get(name), ages.get(name)
    if value is None or math.isnan(value):
        return f"{name} is missing and the decision needs one of the last {oldest:g} days"
    if not math.isfinite(value) or value < 0:
        return f"{name} is {value:g}, which is impossible; allowed: 0 or more"
    if age is None or math.isnan(age):
        return f"{name} has no date; it must be at most {oldest:g} days old"
    if age < 0:
        return f"{name} is dated {-age:g} days after the decision"
    if age > oldest:
        return f"{name} is {age:g} days old; it must be at most {oldest:g} days old"
    return None
