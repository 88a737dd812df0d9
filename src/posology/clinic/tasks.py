"""What workers can do: learn a policy, and try arms in a virtual trial. Runs lie in the data folder under their job's key.

    training    {"treatment", "learner", "updates", "seed"?, "settings"?}   → what `posology train --json` prints
    lab         {"policy"}                                                  → what a policy of the immune system lab reached
    trial       {"treatment", "arms", "patients", "seed"?, "shift"?}        → what `posology trial --json` prints

An arm is a guideline or planner by name, or `job:KEY`, the policy that a training of this clinic learned. A path is refused:
who may start a trial may not read the server's files. Arguments are checked before a job is submitted, and again here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from posology.clinic.worker import Report, Task

KEY = re.compile(r"job:([0-9a-f]{32})")
ARM = re.compile(r"[a-z0-9-]+(:[0-9.]+)?")
MOST_PATIENTS, MOST_UPDATES, MOST_ARMS = 100_000, 10_000, 10
"""Of one job (assumed: hours of work, not weeks)."""
SEEDS = 2**31 - 1
POINTS = 40
"""How often a policy is judged while it learns (assumed: a smooth curve, and few seconds of judging)."""
OFTEN = 1.0
"""Seconds between two words of a task (assumed: what a person takes for live); a cancelled job stops at the next."""
POINT = ("updates", "samples", "return_mean", "lower", "upper", "seconds")
CHECKPOINT = 5.0
"""Seconds between two checkpoints: what a killed worker loses at most, with one judging (assumed)."""


def tasks(data: Path) -> Mapping[str, Task]:
    """The tasks of a clinic whose files lie in `data`, by the kind of their job."""
    return {
        "training": lambda arguments, report: training(data, arguments, report),
        "lab": lambda arguments, report: lab_policy(data, arguments, report),
        "trial": lambda arguments, report: trial(data, arguments, report),
    }


def folder(data: Path, key: str) -> Path:
    """Where the training of a job writes its run."""
    return data / "runs" / key


def checked_training(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a training with their defaults.

    Raises:
        ValueError: for one that is missing, unknown or not allowed; for a learner that cannot learn the treatment.
    """
    from posology.environments.catalogue import PROBLEMS, TREATMENTS, spec
    from posology.learners.catalogue import LEARNERS, learner
    from posology.learners.learner import ready

    given = _fields(arguments, {"treatment": None, "learner": None, "updates": None, "seed": 0, "settings": {}})
    _one_of(given, "treatment", {**TREATMENTS, **PROBLEMS})
    asked, entry = spec(given["treatment"]), _one_of(given, "learner", LEARNERS)
    if entry.plans:
        raise ValueError(f"learner: {given['learner']} computes its policy at once; a job is for those that learn")
    if reason := entry.refuses(asked):
        raise ValueError(f"learner: {given['learner']} cannot learn {given['treatment']}: {reason}")
    _whole(given, "updates", 1, MOST_UPDATES)
    _whole(given, "seed", 0, SEEDS)
    if not isinstance(given["settings"], Mapping):
        raise ValueError("settings: must be names of hyper-parameters with their values")
    ready(learner(given["learner"])(), asked, given["updates"], dict(given["settings"]))
    return given


