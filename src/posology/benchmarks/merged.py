"""A trial of some arms beside what is stored of others: the same patients, noise and resampling of patients, so that each arm's
numbers are those that one trial of all would have, but for which of its training seeds an interval draws.

Paired differences and regret need an arm, the first arm and the oracle, all of which every trial plays; nothing else in a
table depends on which other arms took part.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

SAME = ("treatment", "fingerprint", "patients", "seed", "level", "draws", "shift", "model")
Table = Mapping[str, Any]


def alike(made: Table, stored: Table) -> bool:
    """Whether both are trials of the same patients: by what they say of themselves, and by what their first arm reached."""
    first = next(iter(made["arms"]))
    if any(made[name] != stored.get(name) for name in SAME) or first not in stored["arms"]:
        return False
    ends = [table["arms"][first]["endpoints"]["return"]["mean"] for table in (made, stored)]
    return math.isclose(*ends, rel_tol=1e-4, abs_tol=1e-6)


def beside(made: Table, stored: Table, arms: Sequence[str]) -> dict[str, Any]:
    """The trial that was made, with those of `arms` that only the stored one has, in the order of `arms`."""
    known = set(made["arms"]) | set(stored["arms"])
    return _joined(made, stored, [a for a in arms if a in known], known)


def _joined(new: Any, old: Any, order: Sequence[str], known: set[str]) -> Any:
    if not (isinstance(new, Mapping) and isinstance(old, Mapping)):
        return old if new is None else new
    names = [*new, *(name for name in old if name not in new)]
    if names and set(names) <= known:  # something by arm
        names = [name for name in order if name in names]
    return {name: _joined(new[name], old.get(name), order, known) if name in new else old[name] for name in names}
