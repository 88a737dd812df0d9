"""The learning curve of the decision tree on symptoms (`symptoms/learning.py`), kept size by size."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from posology.policies import storage
from posology.symptoms import learning

if TYPE_CHECKING:
    from posology.benchmarks.evidence import Effort, Tell


def plan(effort: Effort, tell: Tell) -> dict[str, Any]:
    """Every size, smallest first; one that was learned from is not again."""

    def keep(rows: int, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        path = effort.runs / "symptoms-learning" / f"{rows}-{learning.made_of()}.json"
        if not path.is_file():
            path.parent.mkdir(parents=True, exist_ok=True)
            storage.write_json(path, make())
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        behind = found["classifiers"]["decision-tree"]["behind_bayes"]["value"]
        tell(f"symptoms-learning: {rows} patients, the tree is {100 * behind:.2f} points behind Bayes' rule")
        return found

    return {**learning.curve(learning.SIZES, learning.HELD_OUT, keep), **storage.machine()}
