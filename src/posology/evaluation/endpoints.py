"""What a trial counts: for each endpoint a numerator and a denominator per training seed and patient.

Grades are those of the neutrophil nadir of a cycle: the lowest count from a dose to the next one.
CTCAE v5.0, "Neutrophil count decreased": grade 1 below the lower limit of normal to 1.5, grade 2
below 1.5 to 1.0, grade 3 below 1.0 to 0.5, grade 4 below 0.5 (10*9/L); a value at a boundary
belongs to the milder grade. The lower limit of normal is the laboratory's; 2.0 is the adult default
assumed here, as in Maier 2021 (doi:10.1002/psp4.12588), where grade 0 stands for too little drug.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from posology.safety import ctcae

GRADE_BOUNDS = ctcae.bounds("anc")  # lower bounds of grades 0, 1, 2 and 3 in 10*9/L; below the last is grade 4
GRADE_SOURCE = (
    f"CTCAE v5.0, neutrophil count decreased; lower limit of normal {GRADE_BOUNDS[0]} x 10^9/L (adult default, assumed)"
)
ANC_PERCENTILES = (5, 25, 50, 75, 95)
DOSE_PERCENTILES = (5, 25, 50, 75, 95)

Array = NDArray[np.float64]

LABELS = {
    "grade1to3_share": "Cycles in grade 1-3",
    "grade4_share": "Cycles in grade 4",
    "grade0_share": "Cycles in grade 0",
    "grade1to3_share_cycles_2_6": "Grade 1-3, cycles 2-6",
    "grade4_share_cycles_2_6": "Grade 4, cycles 2-6",
    "grade0_share_cycles_2_6": "Grade 0, cycles 2-6",
    "grade4_ever_share": "Patients ever in grade 4",
    "time_in_range_share": "Time in range",
    "time_below_share": "Time below range",
    "time_above_share": "Time above range",
    "in_range_throughout_share": "Patients in range throughout",
    "cost_days_above_40": "Days above 40 mg/L",
    "mean_dose": "Mean dose",
    "relative_dose_intensity": "Relative dose intensity",
    "return": "Return",
}
# Where more is better (+1) or worse (-1); an endpoint not named here is shown without a verdict.
DIRECTION = {
    "grade1to3_share": 1,
    "grade4_share": -1,
    "grade0_share": -1,
    "grade1to3_share_cycles_2_6": 1,
    "grade4_share_cycles_2_6": -1,
    "grade0_share_cycles_2_6": -1,
    "grade4_ever_share": -1,
    "time_in_range_share": 1,
    "time_below_share": -1,
    "time_above_share": -1,
    "in_range_throughout_share": 1,
    "return": 1,
}
# Terms that hold the days below, in and above a therapeutic window; together they are all days.
DAYS = {"time_below_share": "days_below", "time_in_range_share": "days_in_range", "time_above_share": "days_above"}


class Ratio(NamedTuple):
    """An endpoint before it is summed: numerator and denominator [S, N], and the unit of their ratio."""

    numerator: Array
    denominator: Array
    unit: str


@dataclass(frozen=True, eq=False)
class Outcome:
    """What one arm did to the patients of a trial: S training seeds, N patients, T decisions.

    `nadir` [S, N, T]: lowest true neutrophil count (10*9/L) from a dose to the next, NaN where no
    dose was given or the patient had left; None for a treatment that does not count neutrophils.
    `dose` and `dosed` [S, N, T]: amount in `dose_unit`, and whether a dose was given (for a question of
    levels, whether the decision took place). `reward` [S, N]: return of
    the course. `terms` name -> [S, N, T] (0 after the end), `costs` name -> [S, N] (per course).
    `anc` [5, K]: 5, 25, 50, 75 and 95 % of the count, or of another key `reading`, over patients on
    `anc_days` [K].
    `bound` limit -> how many decisions it bound. `planned_dose`: what the standard regimen plans for
    the whole course; NaN leaves relative dose intensity out.
    Raises ValueError for shapes that disagree and for values that are not finite.
    """

    nadir: Array | None
    dose: Array
    dosed: NDArray[np.bool_]
    reward: Array
    terms: Mapping[str, Array] = field(default_factory=dict)
    costs: Mapping[str, Array] = field(default_factory=dict)
    anc_days: Array | None = None
    anc: Array | None = None
    bound: Mapping[str, int] = field(default_factory=dict)
    planned_dose: float = np.nan
    dose_unit: str = "mg/m2"
    reading: str = "anc"

    def __post_init__(self) -> None:
        if np.ndim(self.dosed) != 3:
            raise ValueError(f"dosed must be [seeds, patients, decisions], got shape {np.shape(self.dosed)}")
        full, course = np.shape(self.dosed), np.shape(self.dosed)[:2]
        per_decision = {"dose": self.dose} | {f"term {name}": value for name, value in self.terms.items()}
        per_course = {"reward": self.reward} | {f"cost {name}": value for name, value in self.costs.items()}
        for name, value in per_decision.items():
            _check(name, value, full)
        for name, value in per_course.items():
            _check(name, value, course)
        if self.nadir is not None:
            # A count that is not finite under a dose is an error of the simulation, never a grade.
            _check("nadir", np.where(self.dosed, self.nadir, 0.0), full)
        days = 0 if self.anc_days is None else np.size(self.anc_days)
        if self.anc is not None and np.shape(self.anc) != (len(ANC_PERCENTILES), days):
            raise ValueError(f"anc must be [5, days], got {np.shape(self.anc)} for {days} days")

    @property
    def seeds(self) -> int:
        """Training seeds S; 1 for an arm that was not trained."""
        return int(self.dosed.shape[0])

    @property
    def patients(self) -> int:
        """Patients N, the same in every arm."""
        return int(self.dosed.shape[1])


def grades(nadir: Any) -> NDArray[np.int64]:
    """CTCAE grade 0-4 of each nadir in 10*9/L; -1 where it is NaN."""
    values = np.asarray(nadir, float)
    grade = sum((values < bound).astype(int) for bound in GRADE_BOUNDS)
    return np.where(np.isnan(values), -1, grade)


def cycle_numbers(dosed: Any) -> NDArray[np.int64]:
    """The cycle of each decision [S, N, T], counted in doses given: 1 at the first; 0 where none was given."""
    given = np.asarray(dosed, bool)
    return np.cumsum(given, axis=-1) * given


def endpoints(outcome: Outcome) -> dict[str, Ratio]:
    """Every endpoint of an arm, by name, over the whole course."""
    cycle = cycle_numbers(outcome.dosed)
    found: dict[str, Ratio] = {}
    if outcome.nadir is not None:
        found |= _grade_shares(outcome, outcome.dosed, "")
        found |= _grade_shares(outcome, (cycle >= 2) & (cycle <= 6), "_cycles_2_6")
        severe = (grades(outcome.nadir) == 4) & outcome.dosed
        found["grade4_ever_share"] = Ratio(_number(severe.any(-1)), _number(outcome.dosed.any(-1)), "fraction")
    found |= _time_shares(outcome, outcome.dosed)
    found["mean_dose"] = _mean_dose(outcome, outcome.dosed)
    every = np.ones(outcome.reward.shape)
    if np.isfinite(outcome.planned_dose):
        total = _given(outcome, outcome.dosed).sum(-1)
        found["relative_dose_intensity"] = Ratio(total, outcome.planned_dose * every, "fraction")
    found["return"] = Ratio(_number(outcome.reward), every, "per course")
    for name, value in outcome.terms.items():
        found[f"term_{name}"] = Ratio(_number(value).sum(-1), every, "per course")
    for name, value in outcome.costs.items():
        found[f"cost_{name}"] = Ratio(_number(value), every, "per course")
    return found


def cycle_endpoints(outcome: Outcome) -> list[dict[str, Ratio]]:
    """For each cycle (a first, a second dose …): shares of each grade, of grades 1-3, and the mean dose."""
    cycle = cycle_numbers(outcome.dosed)
    found = []
    for number in range(1, int(cycle.max(initial=0)) + 1):
        chosen = cycle == number
        ratios: dict[str, Ratio] = {}
        if outcome.nadir is not None:
            grade, under = grades(outcome.nadir), _number(chosen.sum(-1))
            for value in range(5):
                over = _number(((grade == value) & chosen).sum(-1))
                ratios[f"grade{value}_share"] = Ratio(over, under, "fraction")
            middle = _number(((grade >= 1) & (grade <= 3) & chosen).sum(-1))
            ratios["grade1to3_share"] = Ratio(middle, under, "fraction")
        ratios |= _time_shares(outcome, chosen)
        ratios["mean_dose"] = _mean_dose(outcome, chosen)
        found.append(ratios)
    return found


def cycle_doses(outcome: Outcome) -> list[list[float]]:
    """Percentiles 5, 25, 50, 75 and 95 of the doses given in each cycle, over patients and seeds."""
    cycle = cycle_numbers(outcome.dosed)
    numbers = range(1, int(cycle.max(initial=0)) + 1)
    return [[float(q) for q in np.percentile(outcome.dose[cycle == n], DOSE_PERCENTILES)] for n in numbers]


def subset(outcome: Outcome, chosen: Any) -> Outcome:
    """The same arm on some of its patients (bool [N]); bands and limits, which are not per patient, are dropped."""
    keep = np.asarray(chosen, bool)
    if keep.shape != (outcome.patients,):
        raise ValueError(
            f"a subgroup must say yes or no for each of {outcome.patients} patients, got shape {keep.shape}"
        )
    return replace(
        outcome,
        nadir=None if outcome.nadir is None else outcome.nadir[:, keep],
        dose=outcome.dose[:, keep],
        dosed=outcome.dosed[:, keep],
        reward=outcome.reward[:, keep],
        terms={name: value[:, keep] for name, value in outcome.terms.items()},
        costs={name: value[:, keep] for name, value in outcome.costs.items()},
        anc_days=None,
        anc=None,
        bound={},
    )


def label(name: str) -> str:
    """An endpoint's name in words."""
    plain = name.removeprefix("term_").removeprefix("cost_").replace("_", " ").capitalize()
    return LABELS.get(name, plain)


