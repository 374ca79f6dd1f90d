"""The whole Store port on one database."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy.exc import SQLAlchemyError

from openmpu.errors import Invalid
from openmpu.store.database import Database, open_database
from openmpu.store.layouts import LayoutRows
from openmpu.store.migrating import migrate
from openmpu.store.nonces import NonceRows
from openmpu.store.outbox import OutboxRows
from openmpu.store.subscriptions import SubscriptionRows
from openmpu.store.tasks import TaskRows


class SqlStore(TaskRows, LayoutRows, SubscriptionRows, OutboxRows, NonceRows):
    """The Store port (services/ports.py). Made by `open_store`."""

    def __init__(self, database: Database) -> None:
        super().__init__()
        self._database = database

    async def ready(self) -> bool:
        """Whether the database answers."""
        return await self._database.read(lambda connection: connection.exec_driver_sql("SELECT 1").scalar()) == 1


@asynccontextmanager
async def open_store(url: str) -> AsyncIterator[SqlStore]:
    """The store at `url`, brought to the newest shape; closed at the end of the block.

    Args:
        url: `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://user:password@host/name`.

    Raises:
        Invalid: The URL is not one of these, or no database of ours can be opened there.
    """
    database = open_database(url)
    try:
        await _prepare(database)
        yield SqlStore(database)
    finally:
        await database.close()


async def _prepare(database: Database) -> None:
    try:
        await migrate(database)
    except (SQLAlchemyError, OSError) as error:
        cause = getattr(error, "orig", None) or error  # without the statement and its values
        raise Invalid("storage.url", f"the database cannot be opened: {cause}") from None
