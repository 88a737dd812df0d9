"""What the clinic keeps, as tables.

Keys are random or counted by the audit chain, never by the database, so that rows move between databases
unchanged and an erased key is not used again. A row of `doses`, `observations` or `covariates` belongs to the
versions `since` … `until - 1` of its patient (`until` null: still valid), `position` is its place in the record.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, ForeignKey, Integer, MetaData, Table

from posology.clinic.columns import Json, Utc, long_text, text

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)
ID = 32
HASH = 64


def _needed(name: str, kind: Any, **more: Any) -> Column[Any]:
    return Column(name, kind, nullable=False, **more)


def _id(name: str = "id", *more: Any, **options: Any) -> Column[Any]:
    return Column(name, text(ID), *more, **{"primary_key": True, **options})


def _patient(**options: Any) -> Column[Any]:
    return _id("patient", ForeignKey("patients.id"), **options)


def _number() -> Column[Any]:
    return Column("number", BigInteger, primary_key=True, autoincrement=False)  # that of the audit row


patients = Table(
    "patients", metadata,
    _id(),
    _needed("record_id", text(), unique=True),
    _needed("version", Integer),
    _needed("words", long_text()),  # what a search looks at, in small letters
    _needed("salt", text(HASH)),  # key of the content hashes in the audit; goes with the patient
    _needed("made", Utc),
)  # fmt: skip

versions = Table(
    "patient_versions", metadata,
    _patient(),
    Column("version", Integer, primary_key=True, autoincrement=False),
    _needed("record_id", text()),
    Column("start", Utc),
    _needed("facts", Json),  # genotypes, conditions, medications, allergies, notes
    _needed("digest", text(HASH)),
    _needed("at", Utc),
    _needed("actor", text()),
    _needed("reason", long_text()),
    _needed("number", BigInteger),
)  # fmt: skip


def _of_record(name: str, *columns: Column[Any]) -> Table:
    """A table of entries of records, each with the versions in which it is valid."""
    return Table(
        name, metadata, _patient(),
        Column("since", Integer, primary_key=True, autoincrement=False),
        Column("position", Integer, primary_key=True, autoincrement=False),
        Column("until", Integer),
        *columns,
    )  # fmt: skip


covariates = _of_record(
    "covariates",
    _needed("name", text()), _needed("value", Double), _needed("unit", text()), Column("time", Double),
)  # fmt: skip
doses = _of_record(
    "doses",
    _needed("time", Double), _needed("amount", Double), _needed("unit", text()), _needed("route", text()),
    _needed("duration", Double), _needed("ss", Boolean), _needed("ii", Double), _needed("addl", Integer),
    _needed("status", text(16)), _needed("drug", text()),
)  # fmt: skip
observations = _of_record(
    "observations",
    _needed("time", Double), _needed("name", text()), _needed("value", Double), _needed("unit", text()),
    _needed("below", Boolean),
)  # fmt: skip

drug_responses = Table(
    "drug_responses", metadata, _number(),
    _patient(primary_key=False, nullable=False, index=True),
    _needed("drug", text()), _needed("at", Utc), _needed("response", text()),
    Column("value", Double), Column("unit", text()), _needed("note", long_text()), _needed("actor", text()),
)  # fmt: skip


def _parameters(name: str, *columns: Column[Any]) -> Table:
    """Estimated or assumed numbers; without a patient they are those of a population."""
    return Table(
        name, metadata, _number(), _patient(primary_key=False, index=True), *columns,
        _needed("symbol", text()), _needed("value", Double), Column("lower", Double), Column("upper", Double),
        _needed("unit", text()), _needed("source", long_text()), _needed("at", Utc), _needed("actor", text()),
    )  # fmt: skip


immune_parameters = _parameters("immune_parameters", _needed("patient_type", text()))
model_parameters = _parameters("model_parameters", _needed("model", text()), _needed("method", text()))

policies = Table(
    "policies", metadata, _id(),
    _needed("name", text(), unique=True), _needed("treatment", text()), _needed("fingerprint", text()),
    _needed("learner", text()), _needed("place", long_text()), _needed("sha256", text(HASH)),
    _needed("at", Utc), Column("retired", Utc), _needed("actor", text()),
)  # fmt: skip

decisions = Table(
    "decisions", metadata, _number(),
    _patient(primary_key=False, nullable=False, index=True),
    _needed("version", Integer), _needed("answer", text(16)), _needed("mg", Double), _needed("reason", long_text()),
    _needed("entry", Json), _needed("digest", text(HASH)), _needed("at", Utc), _needed("actor", text()),
)  # fmt: skip

jobs = Table(
    "jobs", metadata, _id(),
    _needed("kind", text()), _needed("state", text(16), index=True), _needed("arguments", Json), Column("progress", Json),
    Column("result", Json), Column("error", long_text()), _needed("attempts", Integer), _needed("fence", BigInteger),
    Column("worker", text()), Column("leased_until", Utc), _needed("cancelled", Boolean),
    _needed("made", Utc), Column("began", Utc), Column("ended", Utc), _needed("actor", text()),
)  # fmt: skip

cohorts = Table(
    "cohorts", metadata, _id(),
    _needed("name", text()), _needed("file", text()),  # as the uploader calls it; never a path
    _needed("rows", Integer), _needed("patients", Integer), _needed("sha256", text(HASH)), _needed("quality", Json),
    _needed("at", Utc), _needed("actor", text()), Column("removed", Utc),
)  # fmt: skip

users = Table(
    "users", metadata, _id(),
    _needed("name", text(), unique=True), _needed("role", text(32)), _needed("password", text()),
    _needed("active", Boolean), _needed("failures", Integer), Column("locked_until", Utc), _needed("made", Utc),
)  # fmt: skip


def _user() -> Column[Any]:
    return _id("user_id", ForeignKey("users.id"), primary_key=False, nullable=False, index=True)


sessions = Table(
    "sessions", metadata, Column("digest", text(HASH), primary_key=True),
    _user(), _needed("made", Utc), _needed("seen", Utc), _needed("expires", Utc),
)  # fmt: skip
tokens = Table(
    "api_tokens", metadata, Column("digest", text(HASH), primary_key=True),
    _user(), _needed("name", text()), _needed("made", Utc), _needed("expires", Utc),
)  # fmt: skip
identities = Table(
    "identities", metadata, Column("digest", text(HASH), primary_key=True),  # of issuer and subject, whatever their length
    _user(), _needed("issuer", long_text()), _needed("subject", long_text()), _needed("made", Utc),
)  # fmt: skip

ehr_clients = Table(
    "ehr_clients", metadata, _id(),
    _needed("issuer", text(), unique=True), _needed("name", text()), _needed("keys", Json),  # public keys alone
    _needed("made", Utc), Column("retired", Utc), _needed("actor", text()),
)  # fmt: skip
ehr_tokens = Table(
    "ehr_tokens", metadata, Column("digest", text(HASH), primary_key=True), _needed("expires", Utc, index=True),
)  # fmt: skip
hook_feedback = Table(
    "hook_feedback", metadata, _number(),
    _needed("service", text()), _needed("card", text(64)), _needed("outcome", text(16)), Column("reason", text()),
    _needed("comment", long_text()), _needed("said", Utc), _needed("at", Utc), _needed("actor", text()),
)  # fmt: skip
smart_launches = Table(
    "smart_launches", metadata, Column("digest", text(HASH), primary_key=True),
    _needed("pending", Json), _needed("expires", Utc),
)  # fmt: skip

audit = Table(
    "audit", metadata, _number(),
    _needed("at", Utc), _needed("actor", text()), _needed("action", text()), _needed("subject", text(), index=True),
    _needed("detail", Json), _needed("previous", text(HASH)), _needed("hash", text(HASH)),
)  # fmt: skip
audit_head = Table(
    "audit_head", metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),  # always 1
    _needed("rows", BigInteger), _needed("hash", text(HASH)),
)  # fmt: skip
