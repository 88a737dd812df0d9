"""The interface of a running clinic, asked with made-up requests from its own description: nothing may break, nothing surprise.

Every operation is asked by a user who may and by one who may not, with what its description allows and with what it forbids;
half of the keys are those of patients, users and the like that are there.
"""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from argon2 import PasswordHasher
from clinic_records import RECORD
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from people import a_patient, somebody
from schemathesis import GenerationMode, errors
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from web_clients import serving

from posology.clinic import store
from posology.clinic.app import create_app, guarded
from posology.clinic.roles import ROLES, allowed
from posology.clinic.settings import Settings
from posology.clinic.web.who import ANYONE, OPEN
from posology.data.record import from_dict

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@dataclass
class Target:
    """A running clinic, a token for each role, and what was found."""

    app: Any
    base: str
    tokens: dict[str, str]
    session: requests.Session = field(default_factory=requests.Session)
    asked: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    permissions: dict[tuple[str, str], str | None] = field(default_factory=dict)
    victim: str = ""
    patient: str = ""

    def known(self, path: str) -> dict[str, Any]:
        """Keys that are there, by the names of an operation's parameters."""
        engine = self.app.state.clinic.engine
        try:
            store.read(engine, self.patient)
        except ValueError:
            self.patient = a_patient(self.app, f"FUZZ-{time.monotonic_ns()}", **{k: v for k, v in RECORD.items() if k != "id"})
        key = self.victim if path.startswith("/api/users") else self.patient
        return {"key": key, "patient": self.patient, "id": self.patient}


@contextmanager
def attacked(folder: Any) -> Iterator[Target]:
    """A clinic of its own, served on loopback."""
    often = {"requests_per_second": 100_000, "burst": 1_000_000, "logins_per_minute": 100_000}
    app = create_app(Settings(data=folder, symptom_rows=1000, **often))
    clinic = app.state.clinic
    names = {role: somebody(app, role, CHEAP) for role in ROLES}
    tokens = {role: store.add_token(clinic.engine, name, "f", name, clinic.settings) for role, name in names.items()}
    other = somebody(app, "viewer", CHEAP)
    victim = next(u["key"] for u in store.list_users(clinic.engine) if u["name"] == other)
    with serving(app) as base:
        permissions = {(method, path): permission for method, path, permission in guarded(app)}
        patient = store.create(clinic.engine, from_dict(RECORD), "test")
        yield Target(app, base, tokens, permissions=permissions, victim=victim, patient=patient)
    clinic.engine.dispose()


def operations(target: Target) -> list[Any]:
    """What the description lists."""
    schema = schemathesis.openapi.from_url(f"{target.base}/openapi.json")
    return [found.ok() for found in schema.get_all_operations()]


def attack(target: Target, every: list[Any], examples: int, until: float, chance: random.Random) -> None:
    """Ask each operation `examples` times in each mode, as users of changing roles, until a time of `time.monotonic`."""
    for operation in every:
        for mode in MODES:
            if time.monotonic() < until:
                _some(target, operation, mode, examples, chance)


def _some(target: Target, operation: Any, mode: Any, examples: int, chance: random.Random) -> None:
    known = target.known(operation.path)
    permission = target.permissions.get((operation.method.upper(), operation.path))
    may = [role for role in ROLES if permission in (OPEN, ANYONE) or allowed(role, str(permission))]

    @seed(chance.getrandbits(32))
    @settings(
        max_examples=examples, database=None, deadline=None, phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        told = case.path_parameters or {}
        for name in set(told) & set(known):
            told[name] = known[name] if chance.random() < 0.6 else told[name]
        query = case.query or {}
        for name in set(query) & set(known):
            query[name] = known[name] if chance.random() < 0.6 else query[name]
        if isinstance(case.body, dict) and "patient" in case.body and chance.random() < 0.6:
            case.body["patient"] = known["patient"]
        role = chance.choice(may if chance.random() < 0.8 else list(ROLES))
        headers = {"Authorization": f"Bearer {target.tokens[role]}"} if chance.random() < 0.95 else {}
        response = case.call(base_url=target.base, headers=headers, session=target.session)
        target.asked[response.status_code] += 1
        try:
            case.validate_response(response, checks=CHECKS)
        except (AssertionError, errors.SchemathesisError, BaseExceptionGroup) as fault:
            target.faults.append(f"{operation.label} as {role}: {response.status_code}: {fault}"[:1500])

    try:
        one()
    except Unsatisfiable:
        pass  # nothing to forbid: an operation without parameters
