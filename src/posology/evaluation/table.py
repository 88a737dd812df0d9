"""The table of a trial: arms × endpoints with intervals, and what is compared on the same patients."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from posology.evaluation.endpoints import (
    ANC_PERCENTILES,
    DOSE_PERCENTILES,
    GRADE_SOURCE,
    Outcome,
    Ratio,
    cycle_doses,
    cycle_endpoints,
    endpoints,
    label,
    subset,
)
from posology.evaluation.intervals import DRAWS, LEVEL, bounds, patient_sums, proportion, ratio, seed_weights

SHARES = ("grade1to3_share", "grade4_share", "grade0_share")
LEVELS = ("time_in_range_share", "time_below_share", "time_above_share", "cost_days_above_40")
ORACLES = ("oracle", "oracle-plan", "oracle-course")
SHRINKAGE = "term_shrinkage"
HEADLINES = (*SHARES, *LEVELS, "mean_dose", "relative_dose_intensity", "return")

Array = NDArray[np.float64]
Key = tuple[Any, ...]
# Endpoint -> its value and its resampled values, for one arm.
Resampled = dict[str, tuple[float, Array]]


def trial_table(
    outcomes: Mapping[str, Outcome],
    treatment: str,
    fingerprint: str,
    seed: int,
    *,
    subgroups: Mapping[str, ArrayLike] | None = None,
    references: tuple[str, ...] = ("ensemble-greedy",),
    draws: int = DRAWS,
) -> dict[str, Any]:
    """Everything that a trial found, ready for JSON; values that cannot be computed are null.

    `paired` is against the first arm, `paired_with` against each other reference present, `regret`
    is the share of cycles in grade 1-3 (of time in range; without either: the return) that an arm stays
    behind the first of `ORACLES` that was tried. Percentiles over days stand under the name of the key reading, and "anc" is
    always there. `subgroups` name -> bool [N]. The same `seed` gives the same bootstrap.
    """
    _check_arms(outcomes)
    first, found = next(iter(outcomes)), {arm: endpoints(outcome) for arm, outcome in outcomes.items()}
    values = _resample(found, draws, seed)
    table: dict[str, Any] = {
        "treatment": treatment,
        "fingerprint": fingerprint,
        "patients": outcomes[first].patients,
        "seed": seed,
        "level": LEVEL,
        "draws": draws,
        "training_seeds": {arm: outcome.seeds for arm, outcome in outcomes.items()},
        "arms": {arm: {"endpoints": _intervals(found[arm], values[arm])} for arm in outcomes},
        "paired": _paired(values, first),
        "paired_with": {name: _paired(values, name) for name in references if name in outcomes and name != first},
        "regret": _regret(values),
        "per_cycle": _per_cycle(outcomes, draws, seed),
        "subgroups": {name: _subgroup(outcomes, chosen, draws, seed) for name, chosen in (subgroups or {}).items()},
        "limits_hit": {arm: _limits(outcome) for arm, outcome in outcomes.items()},
        "anc": {},
    }
    reading = outcomes[first].reading
    table[reading] = {arm: _bands(outcome) for arm, outcome in outcomes.items() if outcome.anc is not None}
    if outcomes[first].nadir is not None:
        table["grades"] = GRADE_SOURCE
    return table


def judged_by(known: Container[str]) -> tuple[str, ...]:
    """What an arm with the `known` endpoints is judged by: the aim first, then both ways to miss it. Where a tumour is to
    shrink, counts that a dose does not move are no failure, and the return is the aim."""
    if SHRINKAGE in known:
        return ("return",)
    return next((family for family in (SHARES, LEVELS[:3]) if family[0] in known), ("return",))


def rows(table: Mapping[str, Any], names: tuple[str, ...] = HEADLINES) -> list[list[str]]:
    """The table as text, header first: one row per arm, a cell per endpoint with its interval; shares in per cent."""
    first = next(iter(table["arms"].values()))["endpoints"]
    shown = [name for name in names if name in first]
    header = ["Arm"] + [f"{label(name)} ({_shown_unit(first[name]['unit'])})" for name in shown]
    body = [[arm] + [_cell(found["endpoints"][name]) for name in shown] for arm, found in table["arms"].items()]
    return [header, *body]


def _resample(found: Mapping[str, Mapping[str, Ratio]], draws: int, seed: int) -> dict[str, Resampled]:
    """Each arm's endpoints and their resampled values, from one resample of patients shared by all arms."""
    columns: list[Array] = []
    place: dict[bytes, int] = {}

    def placed(values: Array) -> list[int]:
        """Columns of [S, N] values; equal ones, such as 'a dose in every cycle', are summed once."""
        for row in values:
            if (key := row.astype(np.float32).tobytes()) not in place:
                place[key] = len(columns)
                columns.append(row)
        return [place[row.astype(np.float32).tobytes()] for row in values]

    wanted = {
        arm: {name: (placed(r.numerator), placed(r.denominator)) for name, r in ratios.items()}
        for arm, ratios in found.items()
    }
    if not columns:
        return {arm: {} for arm in found}
    sums = patient_sums(np.stack(columns, axis=1), draws, seed)
    result: dict[str, Resampled] = {}
    for index, (arm, names) in enumerate(wanted.items()):
        result[arm] = {}
        for name, (over, under) in names.items():
            whole = found[arm][name]
            weights = seed_weights(len(over), draws, seed, index)
            drawn = ratio((weights * sums[:, over]).sum(1), (weights * sums[:, under]).sum(1))
            result[arm][name] = (float(ratio(whole.numerator.sum(), whole.denominator.sum())), drawn)
    return result


