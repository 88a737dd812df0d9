"""The first tables, and a chain of audit rows that begins with nothing."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from posology.clinic.columns import Json, Utc, long_text, text

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
GENESIS = "0" * 64


def _column(name: str, kind: Any, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, autoincrement=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "audit",
        _column("number", sa.BigInteger()), _column("at", Utc()), _column("actor", text(200)),
        _column("action", text(200)), _column("subject", text(200)), _column("detail", Json()),
        _column("previous", text(64)), _column("hash", text(64)), sa.PrimaryKeyConstraint("number", name="pk_audit"),
    )  # fmt: skip
    op.create_index("ix_audit_subject", "audit", ["subject"])
    op.create_table(
        "audit_head",
        _column("id", sa.Integer()), _column("rows", sa.BigInteger()), _column("hash", text(64)),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )  # fmt: skip
    op.create_table(
        "jobs",
        _column("id", text(32)), _column("kind", text(200)), _column("state", text(16)),
        _column("arguments", Json()), _column("progress", Json(), null=True), _column("result", Json(), null=True),
        _column("error", long_text(), null=True), _column("attempts", sa.Integer()),
        _column("fence", sa.BigInteger()), _column("worker", text(200), null=True),
        _column("leased_until", Utc(), null=True), _column("cancelled", sa.Boolean()), _column("made", Utc()),
        _column("began", Utc(), null=True), _column("ended", Utc(), null=True), _column("actor", text(200)),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )  # fmt: skip
    op.create_index("ix_jobs_state", "jobs", ["state"])
    op.create_table(
        "patients",
        _column("id", text(32)), _column("record_id", text(200)), _column("version", sa.Integer()),
        _column("words", long_text()), _column("salt", text(64)), _column("made", Utc()),
        sa.PrimaryKeyConstraint("id", name="pk_patients"),
        sa.UniqueConstraint("record_id", name="uq_patients_record_id"),
    )  # fmt: skip
    op.create_table(
        "policies",
        _column("id", text(32)), _column("name", text(200)), _column("treatment", text(200)),
        _column("fingerprint", text(200)), _column("learner", text(200)), _column("place", long_text()),
        _column("sha256", text(64)), _column("at", Utc()), _column("retired", Utc(), null=True),
        _column("actor", text(200)), sa.PrimaryKeyConstraint("id", name="pk_policies"),
        sa.UniqueConstraint("name", name="uq_policies_name"),
    )  # fmt: skip
    op.create_table(
        "users",
        _column("id", text(32)), _column("name", text(200)), _column("role", text(32)),
        _column("password", text(200)), _column("active", sa.Boolean()), _column("failures", sa.Integer()),
        _column("locked_until", Utc(), null=True), _column("made", Utc()),
        sa.PrimaryKeyConstraint("id", name="pk_users"), sa.UniqueConstraint("name", name="uq_users_name"),
    )  # fmt: skip
    op.create_table(
        "api_tokens",
        _column("digest", text(64)), _column("user_id", text(32)), _column("name", text(200)),
        _column("made", Utc()), _column("expires", Utc()), sa.PrimaryKeyConstraint("digest", name="pk_api_tokens"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_api_tokens_user_id"),
    )  # fmt: skip
    op.create_index("ix_api_tokens_user_id", "api_tokens", ["user_id"])
    op.create_table(
        "covariates",
        _column("patient", text(32)), _column("since", sa.Integer()), _column("position", sa.Integer()),
        _column("until", sa.Integer(), null=True), _column("name", text(200)), _column("value", sa.Double()),
        _column("unit", text(200)), _column("time", sa.Double(), null=True),
        sa.PrimaryKeyConstraint("patient", "since", "position", name="pk_covariates"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_covariates_patient"),
    )  # fmt: skip
    op.create_table(
        "decisions",
        _column("number", sa.BigInteger()), _column("patient", text(32)), _column("version", sa.Integer()),
        _column("answer", text(16)), _column("mg", sa.Double()), _column("reason", long_text()),
        _column("entry", Json()), _column("digest", text(64)), _column("at", Utc()), _column("actor", text(200)),
        sa.PrimaryKeyConstraint("number", name="pk_decisions"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_decisions_patient"),
    )  # fmt: skip
    op.create_index("ix_decisions_patient", "decisions", ["patient"])
    op.create_table(
        "doses",
        _column("patient", text(32)), _column("since", sa.Integer()), _column("position", sa.Integer()),
        _column("until", sa.Integer(), null=True), _column("time", sa.Double()), _column("amount", sa.Double()),
        _column("unit", text(200)), _column("route", text(200)), _column("duration", sa.Double()),
        _column("ss", sa.Boolean()), _column("ii", sa.Double()), _column("addl", sa.Integer()),
        _column("status", text(16)), _column("drug", text(200)),
        sa.PrimaryKeyConstraint("patient", "since", "position", name="pk_doses"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_doses_patient"),
    )  # fmt: skip
    op.create_table(
        "drug_responses",
        _column("number", sa.BigInteger()), _column("patient", text(32)), _column("drug", text(200)),
        _column("at", Utc()), _column("response", text(200)), _column("value", sa.Double(), null=True),
        _column("unit", text(200), null=True), _column("note", long_text()), _column("actor", text(200)),
        sa.PrimaryKeyConstraint("number", name="pk_drug_responses"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_drug_responses_patient"),
    )  # fmt: skip
    op.create_index("ix_drug_responses_patient", "drug_responses", ["patient"])
    op.create_table(
        "immune_parameters",
        _column("number", sa.BigInteger()), _column("patient", text(32), null=True),
        _column("patient_type", text(200)), _column("symbol", text(200)), _column("value", sa.Double()),
        _column("lower", sa.Double(), null=True), _column("upper", sa.Double(), null=True),
        _column("unit", text(200)), _column("source", long_text()), _column("at", Utc()),
        _column("actor", text(200)), sa.PrimaryKeyConstraint("number", name="pk_immune_parameters"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_immune_parameters_patient"),
    )  # fmt: skip
    op.create_index("ix_immune_parameters_patient", "immune_parameters", ["patient"])
    op.create_table(
        "model_parameters",
        _column("number", sa.BigInteger()), _column("patient", text(32), null=True), _column("model", text(200)),
        _column("method", text(200)), _column("symbol", text(200)), _column("value", sa.Double()),
        _column("lower", sa.Double(), null=True), _column("upper", sa.Double(), null=True),
        _column("unit", text(200)), _column("source", long_text()), _column("at", Utc()),
        _column("actor", text(200)), sa.PrimaryKeyConstraint("number", name="pk_model_parameters"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_model_parameters_patient"),
    )  # fmt: skip
    op.create_index("ix_model_parameters_patient", "model_parameters", ["patient"])
    op.create_table(
        "observations",
        _column("patient", text(32)), _column("since", sa.Integer()), _column("position", sa.Integer()),
        _column("until", sa.Integer(), null=True), _column("time", sa.Double()), _column("name", text(200)),
        _column("value", sa.Double()), _column("unit", text(200)), _column("below", sa.Boolean()),
        sa.PrimaryKeyConstraint("patient", "since", "position", name="pk_observations"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_observations_patient"),
    )  # fmt: skip
    op.create_table(
        "patient_versions",
        _column("patient", text(32)), _column("version", sa.Integer()), _column("record_id", text(200)),
        _column("start", Utc(), null=True), _column("facts", Json()), _column("digest", text(64)),
        _column("at", Utc()), _column("actor", text(200)), _column("reason", long_text()),
        _column("number", sa.BigInteger()),
        sa.PrimaryKeyConstraint("patient", "version", name="pk_patient_versions"),
        sa.ForeignKeyConstraint(["patient"], ["patients.id"], name="fk_patient_versions_patient"),
    )  # fmt: skip
    op.create_table(
        "sessions",
        _column("digest", text(64)), _column("user_id", text(32)), _column("made", Utc()), _column("seen", Utc()),
        _column("expires", Utc()), sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
    )  # fmt: skip
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"])
    head = sa.table("audit_head", sa.column("id"), sa.column("rows"), sa.column("hash"))
    op.bulk_insert(head, [{"id": 1, "rows": 0, "hash": GENESIS}])


def downgrade() -> None:
    """Remove the tables with all they hold."""
    for name in (
        "sessions", "patient_versions", "observations", "model_parameters", "immune_parameters",
        "drug_responses", "doses", "decisions", "covariates", "api_tokens", "users", "policies", "patients",
        "jobs", "audit_head", "audit",
    ):  # fmt: skip
        op.drop_table(name)
