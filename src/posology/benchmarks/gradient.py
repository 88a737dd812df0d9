"""What derivatives through the patient are worth: return against wall-clock and decisions, beside learners that try doses.

The analytic policy gradient, PPO and SAC learn the same problems and are judged on the same held-out patients every few
updates. Each has settings of its own, chosen by short trainings on the patients of `tuning.TUNING_SEED`, which are others than
those that judge here. All seeds of a learner share one compilation, which is told apart; seconds are those of learning, judging
left out. A run that was cut off begins anew: its seconds would not be those of one stretch. The runs of a published problem are
those of `posology evidence <problem>`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.benchmarks import problems
from posology.benchmarks.seeds import mean_curve
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


TRAININGS: dict[str, dict[str, Training]] = {
    "paclitaxel-any-dose-v1": {
        "analytic": Training(600, {"learning_rate": "0.01"}),
        "ppo": Training(300, {"patients": "512", "epochs": "5", "minibatches": "8", "learning_rate": "0.003"}),
        "sac": Training(300),
    },
}
PUBLISHED: dict[str, tuple[str, ...]] = {"four-state-chemo-v1": ("analytic", "ppo", "sac")}


def learned(problem: str, learner_id: str, effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """What each seed's run says of itself; those that are not there yet are made."""
    from posology.environments.catalogue import environment
    from posology.learners.catalogue import learner
    from posology.learners.learner import ready
    from posology.learners.loops import train_seeds

    t, env = TRAININGS[problem][learner_id], environment(problem)
    updates = effort.updates or t.updates
    made = ready(learner(learner_id)(), env.spec, updates, t.settings)

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "evaluation":
            done = f"return {event['return_mean']:.4g} after {event['updates']} of {updates} updates"
            tell(f"{problem} {learner_id}: {done}, {event['samples']} decisions")

    folder = effort.runs / "gradient" / problem / learner_id
    often: dict[str, Any] = {"chunk": max(updates // POINTS, 1), "evaluate_every": 1, "checkpoint_seconds": NEVER}
    seeds = max(effort.seeds, SEEDS)
    train_seeds(env, made, folder, seeds, updates=updates, held_out=HELD_OUT, report=report, resume=True, **often)
    return [run_of(folder / f"seed-{n}") for n in range(seeds)]


def published(problem: str, learner_id: str, effort: Effort, tell: Tell) -> list[dict[str, Any]]:
    """The same of the runs that the problem's own evidence is made of."""
    seeds = problems.trained(problem, learner_id, problems.REFERENCES[problem].runs[learner_id], effort, tell)
    return [run_of(effort.runs / problem / learner_id / f"seed-{n}") for n in range(len(seeds))]


def run_of(folder: Path) -> dict[str, Any]:
    """A run's seconds of compilation, its settings, and its curve: updates, decisions, seconds of learning and return."""
    told = json.loads((folder / "evaluation.json").read_text())
    compiled = told["compile_seconds"]
    keep = ("updates", "samples", "return_mean", "lower", "upper")
    curve = [
        {**{k: p[k] for k in keep}, "seconds": p["seconds"] - p["judging_seconds"] - compiled} for p in told["history"]
    ]
    return {"compile_seconds": compiled, "config": storage.read_record(folder)["config"], "curve": curve}


def reaching(curve: Sequence[Mapping[str, Any]], level: float) -> Mapping[str, Any] | None:
    """The first point of a curve at or above a level."""
    return next((p for p in curve if p["return_mean"] >= level), None)


def row(problem: str, learner_id: str, runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One learner on one problem: its last point, and its curve."""
    curve = mean_curve([run["curve"] for run in runs], ["samples", "seconds"])
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
    for problem, names in {**TRAININGS, **PUBLISHED}.items():
        runs = learned if problem in TRAININGS else published
        here = [row(problem, name, runs(problem, name, effort, tell)) for name in names]
        rows += [to_level(r, level_of(here)) for r in here]
    return {"rows": rows, "held_out": HELD_OUT, **storage.machine()}
