"""Hospitals' systems that may ask, tokens that they used, what became of cards, and launches that have begun."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from posology.clinic.columns import Json, Utc, long_text, text

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _column(name: str, kind: Any, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=null, autoincrement=False)


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ehr_clients",
        _column("id", text(32)), _column("issuer", text(200)), _column("name", text(200)), _column("keys", Json()),
        _column("made", Utc()), _column("retired", Utc(), null=True), _column("actor", text(200)),
        sa.PrimaryKeyConstraint("id", name="pk_ehr_clients"), sa.UniqueConstraint("issuer", name="uq_ehr_clients_issuer"),
    )  # fmt: skip
    op.create_table(
        "ehr_tokens",
        _column("digest", text(64)), _column("expires", Utc()), sa.PrimaryKeyConstraint("digest", name="pk_ehr_tokens"),
    )  # fmt: skip
    op.create_index("ix_ehr_tokens_expires", "ehr_tokens", ["expires"])
    op.create_table(
        "hook_feedback",
        _column("number", sa.BigInteger()), _column("service", text(200)), _column("card", text(64)),
        _column("outcome", text(16)), _column("reason", text(200), null=True), _column("comment", long_text()),
        _column("said", Utc()), _column("at", Utc()), _column("actor", text(200)),
        sa.PrimaryKeyConstraint("number", name="pk_hook_feedback"),
    )  # fmt: skip
    op.create_table(
        "smart_launches",
        _column("digest", text(64)), _column("pending", Json()), _column("expires", Utc()),
        sa.PrimaryKeyConstraint("digest", name="pk_smart_launches"),
    )  # fmt: skip


def downgrade() -> None:
    """Remove the tables with all they hold."""
    for name in ("smart_launches", "hook_feedback", "ehr_tokens", "ehr_clients"):
        op.drop_table(name)
