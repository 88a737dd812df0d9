"""Cohorts: files of patients that were uploaded, and what is known of their quality."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from posology.clinic.columns import Json, Utc, text

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "cohorts",
        sa.Column("id", text(32), nullable=False), sa.Column("name", text(200), nullable=False),
        sa.Column("file", text(200), nullable=False), sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("patients", sa.Integer(), nullable=False), sa.Column("sha256", text(64), nullable=False),
        sa.Column("quality", Json(), nullable=False), sa.Column("at", Utc(), nullable=False),
        sa.Column("actor", text(200), nullable=False), sa.Column("removed", Utc(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_cohorts"),
    )  # fmt: skip


def downgrade() -> None:
    """Remove it with all it holds; the files stay where they are."""
    op.drop_table("cohorts")
