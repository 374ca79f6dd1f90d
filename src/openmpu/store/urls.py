"""URLs of targets: one task at a time, and not again until it has cooled down (operations.md 2.4)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update

from openmpu.errors import Conflict
from openmpu.model.ids import TaskKey
from openmpu.services.ports import TaskRecord
from openmpu.store.tables import URLS
from openmpu.store.upserts import insert_for


def take_first(connection: Connection, record: TaskRecord, cooling: int) -> None:
    """Take the URLs of a task that has none yet."""
    wanted = {target.lock_key for target in record.spec.targets}
    _take(connection, record.spec.key, wanted, record.created_at - cooling)


def follow_task(connection: Connection, record: TaskRecord, cooling: int, now: int) -> None:
    """Make the URLs in use those of the record: none in a final state, else its targets'."""
    key = record.spec.key
    if record.state.final:
        _release(connection, key, record.ended_at or now)
        return
    wanted = {target.lock_key for target in record.spec.targets}
    held = _held(connection, key)
    if held - wanted:
        connection.execute(delete(URLS).where(_of(key), URLS.c.lock_key.in_(held - wanted)))
    _take(connection, key, wanted - held, now - cooling)


def _held(connection: Connection, key: TaskKey) -> set[str]:
    rows = connection.execute(select(URLS.c.lock_key).where(_of(key), URLS.c.released_at.is_(None)))
    return set(rows.scalars())


def _release(connection: Connection, key: TaskKey, at: int) -> None:
    connection.execute(update(URLS).where(_of(key), URLS.c.released_at.is_(None)).values(released_at=at))


def _take(connection: Connection, key: TaskKey, lock_keys: Iterable[str], cold_before: int) -> None:
    """In one order for all tasks, so that two of them never wait for each other."""
    for lock_key in sorted(lock_keys):
        taken = connection.execute(_taking(insert_for(connection, URLS), key, lock_key, cold_before))
        if taken.first() is None:
            raise _refusal(connection, lock_key)


def _taking(insert: Any, key: TaskKey, lock_key: str, cold_before: int) -> Any:
    """One statement, so that two starts at the same moment cannot both get the URL."""
    values = {"app_id": key.app_id, "task_id": key.task_id, "released_at": None}
    return (
        insert.values(lock_key=lock_key, **values)
        .on_conflict_do_update(index_elements=["lock_key"], set_=values, where=URLS.c.released_at <= cold_before)
        .returning(URLS.c.lock_key)
    )


def _refusal(connection: Connection, lock_key: str) -> Conflict:
    rows = connection.execute(select(URLS.c.released_at).where(URLS.c.lock_key == lock_key))
    if rows.scalar() is None:
        return Conflict("ingest_url", "in_use", "another task pushes to this URL")
    return Conflict("ingest_url", "cooling_down", "the task that pushed to this URL ended a moment ago; wait 10 s")


def _of(key: TaskKey) -> ColumnElement[bool]:
    return and_(URLS.c.app_id == key.app_id, URLS.c.task_id == key.task_id)
