"""Users whom an identity provider knows: issuer and subject, which never change, beside the user."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from posology.clinic.columns import Utc, long_text, text

revision = "0004"
down_revision = "0002"
branch_labels = None
depends_on = None


def _column(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, autoincrement=False)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "identities",
        _column("digest", text(64)), _column("user_id", text(32)), _column("issuer", long_text()),
        _column("subject", long_text()), _column("made", Utc()), sa.PrimaryKeyConstraint("digest", name="pk_identities"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_identities_user_id"),
    )  # fmt: skip
    op.create_index("ix_identities_user_id", "identities", ["user_id"])


def downgrade() -> None:
    """Remove the table."""
    op.drop_table("identities")
