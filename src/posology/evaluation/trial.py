"""A paired virtual trial: every arm doses the same patients under the same noise."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from posology.environments.protocol import TreatmentEnvironment
from posology.environments.treatment import Treatment
from posology.evaluation import arms as choosers
from posology.evaluation.arms import Arm
from posology.evaluation.endpoints import ANC_PERCENTILES, Outcome
from posology.evaluation.rollout import Played, play
from posology.evaluation.shifts import judged
from posology.evaluation.table import trial_table

PATIENTS, NOISE = 0, 1  # what the seed of a trial is split into

Keep = Callable[[str, int, Callable[[], Played]], Played]


def labelled(name: str) -> tuple[str, str]:
    """What an arm is called in the table, and where it is found: `label=arm`, or the arm's own name."""
    label, sign, where = name.partition("=")
    if not label or (sign and not where):
        raise ValueError(f"arm '{name}': is empty; an arm is a guideline, a run folder, or label=arm")
    return label, where or label


def _play_now(arm: str, run: int, make: Callable[[], Played]) -> Played:
    """Keeps nothing."""
    return make()


def load(name: str, env: TreatmentEnvironment, shift: bool) -> list[Arm]:
    """The arm of that name, one `Arm` per training seed: a guideline, a run folder or a folder of runs.

    Raises:
        ValueError: for an unknown name or a run that cannot be loaded.
    """
    labelled(name)  # refuses an empty name, which would be this folder
    folder = Path(name)
    if not folder.is_dir():
        if "/" in name or (folder.exists() and not folder.is_dir()):
            raise ValueError(f"arm '{name}': there is no such run folder")
        return [choosers.guideline(name, env)]
    runs = [folder] if (folder / "policy.json").exists() else sorted(p.parent for p in folder.glob("*/policy.json"))
    if not runs:
        raise ValueError(f"arm '{name}': the folder holds no finished run (policy.json is missing)")
    return [choosers.of_run(run, env, shift) for run in runs]


def bands(played: Played, days: int) -> np.ndarray:
    """Percentiles of the daily key reading over patients, `[5, days]`."""
    n, steps, within = played.by_day.shape
    curve = np.full((n, days + 1), np.nan)
    start = np.where(played.alive, played.day, 0.0)
    when = np.rint(start[..., None] + np.arange(1, within + 1)).astype(int)
    nearer = np.concatenate([played.day[:, 1:], np.full((n, 1), np.inf)], axis=1)  # the next visit cuts the interval
    seen = played.alive[..., None] & (when <= days) & (when <= nearer[..., None])
    rows = np.broadcast_to(np.arange(n)[:, None, None], when.shape)
    curve[rows[seen], when[seen]] = played.by_day[seen]
    known = np.isfinite(curve).any(axis=0)
    out = np.full((len(ANC_PERCENTILES), days + 1), np.nan)
    out[:, known] = np.nanpercentile(curve[:, known], ANC_PERCENTILES, axis=0)
    return out[:, 1:]


def outcome(treatment: Treatment, per_seed: list[Played]) -> Outcome:
    """What an arm did, in the form that endpoints are counted from."""
    days = int(treatment.days)
    if treatment.window:
        return _levels(treatment, per_seed, days)
    stacked = {k: np.stack([getattr(p, k) for p in per_seed]) for k in ("lowest", "dose", "given", "terms", "costs")}
    planned = treatment.standard.amount * treatment.doses
    return Outcome(
        nadir=stacked["lowest"] if treatment.graded else None,
        dose=np.where(stacked["given"], stacked["dose"], 0.0),
        dosed=stacked["given"].astype(bool),
        reward=np.stack([p.reward.sum(axis=1) for p in per_seed]),
        terms={t.name: stacked["terms"][..., i] for i, t in enumerate(treatment.terms)},
        costs={c.name: stacked["costs"][..., i].sum(axis=2) for i, c in enumerate(treatment.costs)},
        anc_days=np.arange(1.0, days + 1.0),
        anc=np.mean([bands(p, days) for p in per_seed], axis=0),
        planned_dose=planned,
        dose_unit=treatment.standard.unit,
        reading=treatment.key,
    )


