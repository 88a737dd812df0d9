"""A record in the making from FHIR resources."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from posology.data import times
from posology.data.readers import fhir_resources as r4
from posology.data.units import ucum

# Statuses of whatever kind that say: do not count this.
VOID = ("entered-in-error", "cancelled", "refuted", "inactive", "resolved", "remission")
DATE = re.compile(r"^\d{4}-\d\d-\d\d$")


class Wrong(ValueError):
    """A fault in one field of one resource."""

    def __init__(self, field_name: str, said: str) -> None:
        super().__init__(f"field {field_name}: {said}")
        self.field_name = field_name


class Refused(ValueError):
    """A bundle or resource that is not read: a sentence, and `path`, the FHIRPath of what is wrong in it."""

    def __init__(self, said: str, path: str) -> None:
        super().__init__(said)
        self.path = path


@dataclass
class Draft:
    """A record in the making."""

    id: str
    raw: dict[str, Any] = field(default_factory=lambda: {"covariates": {}, "doses": [], "observations": []})
    places: dict[tuple[str | int, ...], int | str] = field(default_factory=dict)
    notes: Counter[str] = field(default_factory=Counter)
    births: list[tuple[str, str]] = field(default_factory=list)  # a date of birth, and the path of its Patient

    def add(self, kind: str, entry: dict[str, Any], place: str) -> None:
        entries = self.raw.setdefault(kind, [])
        entries.append(entry)
        self.places[(kind, len(entries) - 1)] = place

    def listed(self, kind: str, text: str) -> None:
        entries = self.raw.setdefault(kind, [])
        if text and text not in entries:
            entries.append(text)

    def when(self, text: str, field_name: str) -> str:
        """A FHIR date or date and time as ISO with a zone."""
        if DATE.match(text):
            self.notes["dates without a time read as 00:00 UTC"] += 1
            text += "T00:00:00+00:00"
        try:
            if isinstance(times.parse(text), datetime):
                return text
        except ValueError as error:
            raise Wrong(field_name, str(error)) from None
        raise Wrong(field_name, f"must be a date and time, got '{text}'")


def unit_of(quantity: r4.Quantity, field_name: str) -> str:
    if quantity.value is None:
        raise Wrong(f"{field_name}.value", "is missing")
    faults = []
    for spelled in (quantity.code, quantity.unit):
        if spelled:
            try:
                return ucum(spelled)
            except ValueError as error:
                faults.append(str(error))
    raise Wrong(f"{field_name}.unit", faults[0] if faults else "is missing")
