"""What the options of DQN are worth: each alone, none, and all, after equally many decisions.

Plain is Mnih 2015 as in `learners/deep/dqn.py` with `double` false; each variant adds one option to it. A seed's return is
that of the last judged policy that had seen no more decisions than the budget, so that longer courses buy nothing. As
options differ in what they save, the mean return of all judged policies up to the budget says how fast they learned.
Differences are from plain over seeds, Welch's interval.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import stats

from posology.benchmarks.seeds import ALONG, learned, over_seeds
from posology.environments.catalogue import PROBLEMS
from posology.figures.curves import curves
from posology.learners.deep.dqn import DQN
from posology.learners.learner import configure, suited
from posology.learners.loops import train_seeds
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

SEEDS, JUDGED = 5, 30  # at least so many seeds; judged so often until the budget is spent

ALL = {"double": "true", "duelling": "true", "n_step": "3", "prioritised": "0.6"}
VARIANTS: dict[str, dict[str, str]] = {
    "plain": {},
    "double": {"double": "true"},
    "duelling": {"duelling": "true"},
    "n-step 3": {"n_step": "3"},
    "prioritised": {"prioritised": "0.6"},
    "all": ALL,
}


@dataclass(frozen=True)
class Trained:
    """How a problem is learned: decisions that count, updates that surely make them, settings of every variant, and
    patients that judge (few where all are alike)."""

    decisions: int
    updates: int
    held_out: int
    settings: Mapping[str, str] = field(default_factory=dict)


PLANNED: dict[str, Trained] = {
    "icu-sepsis-v1": Trained(200_000, 330, 2000, {"patients": "64", "explore_over": "100", "explore_to": "0.05"}),
    "four-state-chemo-levels-v1": Trained(
        240_000, 60, 4, {"patients": "8", "gradients": "256", "discount": "0.99", "bootstrap": "true", "explore_over": "20"}
    ),
}  # fmt: skip


def histories(problem: str, variant: str, effort: Effort, tell: Tell) -> list[list[dict[str, Any]]]:
    """What every seed of a variant was judged by while learning; seeds that are not there yet are trained."""
    how, env = PLANNED[problem], PROBLEMS[problem].environment(effort.shared)
    updates = effort.updates or how.updates
    made = configure(suited(DQN(double=False), env.spec), {**how.settings, **VARIANTS[variant]})

    def report(event: dict[str, Any]) -> None:
        if event["event"] == "progress":
            tell(f"{problem} DQN {variant}: {event['updates']} of {event['of']} updates, {event['seconds']:.0f} s")

    folder = effort.runs / "ablation" / problem / variant.replace(" ", "-")
    often: dict[str, Any] = {"updates": updates, "chunk": max(updates // JUDGED, 1), "evaluate_every": 1}
    runs = train_seeds(env, made, folder, max(SEEDS, effort.seeds), held_out=how.held_out, report=report, **often)
    return [json.loads((Path(run["run"]) / "evaluation.json").read_text())["history"] for run in runs]


def within(history: Sequence[Mapping[str, Any]], decisions: int) -> list[Mapping[str, Any]]:
    """The policies judged after no more decisions than the budget.

    Raises:
        ValueError: where none was.
    """
    kept = [p for p in history if p["samples"] <= decisions]
    if not kept:
        raise ValueError(f"no policy was judged within {decisions} decisions; the first was after {history[0]['samples']}")
    return kept


def row(problem: str, variant: str, found: Sequence[Sequence[Mapping[str, Any]]], plain: np.ndarray) -> dict[str, Any]:
    """One variant; `plain` are the returns of the seeds without options."""
    budget = PLANNED[problem].decisions
    kept = [within(h, budget) for h in found]
    ends = np.array([h[-1]["return_mean"] for h in kept])
    alike = variant == "plain"
    interval = None if alike else stats.ttest_ind(ends, plain, equal_var=False).confidence_interval(0.95)
    difference = None if interval is None else {
        "difference": float(ends.mean() - plain.mean()), "lower": float(interval.low), "upper": float(interval.high)
    }  # fmt: skip
    return {
        "problem": problem,
        "variant": variant,
        "options": VARIANTS[variant],
        "seeds": len(ends),
        "decisions": budget,
        "samples": [int(h[-1]["samples"]) for h in kept],
        "return": over_seeds(ends),
        "returns": ends.tolist(),
        "while_learning": over_seeds([np.mean([p["return_mean"] for p in h]) for h in kept]),
        "less_plain": difference,
        "seconds": float(np.median([h[-1]["seconds"] - h[-1]["judging_seconds"] for h in kept])),
        "known": dict(PROBLEMS[problem].known),
    }


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Every variant on every problem; a seed that is trained is kept."""
    rows, lines = [], []
    for problem in PLANNED:
        found = {variant: histories(problem, variant, effort, tell) for variant in VARIANTS}
        plain = np.array([within(h, PLANNED[problem].decisions)[-1]["return_mean"] for h in found["plain"]])
        rows += [row(problem, variant, seeds, plain) for variant, seeds in found.items()]
        keep = ("updates", "samples", "seconds", "judging_seconds", "return_mean")
        short = {v: [[{k: p[k] for k in keep} for p in h] for h in seeds] for v, seeds in found.items()}
        lines.append({"problem": problem, "histories": short})
    return {"rows": rows, "curves": lines, **storage.machine()}


def figure(result: Mapping[str, Any], problem: str, along: str = "samples") -> Any:
    """Learning curves of every variant on one problem, along `samples` or `seconds`."""
    found = next(c["histories"] for c in result["curves"] if c["problem"] == problem)
    seeds = len(next(iter(found.values())))
    return curves(
        {variant: learned(runs, along) for variant, runs in found.items()},
        f"Options of DQN on {problem}",
        f"Mean over {seeds} seeds of the return on held-out patients; band: 95 % interval.",
        ALONG[along],
        "Return per course",
    )
