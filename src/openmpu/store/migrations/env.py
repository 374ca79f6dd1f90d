"""Run by Alembic: migrations on the connection, and in the transaction, that `migrating.py` hands in."""

from __future__ import annotations

from alembic import context

from openmpu.store.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    render_as_batch=True,  # SQLite changes a table by copying it
)
with context.begin_transaction():  # nothing of its own: the connection is in the caller's transaction already
    context.run_migrations()