def _grade_shares(outcome: Outcome, chosen: NDArray[np.bool_], suffix: str) -> dict[str, Ratio]:
    grade, under = grades(outcome.nadir), _number(chosen.sum(-1))
    kinds = {"grade0_share": grade == 0, "grade1to3_share": (grade >= 1) & (grade <= 3), "grade4_share": grade == 4}
    return {name + suffix: Ratio(_number((kind & chosen).sum(-1)), under, "fraction") for name, kind in kinds.items()}


def _time_shares(outcome: Outcome, chosen: NDArray[np.bool_]) -> dict[str, Ratio]:
    """Shares of time below, in and above a therapeutic window, in the chosen intervals."""
    if not set(DAYS.values()) <= set(outcome.terms):
        return {}
    days = {name: np.where(chosen, outcome.terms[term], 0.0).sum(-1) for name, term in DAYS.items()}
    total = np.sum(list(days.values()), axis=0)
    found = {name: Ratio(value, total, "fraction") for name, value in days.items()}
    always = days["time_in_range_share"] > total - 1e-3
    found["in_range_throughout_share"] = Ratio(_number(always & (total > 0)), _number(total > 0), "fraction")
    return found


def _mean_dose(outcome: Outcome, chosen: NDArray[np.bool_]) -> Ratio:
    return Ratio(_given(outcome, chosen).sum(-1), _number(chosen.sum(-1)), outcome.dose_unit)


def _given(outcome: Outcome, chosen: NDArray[np.bool_]) -> Array:
    return np.where(chosen, outcome.dose, 0.0).astype(float)


def _number(values: Any) -> Array:
    return np.asarray(values, float)


def _check(name: str, value: Any, shape: tuple[int, ...]) -> None:
    if np.shape(value) != shape:
        raise ValueError(f"{name} must have shape {shape} like dosed, got {np.shape(value)}")
    wrong = int(np.sum(~np.isfinite(np.asarray(value, float))))
    if wrong:
        raise ValueError(f"{name} holds {wrong} values that are not finite: the simulation of this arm failed there")
