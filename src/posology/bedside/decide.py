"""The record of a decision: what was laid before whom, what was chosen, on which data and program.

A decision is plain data. `append` adds it as one line of JSON to a file that only grows; nothing here
changes or removes a line.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from posology.data.readers import to_json
from posology.data.record import Record

ABOUT = ("treatment", "fingerprint", "model", "policy", "patient", "time", "chosen", "bound_by", "abstained")
KEPT = ("dose", "unit", "label", "mg", "rank", "allowed", "harm", "reward")
ANSWERS = ("accepted", "changed", "deferred", "rejected")
GIVES = ("accepted", "changed")  # answers after which something is given, or "no dose" is what was chosen


def record_hash(record: Record) -> str:
    """SHA-256 of a record as `data/readers` writes it, notes apart: the same for the same facts, whatever the file."""
    return hashlib.sha256(to_json(record.model_copy(update={"notes": ()})).encode()).hexdigest()


def decision(
    recommendation: Mapping[str, Any], record: Record, mg: float = 0.0, by: str = "", reason: str = "",
    when: datetime | None = None, *, answer: str | None = None, every_days: float | None = None,
    start_in_days: float | None = None, until: datetime | None = None,
) -> dict[str, Any]:  # fmt: skip
    """What someone decided on a recommendation.

    Args:
        mg: what will be given, per dose; 0 for no dose, and where the answer is deferred or rejected.
        by: who decided.
        reason: why, asked for when it is not what was recommended.
        when: with a zone; now unless given.
        answer: one of `ANSWERS`; by default accepted for what was recommended, as it was, else changed.
        every_days: until the next visit, where that was changed; `start_in_days` until the dose, where that was.
        until: with a zone, when a deferred decision is due.

    Raises:
        ValueError: for an impossible dose, interval or delay, an empty name, a time without a zone, another patient's
            record, a departure without a reason, or an answer that does not fit what is given.
    """
    if not (math.isfinite(mg) and mg >= 0):
        raise ValueError(f"dose {mg:g} mg: is not allowed; it must be a finite amount of at least 0 mg")
    if not by.strip():
        raise ValueError("by: is empty; a decision names who made it")
    when = when or datetime.now(UTC)
    if when.tzinfo is None:
        raise ValueError("when: has no time zone")
    if recommendation["patient"] != record.id:
        raise ValueError(f"the recommendation is for patient '{recommendation['patient']}', the record is of '{record.id}'")
    chosen = recommendation["chosen"]
    changes = {"every_days": _days("every_days", every_days, zero=False), "start_in_days": _days("start_in_days", start_in_days)}
    as_chosen = chosen is not None and math.isclose(mg, chosen["mg"], rel_tol=1e-6, abs_tol=1e-9)
    as_chosen = as_chosen and changes["every_days"] in (None, chosen.get("wait_days")) and not changes["start_in_days"]
    answer = ("accepted" if as_chosen else "changed") if answer is None else answer
    _check(answer, mg, as_chosen, changes, until)
    followed = answer == "accepted"
    if not followed and not reason.strip():
        raise ValueError(f"reason: is empty; say why {WHY[answer]}")
    return {
        "when": when.astimezone(UTC).isoformat(),
        "by": by.strip(),
        "answer": answer,
        "mg": mg,
        **{k: v for k, v in changes.items() if answer == "changed"},
        **({"until": until.astimezone(UTC).isoformat() if until else None} if answer == "deferred" else {}),
        "followed": followed,
        "reason": reason.strip(),
        **{k: recommendation[k] for k in ABOUT},
        "options": [{k: option[k] for k in KEPT} for option in recommendation["options"]],
        "record_sha256": record_hash(record),
        "posology": metadata.version("posology"),
    }


WHY = {
    "changed": "the dose is not the recommended one, or not given as recommended",
    "deferred": "the decision is put off",
    "rejected": "the recommendation is rejected",
}


def _days(name: str, value: float | None, zero: bool = True) -> float | None:
    if value is None or (math.isfinite(value) and (value > 0 or (zero and value == 0))):
        return value
    allowed = "0 or more" if zero else "more than 0"
    raise ValueError(f"{name}: {value:g} is not allowed; it must be a finite number of days, {allowed}")


def _check(answer: str, mg: float, as_chosen: bool, changes: Mapping[str, float | None], until: datetime | None) -> None:
    """Refuse an answer that does not fit what is given."""
    if answer not in ANSWERS:
        raise ValueError(f"answer: '{answer}' is not one; allowed: {', '.join(ANSWERS)}")
    if answer not in GIVES and (mg or any(v is not None for v in changes.values())):
        raise ValueError(f"answer: is {answer}, so that nothing is given; leave dose ({mg:g} mg), interval and start out")
    if answer == "accepted" and not as_chosen:
        raise ValueError("answer: is accepted, but dose, interval or start is not the recommended one; it is changed")
    if answer == "changed" and as_chosen:
        raise ValueError("answer: is changed, but dose, interval and start are the recommended ones; it is accepted")
    if until is not None and answer != "deferred":
        raise ValueError(f"until: belongs to a decision that is deferred; this one is {answer}")
    if until is not None and until.tzinfo is None:
        raise ValueError("until: has no time zone")


def append(path: Path | str, entry: Mapping[str, Any]) -> None:
    """Add a decision to a file of JSON lines and wait until it is on the disk."""
    line = (json.dumps(entry, ensure_ascii=False, allow_nan=False) + "\n").encode()
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(handle, line)  # one write of an append: two writers never mix their lines
        os.fsync(handle)
    finally:
        os.close(handle)


def decisions(path: Path | str) -> list[dict[str, Any]]:
    """All decisions of a file, the first made first.

    Raises:
        ValueError: naming a line that is damaged.
    """
    found = []
    for number, line in enumerate(Path(path).read_text(encoding="utf-8").splitlines(), 1):
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError:
            raise ValueError(f"{path}, line {number}: is damaged: it is not JSON") from None
    return found
