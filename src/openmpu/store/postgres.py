"""PostgreSQL, through SQLAlchemy's asynchronous engine and asyncpg."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import create_async_engine

from openmpu.errors import Invalid
from openmpu.store.database import Job

T = TypeVar("T")


class PostgresDatabase:
    """A database that other servers may use too."""

    sqlite = False

    def __init__(self, url: URL) -> None:
        try:
            self._engine = create_async_engine(
                url.set(drivername="postgresql+asyncpg"),
                isolation_level="AUTOCOMMIT",
                skip_autocommit_rollback=True,
                pool_reset_on_return=None,
                pool_pre_ping=True,
            )
        except ModuleNotFoundError as error:
            raise Invalid("storage.url", f"{error.name} is missing: install openmpu[postgres]") from None
        self._jobs: set[asyncio.Task[Any]] = set()

    async def read(self, job: Job[T]) -> T:
        """See `Database`."""
        async with self._engine.connect() as connection:
            return await connection.run_sync(job)

    async def write(self, job: Job[T]) -> T:
        """See `Database`."""
        return await asyncio.shield(self._start(self._write(job)))

    async def _write(self, job: Job[T]) -> T:
        async with self._engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
            return await connection.run_sync(job)

    def _start(self, job: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._jobs.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, in case its caller is gone

    async def close(self) -> None:
        """See `Database`."""
        while self._jobs:
            await asyncio.wait(self._jobs)
        await self._engine.dispose()
