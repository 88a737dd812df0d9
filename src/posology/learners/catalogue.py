"""Every learner, as data: what it is called, where it is, which doses it can choose.

Reading this imports no learner; `learner(id)` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Any

from posology.environments.spec import Spec


@dataclass(frozen=True)
class Entry:
    """One learner. `target` is "module:Class"; `discrete` and `continuous` say which doses it can choose."""

    title: str
    target: str
    family: str
    discrete: bool = True
    continuous: bool = False

    def refuses(self, spec: Spec) -> str | None:
        """Why this learner cannot learn this problem, or None."""
        if spec.discrete and not self.discrete:
            return f"needs a continuous dose; {spec.id} has a table of {len(spec.actions)} doses"
        if not spec.discrete and not self.continuous:
            return f"needs a table of doses; the dose of {spec.id} is continuous"
        return None


LEARNERS: dict[str, Entry] = {
    "ppo": Entry(
        "Proximal policy optimisation, optionally with a window or recurrent memory",
        "posology.learners.deep.ppo:PPO",
        "deep",
        continuous=True,
    ),
    "dqn": Entry("Double deep Q-learning with replay", "posology.learners.deep.dqn:DQN", "deep"),
}


def entry(id: str) -> Entry:
    """The entry of that id.

    Raises:
        ValueError: naming the known ids.
    """
    if id not in LEARNERS:
        raise ValueError(f"unknown learner '{id}'; known: {', '.join(LEARNERS)}")
    return LEARNERS[id]


def learner(id: str) -> Any:
    """The learner's class; its call without arguments gives the default hyper-parameters."""
    module, name = entry(id).target.split(":")
    return getattr(import_module(module), name)


def admissible(spec: Spec) -> dict[str, str | None]:
    """Learner id → None, or the reason why it cannot learn this problem; decided from `spec` alone."""
    return {id: e.refuses(spec) for id, e in LEARNERS.items()}
