"""Decisions on a recommendation, as `bedside/decide.py` makes them: who, when, what was shown, on which record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select

from posology.bedside.decide import ANSWERS, record_hash
from posology.clinic import audit
from posology.clinic.database import reading
from posology.clinic.errors import Conflict
from posology.clinic.store import patients
from posology.clinic.store.rows import fitting
from posology.clinic.tables import decisions


def decide(engine: Engine, patient: str, version: int, answer: str, entry: Mapping[str, Any], actor: str) -> int:
    """Keep a decision that was made on the record at `version`; its number.

    Args:
        answer: `accepted`, `changed` (another dose, interval or time), `deferred` or `rejected`.
        entry: what `bedside.decide.decision` returned, with `by` equal to `actor`.

    Raises:
        ValueError: when answer, dose and reason do not fit each other, or `entry` is another person's.
        Conflict: when the record is another one by now than the one that was looked at.
        NotFound: for an unknown patient.
    """
    _check(answer, entry, actor)
    with audit.writing(engine, actor) as writer:
        row = patients.current(writer.connection, patient)
        record = patients.at(writer.connection, patient).record
        if row.version != version or record_hash(record) != entry["record_sha256"]:
            raise Conflict(
                f"patient '{row.record_id}': the decision is on version {version}, but version {row.version} is there now"
                " or the record is not the one that was shown; ask for a new recommendation"
            )
        said, digest = dict(entry), audit.keyed(row.salt, dict(entry))
        number = writer.note("decision made", patients.subject(patient), {"version": version, "digest": digest})
        kept = {"number": number, "patient": patient, "version": version, "answer": answer, "digest": digest}
        told = {"mg": entry["mg"], "reason": entry["reason"], "entry": said, "actor": actor}
        when = datetime.fromisoformat(entry["when"])
        writer.connection.execute(insert(decisions).values(**fitting(decisions, kept | told), at=when))
    return number


def decisions_of(engine: Engine, patient: str) -> list[dict[str, Any]]:
    """The decisions on a patient in the order they were made: number, version, answer, mg, reason, at, actor, entry.

    Raises:
        NotFound: for an unknown patient.
    """
    with reading(engine) as connection:
        patients.current(connection, patient)
        asked = select(decisions).where(decisions.c.patient == patient).order_by(decisions.c.number)
        return [dict(row) for row in connection.execute(asked).mappings()]


def _check(answer: str, entry: Mapping[str, Any], actor: str) -> None:
    if answer not in ANSWERS:
        raise ValueError(f"answer: '{answer}' is not one; allowed: {', '.join(ANSWERS)}")
    if entry["by"] != actor:
        raise ValueError(f"by: the decision is of '{entry['by']}', but '{actor}' would keep it")
    if answer == "accepted" and not entry["followed"]:
        raise ValueError("answer: is accepted, but the dose is not the recommended one; it is changed")
    if answer != "accepted" and not entry["reason"]:
        raise ValueError(f"reason: is empty; say why the recommendation is {answer}")
    if entry.get("answer", answer) != answer:  # entries of before answers were part of them have none
        raise ValueError(f"answer: is {answer}, but the decision says {entry['answer']}")
