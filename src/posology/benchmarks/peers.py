"""How much longer Stable-Baselines3 takes than our learners to the same return, each on one core.

Ours and theirs run in processes of their own, bound to one core, in the same run of the plan, on the
same problem and judged by the same evaluator on the same patients. The level is that of
`posology evidence learners`. Theirs ends at the level or at `TIMES` our seconds (and a tenth more): then
the ratio is only known to be at least that. A comparison counts where the translation between simulation
and peer takes less than `ADAPTER_BAR` of the peer's wall-clock.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.benchmarks import learners
from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

PEERS = Path(".venv-peers/bin/python")
ENVS = (1, 16, 256)
SEED = 0
TIMES = 10.0  # bar: so many times our seconds
LIMIT = 1.1 * TIMES  # of our seconds, when a peer is stopped
ADAPTER_BAR = 0.3


@contextmanager
def one_core() -> Iterator[bool]:
    """What is started meanwhile runs on one core; whether this platform can say so."""
    if not hasattr(os, "sched_setaffinity"):
        yield False
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield True
    finally:
        os.sched_setaffinity(0, before)


def ours(problem: str, learner: str, level: float, effort: Effort, tell: Tell) -> float | None:
    """Median seconds from process start to the level over seeds that find everything compiled; None
    when one of them never reaches it."""
    apart = replace(effort, runs=effort.runs / "peers")
    timed = [learners.time_it(problem, learner, seed, apart, tell) for seed in range(max(2, effort.seeds))]
    reached = [learners.closed(t, level) for t in timed if not t["cold"]]
    every = [r[0] for r in reached if r]
    return statistics.median(every) if every and len(every) == len(reached) else None


def theirs(
    problem: str, learner: str, envs: int, level: float, limit: float, effort: Effort, tell: Tell
) -> dict[str, Any]:
    """A training of the peer in a process of its own, or what is kept of it for the same level."""
    path = effort.runs / "peers" / f"{problem}--sb3-{learner}--envs-{envs}--seed-{SEED}.json"
    if path.exists():
        kept: dict[str, Any] = json.loads(path.read_text())
        if kept["level"] == level:
            return kept
    tell(f"{problem} Stable-Baselines3 {learner}, {envs} environments: at most {limit:.0f} s")
    numbers = (str(envs), str(SEED), repr(level), repr(limit), "0", repr(time.time()))
    command = [str(PEERS), "-m", "posology.benchmarks.peers_sb3", problem, learner, *numbers]
    done = subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"Stable-Baselines3 {learner} failed: {done.stderr.strip()[-300:]}")
    found = {**json.loads(done.stdout.splitlines()[-1]), **storage.machine()}
    path.parent.mkdir(parents=True, exist_ok=True)
    storage.write_json(path, found)
    return found


def row(found: Mapping[str, Any], ours_seconds: float) -> dict[str, Any]:
    """A peer's training beside ours. `seconds` and `ratio` are None where it never reached the level."""
    best, last = max(p["return_mean"] for p in found["history"]), found["history"][-1]
    reached = best >= found["level"]
    ratio = (last["seconds"] if reached else found["seconds"]) / ours_seconds
    return {
        "problem": found["problem"],
        "learner": found["learner"],
        "envs": found["envs"],
        "level": found["level"],
        "seconds": last["seconds"] if reached else None,
        "seconds_spent": found["seconds"],
        "return_mean": best,
        "samples": last["samples"],
        "adapter_share": found["adapter_share"],
        "simulation_share": found["simulation_share"],
        "ours_seconds": ours_seconds,
        "ratio": ratio if reached else None,
        "ratio_at_least": ratio,
        "counts": found["adapter_share"] < ADAPTER_BAR,
    }


def compared(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The peer at its best number of environments.

    When none reached the level, which is best is not known, so all of them must count.
    """
    best = min(rows, key=lambda r: r["ratio_at_least"])
    counts = best["counts"] if best["ratio"] else all(r["counts"] for r in rows)
    return {
        **{k: best[k] for k in ("problem", "learner", "ours_seconds", "ratio", "ratio_at_least")},
        "envs": best["envs"] if best["ratio"] else None,
        "counts": counts,
        "bar": TIMES,
        "met": counts and best["ratio_at_least"] >= TIMES,
    }


def without(problem: str, learner: str) -> dict[str, Any]:
    """What `compared` says where ours on one core did not reach the level, so that there is no limit."""
    unknown = dict.fromkeys(("ours_seconds", "ratio", "ratio_at_least", "envs"))
    return {"problem": problem, "learner": learner, **unknown, "counts": False, "bar": TIMES, "met": False}


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Ours once more on one core, then theirs, for each row of the timed learners."""
    known = learners.stored(effort.results)
    if not PEERS.exists():
        raise ValueError(f"{PEERS} is not there; `make peers` makes it")
    rows, best = [], []
    with one_core() as bound:
        for timed in known:
            problem, learner, level = timed["problem"], timed["learner"], timed["level"]
            seconds = ours(problem, learner, level, effort, tell)
            if seconds is None:
                tell(f"{problem} {learner}: ours on one core did not reach {level:g} with every seed; no ratio")
                best.append(without(problem, learner))
                continue
            found = [theirs(problem, learner, n, level, LIMIT * seconds, effort, tell) for n in ENVS]
            rows += [row(f, seconds) for f in found]
            best.append(compared(rows[-len(ENVS) :]))
    return {"rows": rows, "compared": best, "one_core": bound, "adapter_bar": ADAPTER_BAR, **storage.machine()}


def stored(results: Path) -> dict[str, Any] | None:
    """What the plan found, where it has been made."""
    path = results / "peers.json"
    return json.loads(path.read_text()) if path.is_file() else None


def beside(found: Mapping[str, Any] | None, row: Mapping[str, Any]) -> dict[str, Any]:
    """`peers` and `compared` of a learner's row on its problem, as far as they are there."""
    if not found:
        return {}
    alike = lambda r: (r["problem"], r["learner"]) == (row["problem"], row["learner"])  # noqa: E731
    return {k: [r for r in found[of] if alike(r)] for k, of in (("peers", "rows"), ("compared", "compared"))}
