"""Bringing a database to the newest shape, from code: no alembic.ini, no command line needed."""

from __future__ import annotations

from importlib.resources import as_file, files

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from openmpu.store.database import Database

_MIGRATION_LOCK = 0x6F6D7075
"""Advisory lock of PostgreSQL: of several servers that start together, one migrates and the others wait."""


async def migrate(database: Database) -> None:
    """Run all migrations that the database has not seen."""
    async with database.writing() as connection:
        if not database.sqlite:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        await connection.run_sync(_upgrade)


def _upgrade(connection: Connection) -> None:
    with as_file(files("openmpu.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
