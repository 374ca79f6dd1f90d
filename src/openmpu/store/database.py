"""A database as the rows of the store see it: jobs on a connection, whole or not at all, alike on both kinds.

A job is a plain function of an SQLAlchemy connection, handed over whole: `sqlite.py` runs it on a thread of its own,
`postgres.py` on its asynchronous driver. (One statement at a time through an asynchronous SQLite driver was measured:
each costs two changes of thread and 0.1 to 0.2 ms, half of what a signed call cost.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from sqlalchemy import Connection
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from openmpu.errors import Invalid

T = TypeVar("T")
Job = Callable[[Connection], T]
"""Gives plain values: its connection is gone when it is over. Awaits nothing, and waits for nobody but the database."""


class Database(Protocol):
    """One database."""

    @property
    def sqlite(self) -> bool:
        """Whether writers stand in one line anyway, and need no lock of their own."""
        ...

    async def read(self, job: Job[T]) -> T:
        """Queries, each by itself: they see what is committed, and cost no BEGIN and no COMMIT."""
        ...

    async def write(self, job: Job[T]) -> T:
        """A transaction: kept when the job returns, undone when it raises; done whole even if the caller goes away."""
        ...

    async def close(self) -> None:
        """Finish what is under way and close all connections."""
        ...


def open_database(url: str) -> Database:
    """The database at a URL; nothing is read yet.

    Args:
        url: `sqlite:///path`, `sqlite://` (in memory, for tests) or `postgresql://user:password@host/name`.

    Raises:
        Invalid: The URL is not one, or names another kind of database; the message does not repeat it.
    """
    parsed, kind = _parse(url)
    if kind == "sqlite":
        from openmpu.store.sqlite import SqliteDatabase  # noqa: PLC0415 - one kind is loaded, not both

        return SqliteDatabase(parsed)
    from openmpu.store.postgres import PostgresDatabase  # noqa: PLC0415

    return PostgresDatabase(parsed)


def _parse(url: str) -> tuple[URL, str]:
    try:
        parsed = make_url(url)
        kind = {"sqlite": "sqlite", "postgresql": "postgresql", "postgres": "postgresql"}[parsed.get_backend_name()]
    except (ArgumentError, KeyError, ValueError):
        raise Invalid("storage.url", "must be sqlite:///path or postgresql://user:password@host/name") from None
    return parsed, kind
