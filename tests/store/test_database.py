"""The database itself: its file, its shape, its URLs, and what happens when callers go away."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import threading
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from openmpu.errors import Invalid
from openmpu.store import migrating
from openmpu.store.database import open_database
from openmpu.store.migrating import migrate
from openmpu.store.sql import SqlStore, open_store
from openmpu.store.tables import METADATA
from tests.store.values import COOLING, key, record


async def test_the_migrations_make_the_tables(store_url: str) -> None:
    """Whatever `tables.py` says stands in the database, and nothing else; a second run changes nothing."""
    database = open_database(store_url)
    for _ in range(2):
        await migrate(database)
    assert await database.read(_differences) == []
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
    database = open_database(lasting_url)
    await migrate(database)
    await database.write(lambda it: it.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'").rowcount)
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


def counter(connection: Connection) -> int:
    """The number that layout ids are counted from."""
    return int(connection.exec_driver_sql("SELECT value FROM counters").scalar_one())


def set_counter(connection: Connection) -> None:
    """Another number."""
    connection.exec_driver_sql("UPDATE counters SET value = 5")


async def test_readers_do_not_wait_for_a_writer(tmp_path: Path) -> None:
    """WAL: what is committed can be read while somebody writes."""
    database = open_database(f"sqlite:///{tmp_path}/x.db")
    await migrate(database)
    written, may_end = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        set_counter(connection)
        written.set()
        may_end.wait(5)

    writing = asyncio.create_task(database.write(slow))
    await asyncio.to_thread(written.wait, 5)
    async with asyncio.timeout(2):
        assert await database.read(counter) == 10_000
    may_end.set()
    await writing
    assert await database.read(counter) == 5
    await database.close()


async def test_a_failed_write_is_undone(lasting_url: str) -> None:
    """What raises leaves no trace, neither alone nor beside others in one transaction, and the next is not blocked."""
    database = open_database(lasting_url)
    await migrate(database)

    def fail(connection: Connection) -> None:
        set_counter(connection)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(fail)
    results = await asyncio.gather(*(database.write(job) for job in (fail, counter, fail)), return_exceptions=True)
    assert [type(result) for result in results] == [RuntimeError, int, RuntimeError]
    assert await database.write(counter) == 10_000
    await database.close()


async def test_a_broken_transaction_is_told_to_everybody_in_it(tmp_path: Path) -> None:
    """A job that ends the transaction under the others: none of them was kept, and each is told so."""
    database = open_database(f"sqlite:///{tmp_path}/x.db")
    await migrate(database)

    def end(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")

    results = await asyncio.gather(*(database.write(job) for job in (set_counter, end)), return_exceptions=True)
    assert all(isinstance(result, Exception) for result in results)
    assert await database.write(counter) == 10_000
    await database.close()


def test_the_newest_migration_is_known_without_alembic() -> None:
    """A database that stands there is opened without loading it."""
    scripts = Config()
    scripts.set_main_option("script_location", str(Path(migrating.__file__).with_name("migrations")))
    assert ScriptDirectory.from_config(scripts).get_current_head() == migrating.HEAD


async def test_alembic_is_loaded_only_for_a_migration(tmp_path: Path) -> None:
    """It would be a quarter of the time that a server needs to come back."""
    url = f"sqlite:///{tmp_path}/x.db"
    async with open_store(url):
        pass
    code = (
        "import asyncio, sys; from openmpu.store.sql import open_store\n"
        f"async def main():\n async with open_store({url!r}) as store: assert await store.ready()\n"
        "asyncio.run(main()); assert 'alembic' not in sys.modules"
    )
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code)
    assert await process.wait() == 0
