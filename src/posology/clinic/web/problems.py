"""How a program is told that something was not done: a sentence as JSON, or in the words of the interface that it asks."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

from posology.clinic.fhir import faults

Body = tuple[bytes, str]


def plain(status: int, sentence: str) -> Body:
    """The sentence as JSON."""
    return _json({"detail": sentence}), "application/json"


def outcome(status: int, sentence: str) -> Body:
    """The sentence as an OperationOutcome of FHIR."""
    return _json(faults.told(status, sentence)), "application/fhir+json"


FORMS: Mapping[str, Callable[[int, str], Body]] = {"/fhir": outcome}
"""Interfaces with words of their own, by the first part of their paths."""


def body(path: str, status: int, sentence: str) -> Body:
    """What is answered to a program that asked for `path`, and its content type."""
    return FORMS.get("/" + path.split("/")[1] if path.startswith("/") else "", plain)(status, sentence)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
