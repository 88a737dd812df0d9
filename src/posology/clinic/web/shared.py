"""What the routes of one running clinic share."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from fastapi import Request
from sqlalchemy import Engine

from posology.clinic import audit
from posology.clinic.settings import Settings
from posology.clinic.store.patients import subject
from posology.clinic.web.computing import Computing

SEEN_FOR = 15 * 60.0
"""Seconds in which a user's looking at a patient is one entry of the audit trail (assumed: about one consultation)."""
MANY = 2_000
"""Looks that a process remembers at most (assumed: of a large hospital in that time); one that is forgotten is noted again."""


@dataclass
class Clinic:
    """A running clinic: its settings, its database, the threads that compute doses and their
    explanations (which take seconds), and who has lately looked at whom."""

    settings: Settings
    engine: Engine
    looked: OrderedDict[tuple[str, str], float] = field(default_factory=OrderedDict)
    lock: Lock = field(default_factory=Lock)
    computing: Computing = field(default_factory=Computing)
    explaining: Computing = field(default_factory=Computing)

    @property
    def cookie(self) -> str:
        """The name of the session's cookie; with the prefix a browser keeps it to this host and to TLS."""
        return "__Host-posology" if self.settings.https else "posology"


def clinic_of(request: Request) -> Clinic:
    """The clinic that a request came to."""
    clinic: Clinic = request.app.state.clinic
    return clinic


def base_of(request: Request) -> str:
    """The address of the clinic as it was asked for, without a slash at the end; the guard has let its host name through."""
    base = str(request.base_url).rstrip("/")
    return "https" + base[4:] if clinic_of(request).settings.https and base.startswith("http:") else base


def looked_at(request: Request, name: str, patient: str) -> None:
    """Note in the audit trail that a user looks at a patient's record, once for a quarter of an hour.

    Raises:
        Unavailable: when the trail cannot be written: then nothing is shown.
    """
    clinic, now = clinic_of(request), time.monotonic()
    with clinic.lock:
        while clinic.looked and (len(clinic.looked) > MANY or now - next(iter(clinic.looked.values())) >= SEEN_FOR):
            clinic.looked.popitem(last=False)  # the oldest comes first
        if (name, patient) in clinic.looked:
            return
    with audit.writing(clinic.engine, name) as writer:
        writer.note("patient seen", subject(patient))
    with clinic.lock:
        clinic.looked[name, patient] = now


def state(request: Request, name: str) -> Any:
    """What an earlier step of the same request left, or None."""
    return getattr(request.state, name, None)
