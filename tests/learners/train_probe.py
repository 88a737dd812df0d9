"""Trains a small learner to a folder, slowly enough to be killed: `python train_probe.py OUT PAUSE`."""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from probes import Probes  # noqa: E402

from posology.learners.deep.dqn import DQN  # noqa: E402
from posology.learners.loops import train  # noqa: E402

LEARNER = DQN(patients=8, gradients=2, batch=16, capacity=256, hidden=(8,), discount=0.5, explore_over=20)


def main(out: str, pause: float) -> None:
    def report(event: dict) -> None:
        print(event["event"], event.get("updates", ""), flush=True)
        if event["event"] == "progress":
            time.sleep(pause)

    train(
        Probes(4), LEARNER, out, seed=3, updates=60, chunk=2, pool=32, held_out=32, checkpoint_seconds=0, report=report
    )


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