def _intervals(ratios: Mapping[str, Ratio], values: Resampled) -> dict[str, Any]:
    return {name: _interval(ratios[name], *values[name]) for name in ratios}


def _interval(whole: Ratio, mean: float, drawn: Array) -> dict[str, Any]:
    lower, upper = bounds(drawn)
    if whole.unit == "fraction":
        # The stretch for few seeds may pass the ends of the scale.
        lower, upper = max(lower, min(0.0, mean)), min(upper, max(1.0, mean))
        if lower == upper and mean in (0.0, 1.0):
            # No event at all leaves nothing to resample: the exact interval, a patient counting once.
            seen = int((whole.denominator.sum(0) > 0).sum())
            _, lower, upper = proportion(round(mean * seen), seen)
    return {"mean": _json(mean), "lower": _json(lower), "upper": _json(upper), "unit": whole.unit}


def _difference(values: tuple[float, Array], versus: tuple[float, Array]) -> dict[str, Any]:
    lower, upper = bounds(values[1] - versus[1])
    return {"difference": _json(values[0] - versus[0]), "lower": _json(lower), "upper": _json(upper)}


def _paired(values: Mapping[str, Resampled], versus: str) -> dict[str, Any]:
    base = values[versus]
    return {
        arm: {
            "versus": versus,
            "endpoints": {name: _difference(found, base[name]) for name, found in own.items() if name in base},
        }
        for arm, own in values.items()
        if arm != versus
    }


def _regret(values: Mapping[str, Resampled]) -> dict[str, Any] | None:
    oracle = next((name for name in ORACLES if name in values), None)
    if oracle is None:
        return None
    best = values[oracle]
    name = judged_by(best)[0]
    arms = {arm: _difference(best[name], own[name]) for arm, own in values.items() if arm != oracle and name in own}
    return {"versus": oracle, "endpoint": name, "arms": arms}


def _per_cycle(outcomes: Mapping[str, Outcome], draws: int, seed: int) -> dict[str, Any]:
    cycles = {arm: cycle_endpoints(outcome) for arm, outcome in outcomes.items()}
    flat = {
        arm: {f"{number} {name}": r for number, ratios in enumerate(found, 1) for name, r in ratios.items()}
        for arm, found in cycles.items()
    }
    values = _resample(flat, draws, seed)
    table: dict[str, Any] = {}
    for arm, found in cycles.items():
        doses = cycle_doses(outcomes[arm])
        table[arm] = [
            {
                "cycle": number,
                "endpoints": {name: _interval(r, *values[arm][f"{number} {name}"]) for name, r in ratios.items()},
                "dose": {f"p{p}": _json(dose) for p, dose in zip(DOSE_PERCENTILES, doses[number - 1], strict=True)},
            }
            for number, ratios in enumerate(found, 1)
        ]
    return table


def _subgroup(outcomes: Mapping[str, Outcome], chosen: ArrayLike, draws: int, seed: int) -> dict[str, Any]:
    """The headline endpoints in some of the patients, resampled among themselves."""
    size = int(np.sum(np.asarray(chosen, bool)))
    if not size:
        return {"patients": 0, "arms": {}, "paired": {}}
    found = {
        arm: {name: r for name, r in endpoints(subset(outcome, chosen)).items() if name in HEADLINES}
        for arm, outcome in outcomes.items()
    }
    values = _resample(found, draws, seed)
    return {
        "patients": size,
        "arms": {arm: {"endpoints": _intervals(found[arm], values[arm])} for arm in outcomes},
        "paired": _paired(values, next(iter(outcomes))),
    }


def _limits(outcome: Outcome) -> dict[str, Any]:
    given = int(outcome.dosed.sum())
    return {
        name: {"count": int(count), "per_100_doses": _json(100 * count / given if given else np.nan)}
        for name, count in outcome.bound.items()
    }


def _bands(outcome: Outcome) -> dict[str, Any]:
    values, days = np.asarray(outcome.anc), np.asarray(outcome.anc_days)
    curves = {f"p{p}": [_json(v) for v in row] for p, row in zip(ANC_PERCENTILES, values, strict=True)}
    return {"days": [_json(day) for day in days]} | curves


def _check_arms(outcomes: Mapping[str, Outcome]) -> None:
    if not outcomes:
        raise ValueError("a trial needs at least one arm, got none")
    sizes = {arm: outcome.patients for arm, outcome in outcomes.items()}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"every arm must treat the same patients, got {sizes}")


def _cell(found: Mapping[str, Any]) -> str:
    if found["mean"] is None:
        return "–"
    scale, digits = (100, 1) if found["unit"] == "fraction" else (1, 1 if abs(found["mean"]) >= 10 else 3)
    mean, lower, upper = (f"{scale * found[part]:.{digits}f}" for part in ("mean", "lower", "upper"))
    return f"{mean} ({lower} to {upper})"


def _shown_unit(unit: str) -> str:
    return {"fraction": "%", "mg/m2": "mg/m²"}.get(unit, unit)


def _json(value: float) -> float | None:
    """A number of six digits, so that tables do not change with the last bit of a sum; null when not finite."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
