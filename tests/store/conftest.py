"""The store of each test: SQLite in memory, SQLite on disk, PostgreSQL; the same tests for all."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from openmpu.store.sql import SqlStore, open_store
from tests.store.postgres import USER, running_server, why_not

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """A running PostgreSQL: the directory of its socket."""
    reason = why_not()
    if reason and os.environ.get("CI") == "true":
        pytest.fail(reason)
    if reason:
        pytest.skip(reason)
    with running_server() as folder:
        yield folder


LASTING = ["sqlite", pytest.param("postgresql", marks=pytest.mark.e2e)]


@pytest.fixture(params=["memory", *LASTING])
async def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    return await new_url(request, tmp_path)


@pytest.fixture(params=LASTING)
async def lasting_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database that outlives its server."""
    return await new_url(request, tmp_path)


async def new_url(request: pytest.FixtureRequest, folder: Path) -> str:
    """The URL of an empty database of the wanted kind."""
    if request.param == "memory":
        return "sqlite://"
    if request.param == "sqlite":
        return f"sqlite:///{folder}/state/openmpu.db"
    return await empty_database(request.getfixturevalue("postgres"))


async def empty_database(folder: str) -> str:
    """The URL of a new database of that server."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(host=folder, user=USER, database=USER)
    await connection.execute(f"CREATE DATABASE {name}")
    await connection.close()
    return f"postgresql://{USER}@/{name}?host={folder}"


@pytest.fixture
async def store(store_url: str) -> AsyncIterator[SqlStore]:
    """A store that was just made."""
    async with open_store(store_url) as store:
        yield store