def _levels(treatment: Treatment, per_seed: list[Played], days: int) -> Outcome:
    """As `outcome`, for a question of levels: a visit counts also where no dose is given. Doses are per day where the
    treatment counts them so (a term `daily_dose`), else those of its table."""
    alive = np.stack([p.alive for p in per_seed]).astype(bool)
    stacked = {k: np.stack([getattr(p, k) for p in per_seed]) for k in ("terms", "costs")}
    terms = {t.name: stacked["terms"][..., i] for i, t in enumerate(treatment.terms)}
    daily = "daily_dose" in terms
    given = np.stack([np.where(p.given, p.dose, 0.0) for p in per_seed])
    return Outcome(
        nadir=None,
        dose=terms["daily_dose"] if daily else given,
        dosed=alive,
        reward=np.stack([p.reward.sum(axis=1) for p in per_seed]),
        terms=terms,
        costs={c.name: stacked["costs"][..., i].sum(axis=2) for i, c in enumerate(treatment.costs)},
        anc_days=np.arange(1.0, days + 1.0),
        anc=np.mean([bands(p, days) for p in per_seed], axis=0),
        dose_unit=f"{treatment.standard.unit}/d" if daily else treatment.standard.unit,
        reading=treatment.key,
    )


def subgroups(patients: Any) -> dict[str, np.ndarray]:
    """Who is looked at apart: by sex, age and asphyxia at birth, where the patients have them."""
    c = {k: np.asarray(v) for k, v in patients.covariates.items()}
    groups: dict[str, np.ndarray] = {}
    if "male" in c:
        groups |= {"women": c["male"] < 0.5, "men": c["male"] >= 0.5}
    if "female" in c:
        groups |= {"women": c["female"] >= 0.5, "men": c["female"] < 0.5}
    if "apgar" in c:
        groups |= {"after asphyxia": c["apgar"] < 5, "without asphyxia": c["apgar"] >= 5}
    if "age" in c:
        groups |= {"under 65 years": c["age"] < 65, "65 years and older": c["age"] >= 65}
    return {name: chosen for name, chosen in groups.items() if 0 < chosen.sum() < len(chosen)}


def trial(
    treatment: Treatment,
    names: list[str],
    patients: int,
    seed: int,
    shift: str | None = None,
    progress: Callable[[str, int], None] = lambda arm, done: None,
    keep: Keep = _play_now,
) -> dict[str, Any]:
    """The table of a trial (see `trial_table`).

    Args:
        names: arms, `label=arm` to call one otherwise; the first is what the others are compared with.
        shift: judge under a changed model (`shifts.SHIFTS`).
        progress: called with the arm and the number of patients done.
        keep: `(arm, number of its run, play) -> played`: plays, or finds what was played before.

    Raises:
        ValueError: for unknown arms or shifts, or when a simulated count is not finite.
    """
    if patients < 2:
        raise ValueError(f"patients: {patients} is not allowed; a trial needs at least 2")
    where = dict(map(labelled, names))
    if len(where) != len(names):
        raise ValueError("every arm may be named once")
    env = judged(treatment, shift) if shift else TreatmentEnvironment(treatment)
    chosen = {name: load(found, env, bool(shift)) for name, found in where.items()}
    cohort = env.draw(jax.random.fold_in(jax.random.key(seed), PATIENTS), patients)
    noise = jax.random.fold_in(jax.random.key(seed), NOISE)
    outcomes = {
        name: outcome(
            treatment,
            [keep(name, i, partial(play, env, arm, cohort, noise, partial(progress, name))) for i, arm in enumerate(runs)],
        )
        for name, runs in chosen.items()
    }
    table = trial_table(outcomes, treatment.id, env.fingerprint, seed, subgroups=subgroups(cohort))
    return {**table, "shift": shift, "model": env.model.id}
