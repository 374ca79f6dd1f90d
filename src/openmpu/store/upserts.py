"""`INSERT … ON CONFLICT`, which SQLAlchemy has once a dialect; the one that is not in use is not loaded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table


def insert_for(connection: Connection, table: Table) -> Any:
    """An insert of the connection's dialect, for its `on_conflict_do_update`."""
    if connection.dialect.name == "postgresql":
        from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - see above

        return postgresql.insert(table)
    from sqlalchemy.dialects import sqlite  # noqa: PLC0415

    return sqlite.insert(table)
