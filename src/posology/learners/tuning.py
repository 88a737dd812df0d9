"""Hyper-parameters by trial: Optuna proposes, short trainings answer, everything is kept.

Trials are judged on patients of their own: neither those that a training learns from nor those that judge a policy.
A study is a journal on the disk. A trial that was cut off is tried again with the same settings, and its training goes
on from its last checkpoint.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from posology.environments.environment import Environment
from posology.learners import loops
from posology.learners.learner import configure, ready

TUNING_SEED = 1_234_567  # of the patients that judge trials


@dataclass(frozen=True)
class Range:
    """Where a hyper-parameter is looked for; `log` evenly in its logarithm, `whole` in whole numbers."""

    low: float
    high: float
    log: bool = False
    whole: bool = False


RANGES: dict[str, Range] = {
    "learning_rate": Range(2e-4, 2e-2, log=True),
    "entropy": Range(1e-4, 3e-2, log=True),
    "trace": Range(0.0, 1.0),
    "clip": Range(0.1, 0.4),
    "epochs": Range(1, 12, whole=True),
    "gradients": Range(8, 128, log=True, whole=True),
    "follow": Range(5e-3, 0.5, log=True),
    "explore_to": Range(0.0, 0.2),
    "n_step": Range(1, 4, whole=True),
    "rate": Range(0.05, 1.0, log=True),
    "decay": Range(0.0, 1.0),
    "noise": Range(0.05, 0.5, log=True),
    "alpha": Range(0.1, 3.0, log=True),
    "spread": Range(0.05, 2.0, log=True),
    "ridge": Range(0.1, 10.0, log=True),
    "integral": Range(0.01, 0.3, log=True),
    "proportional": Range(0.5, 10.0, log=True),
}


def searched(learner: Any, fixed: Mapping[str, Any]) -> dict[str, Range]:
    """The hyper-parameters of a learner that are looked for: those with a range that are not `fixed`.

    Raises:
        ValueError: when nothing is left to look for.
    """
    found = {f.name: RANGES[f.name] for f in fields(learner) if f.name in RANGES and f.name not in fixed}
    if not found:
        raise ValueError(f"{learner.id} has nothing to tune; ranges are known for {', '.join(RANGES)}")
    return found


def suggest(trial: Any, ranges: Mapping[str, Range]) -> dict[str, Any]:
    """A proposal."""
    proposed: dict[str, Any] = {}
    for name, r in ranges.items():
        if r.whole:
            proposed[name] = trial.suggest_int(name, int(r.low), int(r.high), log=r.log)
        else:
            proposed[name] = trial.suggest_float(name, r.low, r.high, log=r.log)
    return proposed


def folder_of(out: Path, settings: Mapping[str, Any], updates: int) -> Path:
    """The run of a proposal: named by what it is, so that it is found again."""
    text = json.dumps([dict(settings), updates], sort_keys=True)
    return out / "runs" / hashlib.sha256(text.encode()).hexdigest()[:12]


def tune(
    env: Environment,
    learner: Any,
    out: Path,
    *,
    trials: int,
    updates: int,
    seed: int = 0,
    fixed: Mapping[str, Any] | None = None,
    report: Callable[[dict[str, Any]], None] = lambda event: None,
) -> dict[str, Any]:
    """Try settings until the study in `out` has so many finished trials.

    Args:
        learner: with its defaults; `fixed` are settings that every trial has.

    Returns:
        settings (the best), return_mean, lower, upper, trials, study.

    Raises:
        ValueError: for a study of another problem or learner, or nothing to tune.
    """
    import optuna
    from optuna.storages.journal import JournalFileBackend

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    fixed = dict(fixed or {})
    base = ready(learner, env.spec, updates, fixed)
    ranges = searched(base, fixed)
    out.mkdir(parents=True, exist_ok=True)
    journal = optuna.storages.JournalStorage(JournalFileBackend(str(out / "study.journal")))
    study = optuna.create_study(storage=journal, study_name="tuning", direction="maximize", load_if_exists=True)
    # a sampler that began anew with its seed would propose again what it proposed first
    study.sampler = optuna.samplers.TPESampler(seed=seed + len(study.get_trials(deepcopy=False)))
    _same(study, {"treatment": env.spec.id, "learner": learner.id, "updates": updates, "seed": seed, "fixed": fixed}, out)
    done = optuna.trial.TrialState.COMPLETE
    for cut in study.get_trials(states=(optuna.trial.TrialState.RUNNING,)):
        study.tell(cut.number, state=optuna.trial.TrialState.FAIL)
        study.enqueue_trial(cut.params, skip_if_exists=True)

    def objective(trial: Any) -> float:
        proposed = suggest(trial, ranges)
        run = folder_of(out, proposed, updates)
        result = loops.train(env, configure(base, proposed), run, seed, updates=updates, judged_by=TUNING_SEED)
        for name in ("lower", "upper", "seconds"):
            trial.set_user_attr(name, result[name])
        report({"event": "trial", "number": trial.number, "return_mean": result["return_mean"], **proposed})
        return float(result["return_mean"])

    left = trials - len(study.get_trials(deepcopy=False, states=(done,)))
    if left > 0:
        study.optimize(objective, n_trials=left, catch=(ValueError,))
    finished = study.get_trials(deepcopy=False, states=(done,))
    if not finished:
        raise ValueError(f"none of the trials in {out} came to an end: every proposal made learning diverge")
    best = study.best_trial
    return {
        "settings": {**fixed, **best.params},
        "return_mean": best.value,
        "lower": best.user_attrs["lower"],
        "upper": best.user_attrs["upper"],
        "trials": len(finished),
        "study": str(out),
    }


def _same(study: Any, asked: dict[str, Any], out: Path) -> None:
    """Keep what a study is about, or refuse to go on with another one's."""
    for name, value in asked.items():
        was = study.user_attrs.get(name, value)
        if was != value:
            raise ValueError(f"the study in {out} has {name} {was}, not {value}; choose another --out")
        study.set_user_attr(name, value)
