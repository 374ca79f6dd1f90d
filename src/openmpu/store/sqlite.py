"""SQLite: readers beside one writer, and the writer takes all who wait into one transaction (group commit).

The file stands in WAL mode with `synchronous=NORMAL`: an acknowledged transaction is in the kernel's hands, so it
survives any end of the process, `kill -9` included; a loss of power may cost the last moments, never the file. (Waiting
for the disk at each commit was measured: 5 to 25 ms each, so that a burst of 200 starts took seconds.) SQLite lets one
write at a time, and its own waiting polls with pauses of up to 0.1 s: hence one thread for all writers of a process.
"""

from __future__ import annotations

import asyncio
import os
from collections import deque
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL, Engine
from sqlalchemy.pool import QueuePool, StaticPool

from openmpu.errors import Invalid
from openmpu.store.database import Job

T = TypeVar("T")
READERS = 4
"""Threads: a long query, such as a page of the delivery log, holds up no short one."""
GROUP = 400
_BUSY_MS = 10_000
_OWNER_ONLY = 0o600

_Written = tuple[Any, Exception | None]
"""What a job gave, or why it was undone."""
_Waiting = tuple[Job[Any], asyncio.Future[Any]]


class SqliteDatabase:
    """A file, or a database in memory that is gone with its only connection."""

    sqlite = True

    def __init__(self, url: URL) -> None:
        in_memory = url.database in {None, "", ":memory:"}
        if url.database and not in_memory:
            _make_private(Path(url.database))
        self._engine = _engine(url, in_memory=in_memory)
        self._writer = ThreadPoolExecutor(1, "store-write")
        self._readers = self._writer if in_memory else ThreadPoolExecutor(READERS, "store-read")
        self._waiting: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def read(self, job: Job[T]) -> T:
        """See `Database`."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, job)

    def _read(self, job: Job[T]) -> T:
        with self._engine.connect() as connection:
            return job(connection)

    async def write(self, job: Job[T]) -> T:
        """See `Database`."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append((job, answer))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_groups())
        return await answer

    async def _write_groups(self) -> None:
        """In a task of its own: a caller that goes away does not break the others' transaction."""
        loop = asyncio.get_running_loop()
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(GROUP, len(self._waiting)))]
            jobs = [job for job, _ in group]
            try:
                outcomes = await loop.run_in_executor(self._writer, self._write, jobs)
            except Exception as error:  # noqa: BLE001 - told to those who wait; it is theirs to answer
                outcomes = [(None, error)] * len(group)
            for (_, answer), outcome in zip(group, outcomes, strict=True):
                _settle(answer, outcome)

    def _write(self, jobs: Sequence[Job[Any]]) -> list[_Written]:
        with self._engine.connect() as connection:
            return _in_one_transaction(connection, jobs)

    async def close(self) -> None:
        """Also folds the journal into the file."""
        while self._writing and not self._writing.done():
            await asyncio.wait([self._writing])
        for threads in {self._writer, self._readers}:
            await asyncio.to_thread(threads.shutdown)
        self._engine.dispose()


def _in_one_transaction(connection: Connection, jobs: Sequence[Job[Any]]) -> list[_Written]:
    """With the write lock from its beginning: one that begins as a reader may find that it cannot become a writer."""
    connection.exec_driver_sql(
        "BEGIN IMMEDIATE"
    )  # through SQLAlchemy, so that Alembic sees a transaction and makes none
    driver: Any = connection.connection.driver_connection
    execute = driver.execute
    try:
        outcomes = [_attempt(connection, job, execute) for job in jobs]
        execute("COMMIT")
    except BaseException:
        if driver.in_transaction:  # some errors end it by themselves
            execute("ROLLBACK")
        raise
    return outcomes


def _attempt(connection: Connection, job: Job[Any], execute: Any) -> _Written:
    """One job of several: what raises is undone alone."""
    execute("SAVEPOINT job")
    try:
        value = job(connection)
    except Exception as error:  # noqa: BLE001 - handed to whoever waits for this job
        execute("ROLLBACK TO job")
        execute("RELEASE job")
        return None, error
    execute("RELEASE job")
    return value, None


def _settle(answer: asyncio.Future[Any], outcome: _Written) -> None:
    value, error = outcome
    if answer.done():
        return  # whoever waited is gone
    if error is None:
        answer.set_result(value)
    else:
        answer.set_exception(error)


def _make_private(path: Path) -> None:
    """The file holds stream keys: mode 0600, before the first byte; SQLite gives its journals the same mode."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _OWNER_ONLY))
        path.chmod(_OWNER_ONLY)
    except OSError as error:
        raise Invalid("storage.url", f"{path} cannot be opened: {error.strerror}") from None


def _engine(url: URL, *, in_memory: bool) -> Engine:
    """Without implicit transactions: the writer begins and ends its own, and readers need none."""
    pool: dict[str, Any] = (
        {"poolclass": StaticPool} if in_memory else {"poolclass": QueuePool, "pool_size": 1 + READERS}
    )
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        isolation_level="AUTOCOMMIT",
        skip_autocommit_rollback=True,
        pool_reset_on_return=None,
        connect_args={"check_same_thread": False},
        **pool,
    )
    event.listen(engine, "connect", _set_up)
    return engine


def _set_up(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={_BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
