"""What derivatives through the patient are worth: return against wall-clock and decisions, beside learners that try doses.

The analytic policy gradient, PPO and SAC learn the same problems and are judged on the same held-out patients every few
updates. Each has settings of its own, chosen by short trainings on the patients of `tuning.TUNING_SEED`, which are others than
those that judge here. All seeds of a learner share one compilation, which is told apart; seconds are those of learning, judging
left out. A run that was cut off begins anew: its seconds would not be those of one stretch.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.benchmarks.learners import combined
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

SEEDS = 5
HELD_OUT = 1000  # patients that judge
POINTS = 20  # of a learning curve
NEVER = 1e9  # s between two checkpoints: a run is one stretch


@dataclass(frozen=True)
class Training:
    """So many updates with these settings."""

    updates: int
    settings: Mapping[str, str] = field(default_factory=dict)


# In a course of 600 decisions those who learn values discount what lies far ahead.
FAR = {"discount": "0.99", "bootstrap": "true"}
TRAININGS: dict[str, dict[str, Training]] = {
    "paclitaxel-any-dose-v1": {
        "analytic": Training(600, {"learning_rate": "0.01"}),
        "ppo": Training(300, {"patients": "512", "epochs": "5", "minibatches": "8", "learning_rate": "0.003"}),
        "sac": Training(300),
    },
    "four-state-chemo-v1": {
        "analytic": Training(2000, {"patients": "8", "learning_rate": "0.003"}),
        "ppo": Training(150, {**FAR, "patients": "32", "repeats": "1", "learning_rate": "0.001", "trace": "0.95"}),
        "sac": Training(300, {**FAR, "patients": "8", "gradients": "128", "learning_rate": "0.003", "entropy": "-2"}),
    },
}


def learned(problem: str, learner_id: str, effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """What each seed's run says of itself; those that are not there yet are made."""
    from posology.environments.catalogue import environment
    from posology.learners.catalogue import learner
    from posology.learners.learner import annealing, configure, suited
    from posology.learners.loops import train_seeds

    t, env = TRAININGS[problem][learner_id], environment(problem)
    updates = effort.updates or t.updates
    made = configure(annealing(suited(learner(learner_id)(), env.spec), updates), t.settings)

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation":
            done = f"return {event['return_mean']:.4g} after {event['updates']} of {updates} updates"
            tell(f"{problem} {learner_id}: {done}, {event['samples']} decisions")

    folder = effort.runs / "gradient" / problem / learner_id
    often: dict[str, Any] = {"chunk": max(updates // POINTS, 1), "evaluate_every": 1, "checkpoint_seconds": NEVER}
    seeds = max(effort.seeds, SEEDS)
    train_seeds(env, made, folder, seeds, updates=updates, held_out=HELD_OUT, report=report, resume=True, **often)
    return [run_of(folder / f"seed-{n}") for n in range(seeds)]


def run_of(folder: Path) -> dict[str, Any]:
    """A run's seconds of compilation, its settings, and its curve: updates, decisions, seconds of learning and return."""
    told = json.loads((folder / "evaluation.json").read_text())
    compiled = told["compile_seconds"]
    keep = ("updates", "samples", "return_mean", "lower", "upper")
    curve = [
        {**{k: p[k] for k in keep}, "seconds": p["seconds"] - p["judging_seconds"] - compiled} for p in told["history"]
    ]
    return {"compile_seconds": compiled, "config": storage.read_record(folder)["config"], "curve": curve}


def curve_of(runs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The mean curve of some seeds with a 95 % interval over seeds and patients; seconds and decisions are medians."""
    points = []
    for at in zip(*(run["curve"] for run in runs), strict=True):
        mean, lower, upper = combined(at)
        middle = {k: statistics.median(p[k] for p in at) for k in ("samples", "seconds")}
        points.append({"updates": at[0]["updates"], **middle, "return_mean": mean, "lower": lower, "upper": upper})
    return points


def reaching(curve: Sequence[Mapping[str, Any]], level: float) -> Mapping[str, Any] | None:
    """The first point of a curve at or above a level."""
    return next((p for p in curve if p["return_mean"] >= level), None)


def row(problem: str, learner_id: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One learner on one problem: its last point, and its curve."""
    curve = curve_of(runs)
    # one seed compiles for all; which one depends on what was there already
    compiled = max(run["compile_seconds"] for run in runs)
    about = {"problem": problem, "learner": learner_id, "seeds": len(runs), "compile_seconds": compiled}
    return {**about, **curve[-1], "config": runs[0]["config"], "curve": curve}


def level_of(rows: Sequence[Mapping[str, Any]]) -> float:
    """The lowest of the learners' last returns: what every one of them reached in the end."""
    return min(r["return_mean"] for r in rows)


def to_level(r: Mapping[str, Any], level: float) -> dict[str, Any]:
    """The row with the seconds and decisions until its mean curve had reached the level."""
    found = reaching(r["curve"], level)
    assert found is not None  # the last point of every curve is at or above the level
    return {**r, "level": level, "level_seconds": found["seconds"], "level_samples": found["samples"]}


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Every learner on every problem, each problem with the level that all of its learners reach."""
    rows = []
    for problem, trainings in TRAININGS.items():
        here = [row(problem, name, learned(problem, name, effort, tell)) for name in trainings]
        rows += [to_level(r, level_of(here)) for r in here]
    return {"rows": rows, "held_out": HELD_OUT, **storage.machine()}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """The rows as a Markdown table."""
    head = ["problem", "learner", "return", "decisions", "s", "s to compile", "level", "decisions to it", "s to it"]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * 2}{' ---: |' * 7}"]
    for r in rows:
        told = f"{r['return_mean']:.4g} ({r['lower']:.4g} to {r['upper']:.4g})"
        counted = [f"{r['samples']:,.0f}", f"{r['seconds']:.1f}", f"{r['compile_seconds']:.1f}"]
        reached = [f"{r['level']:.4g}", f"{r['level_samples']:,.0f}", f"{r['level_seconds']:.1f}"]
        lines.append(f"| `{r['problem']}` | {r['learner']} | {told} | {' | '.join([*counted, *reached])} |")
    return "\n".join(lines)
