"""What if this dose were given: the expected course of the key reading, day by day: one regimen of `courses.py`."""

from __future__ import annotations

from typing import Any

from posology.bedside.consult import DRAWS, At
from posology.bedside.courses import courses
from posology.data.record import Record
from posology.environments.treatment import Treatment

SAME = ("dose", "unit", "label", "mg", "forbidden_by")


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
    found = courses(treatment, record, [{"dose": dose}], at, draws, research)
    [one] = found["regimens"]
    reading, daily = one["readings"][treatment.key], [i for i, t in enumerate(one["time"]) if t == int(t)]
    return {
        "treatment": treatment.id,
        "patient": record.id,
        **{k: one[k] for k in SAME},
        "reading": treatment.key,
        "reading_unit": reading["unit"],
        "days": list(range(len(daily))),
        "percentiles": {q: [curve[i] for i in daily] for q, curve in reading["percentiles"].items()},
        "disclaimer": found["disclaimer"],
    }
