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


def record_hash(record: Record) -> str:
    """SHA-256 of a record as `data/readers` writes it, notes apart: the same for the same facts, whatever the file."""
    return hashlib.sha256(to_json(record.model_copy(update={"notes": ()})).encode()).hexdigest()


def decision(
    recommendation: Mapping[str, Any], record: Record, mg: float, by: str, reason: str = "", when: datetime | None = None
) -> dict[str, Any]:
    """What someone decided on a recommendation.

    Args:
        mg: what will be given, per dose; 0 for no dose.
        by: who decided.
        reason: why, asked for when it is not what was recommended.
        when: with a zone; now unless given.

    Raises:
        ValueError: for an impossible dose, an empty name, a time without a zone, another patient's
            record, or a departure without a reason.
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
    followed = chosen is not None and math.isclose(mg, chosen["mg"], rel_tol=1e-6, abs_tol=1e-9)
    if not followed and not reason.strip():
        raise ValueError("reason: is empty; say why the dose is not the recommended one")
    return {
        "when": when.astimezone(UTC).isoformat(),
        "by": by.strip(),
        "mg": mg,
        "followed": followed,
        "reason": reason.strip(),
        **{k: recommendation[k] for k in ABOUT},
        "options": [{k: option[k] for k in KEPT} for option in recommendation["options"]],
        "record_sha256": record_hash(record),
        "posology": metadata.version("posology"),
    }


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
