"""What is learned of patients and populations: drug responses, immune and model parameters; and the policies in use."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from sqlalchemy import Engine, Table, insert, select, update

from posology.clinic import audit
from posology.clinic.database import reading
from posology.clinic.errors import Conflict, NotFound
from posology.clinic.store import patients
from posology.clinic.store.rows import fitting
from posology.clinic.tables import drug_responses, immune_parameters, model_parameters, policies
from posology.data.units import ucum

KINDS: Mapping[str, Table] = {
    "drug response": drug_responses,
    "immune parameter": immune_parameters,
    "model parameter": model_parameters,
}


def add(engine: Engine, kind: str, actor: str, patient: str | None = None, **values: Any) -> int:
    """Keep one finding and return its number. `values` are the columns of its table in `tables`; `unit` is UCUM.

    Args:
        kind: one of `KINDS`.
        patient: the key; None for a parameter of a population.

    Raises:
        ValueError: for a field that is unknown, missing, too long, not finite or not a unit.
        NotFound: for an unknown patient.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: '{kind}' is not known; allowed: {', '.join(KINDS)}")
    table = KINDS[kind]
    row = _row(table, {"at": datetime.now(UTC)} | values)
    if patient is None and not table.c.patient.nullable:
        raise ValueError(f"patient: a {kind} is of one patient; name the patient")
    with audit.writing(engine, actor) as writer:
        about, salt = kind, "00" * 32
        if patient is not None:
            about, salt = patients.subject(patient), patients.current(writer.connection, patient).salt
        plain = row | {"at": row["at"].astimezone(UTC).isoformat()}
        number = writer.note(f"{kind} added", about, {"digest": audit.keyed(salt, plain)})
        writer.connection.execute(insert(table).values(**row, number=number, patient=patient, actor=actor))
    return number


def found(engine: Engine, kind: str, patient: str | None = None) -> list[dict[str, Any]]:
    """The findings of a kind on a patient, or those of populations, in the order they were entered."""
    table = KINDS[kind]
    with reading(engine) as connection:
        asked = select(table).where(table.c.patient == patient).order_by(table.c.number)
        return [dict(row) for row in connection.execute(asked).mappings()]


def add_policy(engine: Engine, actor: str, **values: str) -> str:
    """Keep where a policy lies and its hash: name, treatment, fingerprint, learner, place, sha256. Its key.

    Raises:
        ValueError: for a field that is unknown, missing or too long.
        Conflict: when the name is taken.
    """
    row, key = _row(policies, {"at": datetime.now(UTC), "retired": None} | values), secrets.token_hex(16)
    with audit.writing(engine, actor) as writer:
        if writer.connection.execute(select(policies.c.id).where(policies.c.name == row["name"])).first() is not None:
            raise Conflict(f"policy '{row['name']}': is here already; a new one needs a new name")
        writer.connection.execute(insert(policies).values(**row, id=key, actor=actor))
        writer.note("policy added", f"policy/{key}", {"name": row["name"], "sha256": row["sha256"]})
    return key


def retire_policy(engine: Engine, name: str, actor: str) -> None:
    """Take a policy out of use; it stays listed, as decisions name it.

    Raises:
        NotFound: when there is none of that name in use.
    """
    with audit.writing(engine, actor) as writer:
        used = (policies.c.name == name) & policies.c.retired.is_(None)
        if not writer.connection.execute(update(policies).where(used).values(retired=datetime.now(UTC))).rowcount:
            raise NotFound(f"policy '{name}': is not in use")
        writer.note("policy retired", "policy", {"name": name})


def list_policies(engine: Engine) -> list[dict[str, Any]]:
    """All policies by name, retired ones too."""
    with reading(engine) as connection:
        return [dict(row) for row in connection.execute(select(policies).order_by(policies.c.name)).mappings()]


def _row(table: Table, values: Mapping[str, Any]) -> dict[str, Any]:
    wanted = {c.name: c for c in table.columns if c.name not in ("number", "id", "patient", "actor")}
    if unknown := sorted(set(values) - set(wanted)):
        raise ValueError(f"{table.name}: has no field {unknown[0]}; allowed: {', '.join(wanted)}")
    if missing := [name for name, column in wanted.items() if not column.nullable and values.get(name) is None]:
        raise ValueError(f"{table.name}, field {missing[0]}: is missing")
    for name, value in values.items():
        if isinstance(value, float) and not isfinite(value):
            raise ValueError(f"{table.name}, field {name}: must be a finite number, got {value}")
    row = {name: values.get(name) for name in wanted}
    return fitting(table, row | ({"unit": ucum(row["unit"])} if row.get("unit") else {}))
