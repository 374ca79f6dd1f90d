"""The database itself: its file, its shape, its URLs, and what happens when callers go away."""

from __future__ import annotations

import asyncio
import os
import stat
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection

from openmpu.errors import Invalid
from openmpu.store.database import Database
from openmpu.store.migrating import migrate
from openmpu.store.sql import SqlStore, open_store
from openmpu.store.tables import METADATA
from tests.store.values import COOLING, key, record


async def test_the_migrations_make_the_tables(store_url: str) -> None:
    """Whatever `tables.py` says stands in the database, and nothing else; a second run changes nothing."""
    database = Database(store_url)
    for _ in range(2):
        await migrate(database)
    async with database.reading() as connection:
        assert await connection.run_sync(_differences) == []
    await database.close()


def _differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), METADATA))


async def test_several_servers_may_start_at_once(lasting_url: str) -> None:
    """One migrates, the others wait."""

    async def start() -> bool:
        async with open_store(lasting_url) as store:
            return await store.ready()

    assert await asyncio.gather(*(start() for _ in range(4))) == [True] * 4


async def test_only_the_owner_may_read_the_file(tmp_path: Path) -> None:
    """Stream keys stand in it: 0600, also where an earlier file was open to all, and its journals likewise."""
    path = tmp_path / "state" / "openmpu.db"
    path.parent.mkdir()
    path.touch()
    path.chmod(0o644)
    umask = os.umask(0)
    try:
        async with open_store(f"sqlite:///{path}") as store:
            await store.add_task(record(), COOLING)
            modes = {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    finally:
        os.umask(umask)
    assert modes == {0o600}


async def test_a_missing_directory_is_made_for_the_owner_only(tmp_path: Path) -> None:
    """Mode 0700."""
    async with open_store(f"sqlite:///{tmp_path}/a/b/openmpu.db"):
        assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700


@pytest.mark.parametrize("text", ["", "mysql://u:hidden@h/d", "nonsense hidden", "postgresql+nothing://u:hidden@h:x/d"])
async def test_other_urls_are_refused_without_repeating_them(text: str) -> None:
    """A URL may hold a password."""
    with pytest.raises(Invalid) as refused:
        async with open_store(text):
            pass
    assert "hidden" not in str(refused.value)


async def refusal(url: str) -> str:
    """Why a store cannot be opened."""
    with pytest.raises(Invalid) as refused:
        async with open_store(url):
            pass
    assert refused.value.subject == "storage.url"
    return refused.value.message


async def test_what_is_no_database_is_named(tmp_path: Path) -> None:
    """A folder, a file of something else, a folder that cannot be made, nobody listening."""
    (tmp_path / "text").write_text("hello " * 1000)
    assert "Is a directory" in await refusal(f"sqlite:///{tmp_path}")
    assert "not a database" in await refusal(f"sqlite:///{tmp_path}/text")
    assert "text/x.db cannot be opened" in await refusal(f"sqlite:///{tmp_path}/text/x.db")
    assert "cannot be opened" in await refusal(f"postgresql://u:hidden@/d?host={tmp_path}")


async def test_a_database_of_a_newer_openmpu_is_left_alone(lasting_url: str) -> None:
    """One clear sentence, and nothing changed."""
    database = Database(lasting_url)
    await migrate(database)
    async with database.writing() as connection:
        await connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    await database.close()
    assert "newer openmpu" in await refusal(lasting_url)


async def test_callers_that_go_away_leave_nothing_half_done(store: SqlStore) -> None:
    """A cancelled call is done whole or not at all, and the store goes on."""
    for number in range(30):
        call = asyncio.create_task(store.add_task(record(f"t{number}"), COOLING))
        for _ in range(number):
            await asyncio.sleep(0)
        call.cancel()
        await asyncio.wait([call])
    await store.add_task(record("last"), COOLING)
    for task in await store.tasks(unfinished=True):
        assert await store.next_lease(task.spec.key) == 1
    assert await store.task_state(key("last")) is not None


async def test_readers_that_go_away_do_not_hurt(lasting_url: str) -> None:
    """A cancelled query leaves the pool in order."""
    async with open_store(lasting_url) as store:
        await store.add_task(record(), COOLING)
        for number in range(40):
            call = asyncio.create_task(store.task(key("t1")))
            for _ in range(number):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.wait([call])
        assert await store.task(key("t1")) == record()


async def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    """WAL: what is committed can be read while somebody writes."""
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await migrate(database)
    async with database.writing() as writer:
        await writer.exec_driver_sql("UPDATE counters SET value = 5")
        async with asyncio.timeout(2), database.reading() as reader:
            assert (await reader.exec_driver_sql("SELECT value FROM counters")).scalar() == 10_000
    await database.close()


async def test_a_failed_write_is_undone(tmp_path: Path) -> None:
    """What raises inside the block leaves no trace, and the next writer is not blocked."""
    database = Database(f"sqlite:///{tmp_path}/x.db")
    await migrate(database)

    async def fail() -> None:
        async with database.writing() as writer:
            await writer.exec_driver_sql("UPDATE counters SET value = 5")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    async with database.writing() as writer:
        assert (await writer.exec_driver_sql("SELECT value FROM counters")).scalar() == 10_000
    await database.close()
