"""What Stable-Baselines3 reaches with a budget of decisions, beside ours: `posology evidence peers-budget`.

Every algorithm that both have learns the same problem from `SAMPLES` decisions, with 1, 16 and 256 environments and one seed;
the number of environments that ended best (at a tie the fastest) is repeated with `SEEDS` seeds. Each training is a process of
its own on one core, judged by our evaluator on the same held-out patients, and kept. Ours are the trainings of
`posology evidence <problem>`: they may take more decisions, because thousands of patients run at once; what counts is the
return in the end, and the seconds until our interquartile mean was where theirs ended. Neither clock counts compiling or
judging.
"""

from __future__ import annotations

import json
import math
import os
import statistics
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from posology.benchmarks import problems
from posology.benchmarks.peers import ADAPTER_BAR, ENVS, PEERS, TIMES, one_core
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

SAMPLES = 50_000
SEEDS = 5
PAIRS: dict[str, tuple[str, ...]] = {
    "four-state-chemo-levels-v1": ("ppo", "a2c", "dqn"),
    "four-state-chemo-v1": ("ddpg", "td3", "sac"),
    "icu-sepsis-v1": ("ppo", "a2c", "dqn"),
}


def theirs(problem: str, learner: str, envs: int, seed: int, effort: Effort, tell: Tell) -> dict[str, Any]:
    """A training of the peer in a process of its own, or what is kept of it."""
    path = effort.runs / "peers-budget" / f"{problem}--{learner}--envs-{envs}--seed-{seed}--{SAMPLES}.json"
    if path.exists():
        return json.loads(path.read_text())
    tell(f"{problem} Stable-Baselines3 {learner}, {envs} environments, seed {seed}: {SAMPLES} decisions")
    numbers = (str(envs), str(seed), "inf", "1e9", str(SAMPLES), repr(time.time()))
    command = [str(PEERS), "-m", "posology.benchmarks.peers_sb3", problem, learner, *numbers]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"Stable-Baselines3 {learner} failed: {done.stderr.strip()[-300:]}")
    found = {**json.loads(done.stdout.splitlines()[-1]), **storage.machine()}
    for limit in ("level", "limit"):  # there was none
        found.pop(limit)
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_json(path, found)
    return found


def end(found: Mapping[str, Any]) -> float:
    """What a training ended with."""
    return float(found["history"][-1]["return_mean"])


def best(tried: Sequence[Mapping[str, Any]]) -> int:
    """The number of environments that ended best, at a tie the fastest."""
    return int(max(tried, key=lambda f: (end(f), -f["seconds"]))["envs"])


def until(row: Mapping[str, Any], level: float) -> float | None:
    """Our seconds until the interquartile mean was at a level; None where it never was."""
    return next((p["seconds"] for p in row["history"] if p["return_mean"] >= level), None)


def compared(every: Sequence[Mapping[str, Any]], ours: Mapping[str, Any] | None) -> dict[str, Any]:
    """A peer's trainings with its best number of environments, and our row. `ratio` is their seconds in one of ours."""
    values = [end(f) for f in every]
    lower, upper = problems.interval(values)
    seconds = statistics.median(f["seconds"] for f in every)
    share = statistics.median(f["adapter_share"] for f in every)
    found = {
        **{k: every[0][k] for k in ("problem", "learner", "envs", "version")},
        "return_mean": problems.middle(values), "lower": lower, "upper": upper, "returns": values, "seeds": len(every),
        "samples": every[0]["history"][-1]["samples"], "seconds": seconds, "adapter_share": share,
        "counts": share < ADAPTER_BAR,
    }  # fmt: skip
    if ours is None:
        return found
    spent = until(ours, found["return_mean"])
    return found | {
        "ours": {k: ours[k] for k in ("return_mean", "lower", "upper", "seeds", "samples", "seconds")},
        "not_worse": ours["upper"] >= lower,
        "ours_seconds": spent,
        "ratio": seconds / spent if spent else None,
        "bar": TIMES,
        "met": bool(spent) and seconds / (spent or math.inf) >= TIMES,
    }


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """The number of environments first, then the seeds, for every pair; ours as far as they are there."""
    if not PEERS.exists():
        raise ValueError(f"{PEERS} is not there; `make peers` makes it")
    ours = {(r["problem"], r["learner"]): r for r in problems.stored(effort.results)}
    rows = []
    with one_core() as bound:
        for problem, names in PAIRS.items():
            for name in (n for n in names if not effort.learners or n in effort.learners):
                chosen = best([theirs(problem, name, envs, 0, effort, tell) for envs in ENVS])
                every = [theirs(problem, name, chosen, seed, effort, tell) for seed in range(SEEDS)]
                rows.append(compared(every, ours.get((problem, name))))
    return {"rows": rows, "samples": SAMPLES, "one_core": bound, "adapter_bar": ADAPTER_BAR, **storage.machine()}
