"""How good a learner gets, and how long it takes: from process start to most of what can be had.

The gap is from the clinical rule to the reference, the best greedy return of the long runs of the
evidence, all judged on the same held-out patients. A timed training runs in a process of its own and
is judged every few updates; its time counts from the start of the process, compilation included,
the judging left out. The first seed starts without any compiled program, later ones find those that
the first one made.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

PROBLEMS = ("paclitaxel-cycles-v1",)
BARS = {"ppo": 45.0, "dqn": 60.0}  # s to close `SHARE` of the gap
SHARE = 0.95
UPDATES = {"ppo": 250, "dqn": 500}
# For a short training; chosen on other patients than those that judge.
SETTINGS: dict[str, dict[str, str]] = {
    "ppo": {"patients": "512", "epochs": "5", "minibatches": "8", "learning_rate": "3e-3"},
    "dqn": {},
}
RULE = "clinical-rule"


def rule_return(problem: str, patients: int) -> float:
    """Mean return of the clinical rule on the held-out patients."""
    import jax

    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.evaluation.arms import guideline
    from posology.evaluation.rollout import play
    from posology.learners.judge import EVALUATION_SEED

    env, judge = TreatmentEnvironment(treatment(problem)), jax.random.key(EVALUATION_SEED)
    unseen = env.draw(jax.random.fold_in(judge, 0), patients)
    played = play(env, guideline(RULE, env), unseen, jax.random.fold_in(judge, 1))
    return float(played.reward.sum(axis=1).mean())


def long_runs(problem: str, effort: Effort, tell: Tell) -> dict[str, list[float]]:
    """Learner → greedy return of each of its long runs; those that are not there yet are made."""
    from posology.benchmarks.evidence import learn
    from posology.environments.catalogue import treatment

    found = {}
    for name in BARS:
        folder = learn(treatment(problem), name, effort, tell)
        runs = sorted(folder.glob("*/evaluation.json"))
        found[name] = [json.loads(p.read_text())["return_mean"] for p in runs]
    return found


def time_it(problem: str, learner: str, seed: int, effort: Effort, tell: Tell) -> dict[str, Any]:
    """A timed training in a process of its own, or what is kept of it."""
    folder = effort.runs / "learning"
    path = folder / f"{problem}--{learner}--seed-{seed}.json"
    if path.exists():
        return json.loads(path.read_text())
    cache = folder / "cache" / f"{problem}--{learner}"
    if not seed:
        shutil.rmtree(cache, ignore_errors=True)
    run = path.with_suffix("")
    for left in (run, storage.partial_folder(run)):
        shutil.rmtree(left, ignore_errors=True)
    cold = not cache.exists()
    compiled = {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    tell(f"{problem} {learner} seed {seed}: timing")
    command = [sys.executable, "-m", "posology.benchmarks.learners", problem, learner, str(seed), str(run)]
    done = subprocess.run([*command, str(time.time())], env={**os.environ, **compiled}, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"the timed training of {learner} failed: {done.stderr.strip()[-300:]}")
    found = {**json.loads(done.stdout.splitlines()[-1]), "cold": cold, **storage.machine()}
    storage.write_json(path, found)
    return found


def main(problem: str, learner_id: str, seed: str, out: str, began: str) -> None:
    """The training that is timed; prints one line of JSON."""
    from posology.benchmarks.evidence import HELD_OUT
    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.learners.catalogue import learner
    from posology.learners.learner import config, ready
    from posology.learners.loops import train

    env, updates = TreatmentEnvironment(treatment(problem)), UPDATES[learner_id]
    made = ready(learner(learner_id)(), env.spec, updates, SETTINGS[learner_id])
    before = time.time() - float(began)
    often: dict[str, Any] = {"chunk": 10, "evaluate_every": 1, "checkpoint_seconds": 1e9}
    result = train(env, made, out, int(seed), updates=updates, held_out=HELD_OUT, **often)
    history = json.loads((Path(out) / "evaluation.json").read_text())["history"]
    keep = ("updates", "samples", "seconds", "judging_seconds", "return_mean", "lower", "upper")
    found = {"problem": problem, "learner": learner_id, "seed": int(seed), "config": config(made)}
    found |= {"before_seconds": before, "compile_seconds": result["compile_seconds"]}
    print(json.dumps({**found, "history": [{k: point[k] for k in keep} for point in history]}))


def closed(timed: Mapping[str, Any], level: float) -> tuple[float, int] | None:
    """Seconds since process start and decisions until a judged policy reached `level`; None when none did."""
    for point in timed["history"]:
        if point["return_mean"] >= level:
            return timed["before_seconds"] + point["seconds"] - point["judging_seconds"], point["samples"]
    return None


def row(problem: str, learner: str, timed: Sequence[Mapping[str, Any]], rule: float, reference: float) -> dict[str, Any]:
    """One learner on one problem. `seconds` and `samples`: median over seeds until `SHARE` of the gap is closed."""
    from posology.benchmarks.seeds import combined  # here, because a timed training imports this file

    level = rule + SHARE * (reference - rule)
    reached = [closed(t, level) for t in timed]
    every = [r for r in reached if r]
    mean, lower, upper = combined([t["history"][-1] for t in timed])
    whole = len(every) == len(reached)
    cold = [r[0] if r else None for r, t in zip(reached, timed, strict=True) if t["cold"]]
    return {
        "problem": problem,
        "learner": learner,
        "return_mean": mean,
        "lower": lower,
        "upper": upper,
        "seeds": len(timed),
        "samples": int(statistics.median(r[1] for r in every)) if whole else None,
        "seconds": statistics.median(r[0] for r in every) if whole else None,
        "reference": reference,
        "clinical_rule": rule,
        "level": level,
        "gap_closed": (mean - rule) / (reference - rule),
        "seconds_per_seed": [r[0] if r else None for r in reached],
        "seconds_cold": cold[0] if cold else None,
        "final_samples": timed[0]["history"][-1]["samples"],
        "bar_seconds": BARS[learner],
    }


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Long runs for the reference, then timed ones, then the rows."""
    from posology.benchmarks.evidence import HELD_OUT

    rows, long = [], {}
    for problem in PROBLEMS:
        long[problem] = long_runs(problem, effort, tell)
        reference = max(value for values in long[problem].values() for value in values)
        rule = rule_return(problem, HELD_OUT)
        for name in BARS:
            timed = [time_it(problem, name, seed, effort, tell) for seed in range(effort.seeds)]
            rows.append(row(problem, name, timed, rule, reference))
    return {"rows": rows, "long_runs": long, "held_out": HELD_OUT, "share": SHARE, **storage.machine()}


def stored(results: Path) -> list[dict[str, Any]]:
    """The rows of the evidence.

    Raises:
        ValueError: when there is none yet, with the command that makes it.
    """
    path = results / "learners.json"
    if not path.is_file():
        raise ValueError(f"{path} is not there yet; `posology evidence learners` makes it")
    return json.loads(path.read_text())["rows"]


if __name__ == "__main__":
    main(*sys.argv[1:6])