def checked_trial(data: Path, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a trial with their defaults.

    Raises:
        ValueError: for one that is missing, unknown or not allowed, or a training that has not ended.
    """
    from posology.environments.catalogue import TREATMENTS

    given = _fields(arguments, {"treatment": None, "arms": None, "patients": None, "seed": 0, "shift": None})
    _one_of(given, "treatment", TREATMENTS)
    arms = given["arms"]
    if not isinstance(arms, list) or not 1 <= len(arms) <= MOST_ARMS or not all(isinstance(arm, str) for arm in arms):
        raise ValueError(f"arms: must be a list of 1 to {MOST_ARMS} names")
    for arm in arms:
        _arm(data, arm)
    _whole(given, "patients", 2, MOST_PATIENTS)
    _whole(given, "seed", 0, SEEDS)
    return given


def training(data: Path, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Learn a policy; begun again after a lost worker, it goes on from its last checkpoint and ends in the same bits."""
    from posology.environments.catalogue import environment
    from posology.learners import loops
    from posology.learners.catalogue import learner
    from posology.learners.learner import ready

    given = checked_training(arguments)
    env = environment(given["treatment"])
    made = ready(learner(given["learner"])(), env.spec, given["updates"], dict(given["settings"]))
    out = folder(data, report.held.key)
    out.parent.mkdir(parents=True, exist_ok=True)
    chunk = max(1, given["updates"] // (5 * POINTS))
    found = loops.train(
        env, made, out, given["seed"], updates=given["updates"], chunk=chunk, evaluate_every=_every(given["updates"], chunk),
        checkpoint_seconds=CHECKPOINT, report=_curve(report, given["updates"]),
    )  # fmt: skip
    return {**found, "run": f"job:{report.held.key}"}


def _every(updates: int, chunk: int) -> int:
    """After how many chunks a policy is judged."""
    return max(1, updates // chunk // POINTS)


def _curve(report: Report, updates: int) -> Callable[[dict[str, Any]], None]:
    """Hears the events of a training and says how far it is, with the curve of what its policies reached on held-out patients.

    A point that an earlier attempt told of updates that are made again is left out: the same comes again."""
    curve: list[dict[str, Any]] = list((report.before or {}).get("curve", []))
    done, said = curve[-1]["updates"] if curve else 0, float("-inf")

    def told(event: dict[str, Any]) -> None:
        nonlocal done, said
        done = event.get("updates", done)
        if event["event"] == "evaluation":
            curve[:] = [point for point in curve if point["updates"] < done]
            curve.append({name: event[name] for name in POINT})
        if event["event"] != "progress" or time.monotonic() - said >= OFTEN:
            said = time.monotonic()
            report({"updates": done, "of": updates, "compiling": False, "curve": curve})

    report({"updates": done, "of": updates, "compiling": True, "curve": curve})
    return told


def checked_lab(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a training for the lab.

    Raises:
        ValueError: for a policy that the lab does not have.
    """
    from posology.clinic.lab import LEARNED

    given = _fields(arguments, {"policy": None})
    _one_of(given, "policy", LEARNED)
    return given


def lab_policy(data: Path, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Learn a policy of the immune system lab, once; one that is there is found."""
    from posology.clinic import lab

    given = checked_lab(arguments)
    found = lab.learn(data, given["policy"], _curve(report, lab.LEARNED[given["policy"]][2]))
    return {**found, "run": given["policy"]}


def trial(data: Path, arguments: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """Try arms on the same virtual patients."""
    from posology.environments.catalogue import TREATMENTS
    from posology.evaluation import trial as trials

    given = checked_trial(data, arguments)
    arms = [_arm(data, arm) for arm in given["arms"]]
    of = given["patients"]

    def progress(arm: str, done: int) -> None:
        share = (given["arms"].index(arm) + done / of) / len(arms)
        report({"arm": arm, "patients": done, "of": of, "share": share})

    return trials.trial(TREATMENTS[given["treatment"]], arms, given["patients"], given["seed"], given["shift"], progress)


def _arm(data: Path, name: str) -> str:
    """The arm as a trial names it; a learned one is called by its job."""
    if found := KEY.fullmatch(name):
        run = folder(data, found[1])
        if not (run / "policy.json").is_file():
            raise ValueError(f"arms: {name} is no training of this clinic that has ended")
        return f"{name}={run}"
    if not ARM.fullmatch(name) or Path(name).exists():
        raise ValueError(f"arms: '{name[:40]}' is not known; allowed are names of guidelines and planners, and job:KEY")
    return name


def _fields(arguments: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    if unknown := sorted(set(arguments) - set(defaults)):
        raise ValueError(f"{unknown[0]}: is no field of this job; allowed: {', '.join(defaults)}")
    given = {**defaults, **arguments}
    for name in ("treatment", "learner", "updates", "arms", "patients", "policy"):
        if name in defaults and given[name] is None:
            raise ValueError(f"{name}: is missing")
    return given


def _one_of(given: Mapping[str, Any], name: str, known: Mapping[str, Any]) -> Any:
    if not isinstance(given[name], str) or given[name] not in known:
        raise ValueError(f"{name}: '{str(given[name])[:40]}' is not known; allowed: {', '.join(known)}")
    return known[given[name]]


def _whole(given: Mapping[str, Any], name: str, least: int, most: int) -> None:
    value = given[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise ValueError(f"{name}: must be a whole number from {least} to {most}, got {str(value)[:40]}")
