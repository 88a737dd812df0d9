"""Training killed at random moments, and whether it ends in the same bits as training left alone.

`python -m posology.benchmarks.kills OUT PAUSE` is the training that is killed: a small PPO that writes
a checkpoint after every chunk and says so on a line that begins with "progress".
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from posology.policies import storage

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell

TREATMENT, KILLS = "paclitaxel-cycles-v1", 20
FILES = ("policy.safetensors", "CARD.md", "policy.json")
PAUSE = 0.02  # s that the training waits after a chunk, so that a kill meets it at work

Start = Callable[[Path, float], "subprocess.Popen[str]"]


def started(command: list[str], cache: Path) -> subprocess.Popen[str]:
    """A training as a process of its own, its lines readable, with compiled programs kept in `cache`."""
    settings = {"JAX_COMPILATION_CACHE_DIR": str(cache), "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    environment = {**os.environ, **settings}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def killed(process: subprocess.Popen[str], chance: random.Random) -> bool:
    """Kill a training after a few of its chunks, anywhere: in an update, in a write, between two.

    Returns whether it said that it resumed.
    """
    lines, enough, resumed = 0, chance.randint(2, 7), False
    for line in process.stdout or ():
        resumed |= line.startswith("resumed")
        lines += line.startswith("progress")
        if lines >= enough:
            break
    time.sleep(chance.uniform(0.0, 0.06))
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return resumed


def finished(process: subprocess.Popen[str]) -> str:
    """What a training said that ran to its end.

    Raises:
        ValueError: when it failed.
    """
    said, _ = process.communicate(timeout=600)
    if process.returncode:
        raise ValueError(f"a training ended with exit code {process.returncode}: {said[-300:]}")
    return said


def trial_of_kills(
    start: Start, folder: Path, kills: int, seed: int = 7, tell: Callable[[str], None] = lambda text: None
) -> dict[str, Any]:
    """Kill a training `kills` times, let it end, and compare it with one that was left alone.

    Returns:
        kills; resumed: starts that went on from a checkpoint; never_complete: whether no killed run
        looked complete; identical: file → whether its bytes are those of the undisturbed run.
    """
    whole, broken = folder / "whole", folder / "killed"
    finished(start(whole, 0.0))
    tell("kills: the undisturbed training is done")
    chance, resumed, complete = random.Random(seed), 0, 0
    for i in range(kills):
        resumed += killed(start(broken, PAUSE), chance)
        complete += broken.exists()
        tell(f"kills: {i + 1} of {kills}")
    resumed += "resumed" in finished(start(broken, 0.0))
    same = {name: (broken / name).read_bytes() == (whole / name).read_bytes() for name in FILES}
    left = storage.partial_folder(broken).exists()
    return {"kills": kills, "resumed": resumed, "never_complete": not complete and not left, "identical": same}


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Twenty kills of a training on the comparison problem; an interrupted trial of kills begins anew."""
    folder = effort.runs / "kills"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    own = lambda out, pause: [sys.executable, "-m", "posology.benchmarks.kills", str(out), str(pause)]  # noqa: E731
    start = lambda out, pause: started(own(out, pause), folder / "cache")  # noqa: E731
    found = trial_of_kills(start, folder, KILLS, effort.seed, tell)
    return {"treatment": TREATMENT, "learner": "ppo", "seed": effort.seed, **found, **storage.machine()}


def main(out: str, pause: str) -> None:
    """The training that is killed."""
    from posology.environments.catalogue import treatment
    from posology.environments.protocol import TreatmentEnvironment
    from posology.learners.deep.ppo import PPO
    from posology.learners.learner import suited
    from posology.learners.loops import train

    def report(event: dict[str, Any]) -> None:
        print(event["event"], event.get("updates", ""), flush=True)
        if event["event"] == "progress":
            time.sleep(float(pause))

    env = TreatmentEnvironment(treatment(TREATMENT))
    learner = suited(PPO(patients=16, minibatches=2, epochs=2, hidden=(16,)), env.spec)
    budget: dict[str, Any] = {"updates": 160, "chunk": 1, "pool": 64, "held_out": 64, "checkpoint_seconds": 0}
    train(env, learner, out, seed=3, report=report, **budget)


if __name__ == "__main__":
    main(*sys.argv[1:3])
