"""Alembic's entry: runs migrations on the connection that `handoff.storage.migrate` gives."""

from __future__ import annotations

from alembic import context

from handoff.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite cannot alter columns in place
)
with context.begin_transaction():
    context.run_migrations()
