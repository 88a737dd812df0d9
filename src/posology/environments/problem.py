"""A published control problem: what is asked, as data, and how its environment is made.

A problem is played by its own environment instead of the protocol of visits and doses that treatments
share; it stands here to compare learners with each other and with what was published, never to dose.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from posology.environments.spec import Spec


@dataclass(frozen=True, eq=False)
class Problem:
    """`make(shared)` gives the environment; `shared` is the folder that holds `data`, for problems that
    read tables. `known` are published, exact or measured returns by name. `credibility` is the model's class, `params` the
    table of its numbers, where it has equations. `policies` are what a clinic could do from what is seen, the standard of
    care among them: `act(observation) -> action` by name."""

    id: str
    title: str
    question: str
    spec: Spec
    make: Callable[[Path], Any]
    source: str
    not_for: str
    credibility: str = "C"
    known: Mapping[str, float] = field(default_factory=dict)
    params: type[Any] | None = None
    policies: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def environment(self, shared: Path | None = None) -> Any:
        """The environment.

        Raises:
            ValueError: where its tables are not found or damaged.
        """
        return self.make(shared or Path(os.environ.get("POSOLOGY_SHARED", "../shared")))
