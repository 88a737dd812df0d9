"""Times of a record: hours as numbers, or ISO 8601 with a zone, made hours since the earliest one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Location = tuple[str | int, ...]

_ISO = re.compile(r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|z|[+-]\d\d:?\d\d)?$")
_DATE = re.compile(r"^\d{4}(-\d\d){0,2}$")


class EntryError(ValueError):
    """What is wrong with one entry of a record, with its location."""

    def __init__(self, said: str, location: Location = ()) -> None:
        super().__init__(said)
        self.location = location


def parse(value: Any) -> float | datetime:
    """Hours, or a calendar time in UTC.

    Raises:
        EntryError: when the value is neither a finite number nor ISO 8601 with a zone.
    """
    if isinstance(value, bool) or value is None:
        raise EntryError(f"must be hours or a date and time with a zone, got {value}")
    if isinstance(value, (int, float)):
        if abs(value) < 1e12:
            return float(value)
        raise EntryError(f"must be a finite number of hours, got {value!r:.40}")
    if isinstance(value, datetime):
        return _utc(value, value.isoformat())
    if not isinstance(value, str):
        raise EntryError(f"must be hours or a date and time with a zone, got a {type(value).__name__}")
    if not _ISO.match(value.strip()):
        dated = " (a date alone has no time and no zone)" if _DATE.match(value.strip()) else ""
        raise EntryError(
            f"must be hours or a date and time such as 2026-03-01T08:00:00+01:00, got '{value:.40}'{dated}"
        )
    try:
        return _utc(datetime.fromisoformat(value.strip()), value)
    except (ValueError, OverflowError) as error:
        if isinstance(error, EntryError):
            raise
        raise EntryError(f"'{value:.40}' is not a date and time that exists") from None


def _utc(stamp: datetime, spelled: str) -> datetime:
    if stamp.tzinfo is None:
        raise EntryError(f"'{spelled}' has no time zone; write +00:00 or Z for UTC, or +01:00")
    return stamp.astimezone(UTC)


def hours_between(start: datetime, stamp: datetime) -> float:
    """Hours from one calendar time to another."""
    return (stamp - start) / timedelta(hours=1)


def to_hours(raw: dict[str, Any], entries: Sequence[tuple[Location, dict[str, Any]]]) -> dict[str, Any]:
    """The raw record with every time in hours and, where times were dates, with its `start`.

    Without a `start` a record counts hours, or dates from the earliest one; both at once would leave
    the distance between the two clocks to a guess.

    Raises:
        EntryError: with the location of the entry.
    """
    read: dict[Location, float | datetime] = {}
    for location, entry in entries:
        if entry.get("time") is None:
            continue
        try:
            read[location] = parse(entry["time"])
        except EntryError as error:
            raise EntryError(str(error), (*location, "time")) from None
    start = _start(raw, read)
    hours = {at: t if isinstance(t, float) else hours_between(start, t) for at, t in read.items()}
    made = _replaced(raw, hours)
    return {**made, "start": start} if start is not None else made


def _start(raw: dict[str, Any], read: dict[Location, float | datetime]) -> Any:
    if raw.get("start") is not None:
        try:
            start = parse(raw["start"])
        except EntryError as error:
            raise EntryError(str(error), ("start",)) from None
        if isinstance(start, float):
            raise EntryError("must be a date and time with a zone, got a number", ("start",))
        return start
    stamps = {at: t for at, t in read.items() if isinstance(t, datetime)}
    counted = [at for at, t in read.items() if isinstance(t, float)]
    if stamps and counted:
        raise EntryError("hours and calendar times are mixed; use one kind or give start", (*counted[0], "time"))
    return min(stamps.values()) if stamps else None


def _replaced(raw: dict[str, Any], hours: dict[Location, float]) -> dict[str, Any]:
    """A copy of the raw record with the times at those locations replaced."""

    def walk(value: Any, location: Location, depth: int) -> Any:
        if location in hours and isinstance(value, dict):
            return {**value, "time": hours[location]}
        if depth and isinstance(value, dict):
            return {k: walk(v, (*location, k), depth - 1) for k, v in value.items()}
        if depth and isinstance(value, (list, tuple)):
            return [walk(v, (*location, i), depth - 1) for i, v in enumerate(value)]
        return value

    return {k: walk(v, (k,), 2) if k in ("covariates", "doses", "observations") else v for k, v in raw.items()}
