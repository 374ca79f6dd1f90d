"""One database: reading and writing transactions, alike on SQLite and PostgreSQL.

SQLite stands in WAL mode with `synchronous=NORMAL`: an acknowledged transaction is in the kernel's hands, so it
survives any end of the process, `kill -9` included; a loss of power may cost the last moments, never the file. (Waiting
for the disk at each commit was measured: 5 to 25 ms each, so that a burst of 200 starts took seconds.) Writers queue on
a lock of ours: SQLite lets one write at a time, and its own waiting polls with pauses of up to 0.1 s.
"""

from __future__ import annotations

import asyncio
import functools
import os
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from sqlalchemy import event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from openmpu.errors import Invalid

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_BUSY_MS = 10_000
_OWNER_ONLY = 0o600

_T = TypeVar("_T")
_P = ParamSpec("_P")
_S = TypeVar("_S", bound="_HasDatabase")


class Database:
    """An engine and its two kinds of transaction.

    Args:
        url: `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://user:password@host/name`.

    Raises:
        Invalid: The URL is not one, or names another kind of database; the message does not repeat it.
    """

    def __init__(self, url: str) -> None:
        parsed = _parse(url)
        self.sqlite = parsed.get_backend_name() == "sqlite"
        self._in_memory = self.sqlite and not parsed.database
        self._gate = asyncio.Lock()
        if self.sqlite and parsed.database:
            _make_private(Path(parsed.database))
        self._engine = _engine(parsed, sqlite=self.sqlite)
        self._jobs: set[asyncio.Task[Any]] = set()

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncConnection]:
        """Queries, each by itself: they see what is committed, and cost no BEGIN and no COMMIT."""
        if self._in_memory:  # one connection for all
            async with self._gate, self._engine.connect() as connection:
                yield connection
        else:
            async with self._engine.connect() as connection:
                yield connection

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is kept when the block ends, and undone when it raises."""
        if not self.sqlite:
            async with self._engine.execution_options(isolation_level="READ COMMITTED").begin() as connection:
                yield connection
            return
        async with self._gate, self._engine.connect() as connection, _sqlite_transaction(connection):
            yield connection

    async def finish(self, job: Coroutine[Any, Any, _T]) -> _T:
        """Run a job to its end even if its caller is cancelled: no transaction is left half-way."""
        return await asyncio.shield(self.start(job))

    def start(self, job: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Begin a job that `close` waits for."""
        task = asyncio.create_task(job)
        self._jobs.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._jobs.discard(task)
        if not task.cancelled():
            task.exception()  # seen here, in case its caller is gone

    async def close(self) -> None:
        """Finish what is under way and close all connections; SQLite then folds its journal into the file."""
        while self._jobs:
            await asyncio.wait(self._jobs)
        await self._engine.dispose()


class _HasDatabase(Protocol):
    _database: Database


def whole(
    method: Callable[Concatenate[_S, _P], Coroutine[Any, Any, _T]],
) -> Callable[Concatenate[_S, _P], Coroutine[Any, Any, _T]]:
    """A method that writes: done whole or not at all, whatever happens to its caller."""

    @functools.wraps(method)
    async def run(self: _S, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        return await self._database.finish(method(self, *args, **kwargs))

    return run


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = _DRIVERS[parsed.get_backend_name()]
    except (ArgumentError, KeyError, ValueError):
        raise Invalid("storage.url", "must be sqlite:///path or postgresql://user:password@host/name") from None
    return parsed.set(drivername=driver)


def _make_private(path: Path) -> None:
    """The file holds stream keys: mode 0600, before the first byte; SQLite gives its journals the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY))
        path.chmod(_OWNER_ONLY)
    except OSError as error:
        raise Invalid("storage.url", f"{path} cannot be opened: {error.strerror}") from None


def _engine(url: URL, *, sqlite: bool) -> AsyncEngine:
    """Without implicit transactions: `writing` begins and ends them, and readers are spared two round trips each."""
    try:
        engine = create_async_engine(
            url,
            isolation_level="AUTOCOMMIT",
            skip_autocommit_rollback=True,
            pool_reset_on_return=None,
            pool_pre_ping=not sqlite,
        )
    except ModuleNotFoundError as error:
        raise Invalid("storage.url", f"{error.name} is missing: install openmpu[postgres]") from None
    if sqlite:
        event.listen(engine.sync_engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@asynccontextmanager
async def _sqlite_transaction(connection: AsyncConnection) -> AsyncIterator[None]:
    """With the write lock from its beginning: one that begins as a reader may find that it cannot become a writer."""
    await connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        await connection.exec_driver_sql("ROLLBACK")
        raise
    await connection.exec_driver_sql("COMMIT")
