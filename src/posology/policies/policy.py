"""A policy: observation → dose. Guideline, network and planner alike; it knows no environment.

`act(key, observation, mask, memory) -> (action, memory)` for one patient; `memory` carries what a
recurrent policy or a planner remembers between decisions, and is `()` for all others.
`probabilities(observation, mask, memory)` exists for policies over a dose table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


def _nothing() -> Any:
    return ()


@dataclass(frozen=True, eq=False)
class Policy:
    """Pure functions of one patient; parameters are closed over or bound by `functools.partial`."""

    name: str
    act: Callable[[Any, Any, Any, Any], tuple[Any, Any]]
    probabilities: Callable[[Any, Any, Any], Any] | None = None
    memory: Callable[[], Any] = _nothing
