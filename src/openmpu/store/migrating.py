"""Bringing a database to the newest shape, from code: no alembic.ini, no command line needed.

Alembic is loaded only where there is something to do: it is a quarter of what starting a server costs, and a server
that comes back after a crash finds its database as it left it.
"""

from __future__ import annotations

from importlib.resources import as_file, files

from sqlalchemy import Connection, inspect, text

from openmpu.errors import Invalid
from openmpu.store.database import Database

HEAD = "0002"
"""The newest migration; a test holds it against the folder."""
_MIGRATION_LOCK = 0x6F6D7075
"""Advisory lock of PostgreSQL: of several servers that start together, one migrates and the others wait."""


async def migrate(database: Database) -> None:
    """Run all migrations that the database has not seen.

    Raises:
        Invalid: A newer openmpu wrote it.
    """
    if await database.read(_revision) == HEAD:
        return

    def job(connection: Connection) -> None:
        if not database.sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _MIGRATION_LOCK})
        _upgrade(connection)

    await database.write(job)


def _revision(connection: Connection) -> str | None:
    """The last migration that it has seen; None for a database that is empty or not ours."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    with as_file(files("openmpu.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as error:
            raise Invalid("storage.url", f"the database was written by a newer openmpu: {error}") from None
