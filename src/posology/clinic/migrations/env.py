"""Alembic runs this file: it migrates the connection that `migrations.upgrade` gives it."""

from __future__ import annotations

from alembic import context

from posology.clinic.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
with context.begin_transaction():
    context.run_migrations()
