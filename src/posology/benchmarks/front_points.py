"""What the points of a front say: their intervals, what they avoid, which of them nothing beats, how much they cover.

A point is an intensity (more is better) and a harm (less is better). Intervals resample training seeds, then patients, the
same patients for every point (`evaluation/intervals.py`). `avoided` is the share in grade 4 of the fixed doses with the same
intensity (straight lines between neighbours: some patients get one, the others the other) less that of the point.

The reference of the hypervolume is the smallest dose of the table with every cycle in grade 4. A weighted sum finds the
convex part of a front only, so that the learned points alone can cover less than the fixed doses do; what a clinician
gains is what both together cover beyond the fixed doses, and differences are between the same resamples.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from posology.evaluation.intervals import bounds, patient_sums, seed_weights
from posology.evaluation.pareto import hypervolume, non_dominated

WORST_HARM = 1.0  # of the reference point: every cycle in grade 4
DRAWS = 2000

Outcomes = dict[str, np.ndarray]  # name of a point → [seeds, patients, 2]: intensity and share in grade 4 of each course


def resampled(found: Outcomes) -> dict[str, np.ndarray]:
    """Both objectives of every point over the same resamples of patients, and of its training seeds `[draws, 2]`."""
    columns = np.concatenate([v.transpose(1, 0, 2).reshape(v.shape[1], -1) for v in found.values()], axis=1)
    sums, draws, at = patient_sums(columns, DRAWS) / len(columns), {}, 0
    for name, values in found.items():
        seeds = len(values)
        mine = sums[:, at : at + 2 * seeds].reshape(DRAWS, seeds, 2)
        draws[name] = (seed_weights(seeds, DRAWS, 0)[..., None] * mine).mean(axis=1)
        at += 2 * seeds
    return draws


def point(name: str, values: np.ndarray, draws: np.ndarray, said: Mapping[str, Any]) -> dict[str, Any]:
    """One point of the figure."""
    mean = values.mean(axis=(0, 1))
    ends = [bounds(draws[:, k]) for k in range(2)]
    both = [dict(zip(("mean", "lower", "upper"), (float(m), *e), strict=True)) for m, e in zip(mean, ends, strict=True)]
    return {"name": name, **said, "seeds": len(values), "dose_intensity": both[0], "grade4_share": both[1]}


def avoided(found: Outcomes, draws: Mapping[str, np.ndarray], doses: list[str]) -> dict[str, dict[str, float]]:
    """For every point that is no fixed dose, how much less often it harms than fixed doses of the same intensity."""

    def less(at: Mapping[str, np.ndarray], name: str) -> Any:
        line = np.stack([at[d] for d in doses], axis=-2)
        x, intensity, harm = at[name][..., 0], line[..., 0], line[..., 1]
        between = [np.interp(a, b, c) for a, b, c in zip(*map(np.atleast_2d, (x[..., None], intensity, harm)), strict=True)]
        return np.squeeze(between) - at[name][..., 1]

    means, others = {n: v.mean(axis=(0, 1)) for n, v in found.items()}, [n for n in found if n not in doses]
    ends = {n: bounds(less(draws, n)) for n in others}
    return {n: {"difference": float(less(means, n)), "lower": ends[n][0], "upper": ends[n][1]} for n in others}


BOTH = "learned and fixed dose"
SETS = {"fixed dose": ("fixed dose",), "rule": ("rule",), "learned": ("learned",), BOTH: ("learned", "fixed dose")}


def volumes(
    means: Mapping[str, np.ndarray], draws: Mapping[str, np.ndarray], kinds: Mapping[str, str], least: float
) -> dict[str, Any]:
    """Hypervolume of the points of some kinds above an intensity of `least`, and what learned adds to fixed doses."""
    reference, upwards = np.array([least, -WORST_HARM]), np.array([1.0, -1.0])
    found: dict[str, Any] = {"reference": {"dose_intensity": least, "grade4_share": WORST_HARM}}
    over: dict[str, np.ndarray] = {}
    for label, wanted in SETS.items():
        names = [n for n in means if kinds[n] in wanted]
        if not names:
            continue
        every = np.stack([draws[n] for n in names], axis=1) * upwards
        over[label] = np.array([hypervolume(points, reference) for points in every])
        low, high = bounds(over[label])
        mean = hypervolume(np.stack([means[n] for n in names]) * upwards, reference)
        found[label] = {"mean": mean, "lower": low, "upper": high}
    low, high = bounds(over[BOTH] - over["fixed dose"])
    more = found[BOTH]["mean"] - found["fixed dose"]["mean"]
    return found | {"added by learned": {"difference": more, "lower": low, "upper": high}}


def summary(found: Outcomes, said: Mapping[str, Mapping[str, Any]], least: float) -> dict[str, Any]:
    """Points with their intervals, which of them nothing beats, and hypervolumes."""
    draws, means = resampled(found), {name: values.mean(axis=(0, 1)) for name, values in found.items()}
    less = avoided(found, draws, [n for n in found if said[n]["kind"] == "fixed dose"])
    had = [n for n in found if said[n]["kind"] != "oracle"]
    front = non_dominated(np.array([means[n] for n in had]) * np.array([1.0, -1.0]))
    unbeaten = {n for n, on in zip(had, front, strict=True) if on}
    told = {n: {**said[n], "unbeaten": n in unbeaten, "avoided": less.get(n)} for n in found}
    points = [point(n, values, draws[n], told[n]) for n, values in found.items()]
    return {"points": points, "hypervolume": volumes(means, draws, {n: said[n]["kind"] for n in found}, least)}
