"""Tasks in the store."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, and_, delete, func, insert, select, text, update

from openmpu.errors import Conflict, Limited, NotFound
from openmpu.model.ids import TaskKey
from openmpu.model.task import TaskState
from openmpu.services.ports import Notice, Quota, TaskRecord
from openmpu.store import urls
from openmpu.store.database import Database
from openmpu.store.outbox import keep
from openmpu.store.rows import task_columns, task_record
from openmpu.store.tables import TASKS, URLS

_ADD_LOCK = 0x7461736B
"""Advisory lock of PostgreSQL: starts are counted against quotas one after the other. SQLite writes so anyway."""

_UNFINISHED = TASKS.c.state.in_([state.value for state in TaskState if not state.final])


class TaskRows:
    """The part of the Store port about tasks; see there for what each method promises."""

    _database: Database

    async def add_task(self, record: TaskRecord, cooling: int, quota: Quota | None = None) -> None:
        """Put in a new task and take its URLs, all or nothing."""
        columns = task_columns(record)

        def job(connection: Connection) -> None:
            if not self._database.sqlite:
                connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADD_LOCK})
            lease = _clear_place(connection, record.spec.key)
            urls.take_first(connection, record, cooling)
            _check_quota(connection, quota)
            connection.execute(insert(TASKS), {**columns, "lease": max(lease, record.lease)})

        await self._database.write(job)

    async def task(self, key: TaskKey) -> TaskRecord | None:
        """The task of that key."""
        query = select(TASKS).where(_is(key))
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return task_record(row) if row else None

    async def task_state(self, key: TaskKey) -> TaskState | None:
        """Its state alone."""
        query = select(TASKS.c.state).where(_is(key))
        state = await self._database.read(lambda connection: connection.execute(query).scalar())
        return None if state is None else TaskState(state)

    async def save_task(self, record: TaskRecord, cooling: int, now: int, news: Sequence[Notice] = ()) -> None:
        """Replace the record, but for its lease, and keep the news of it."""
        columns = task_columns(record)
        del columns["lease"]

        def job(connection: Connection) -> None:
            urls.follow_task(connection, record, cooling, now)
            connection.execute(update(TASKS).where(_is(record.spec.key)).values(columns))
            for notice in news:
                keep(connection, notice)

        await self._database.write(job)

    async def next_lease(self, key: TaskKey) -> int:
        """Raise the lease by one and give it."""
        raised = update(TASKS).where(_is(key)).values(lease=TASKS.c.lease + 1).returning(TASKS.c.lease)
        lease = await self._database.write(lambda connection: connection.execute(raised).scalar())
        if lease is None:
            raise NotFound("task", f"no task {key}")
        return int(lease)

    async def tasks(self, *, unfinished: bool) -> Sequence[TaskRecord]:
        """All tasks, or those in state 0 or 1; oldest first."""
        query = select(TASKS).order_by(TASKS.c.created_at, TASKS.c.number)
        query = query.where(_UNFINISHED) if unfinished else query
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [task_record(row) for row in rows]

    async def drop_tasks_ended_before(self, moment: int) -> int:
        """Forget finished tasks; how many."""
        old = delete(TASKS).where(TASKS.c.ended_at < moment)
        return await self._database.write(lambda connection: connection.execute(old).rowcount)

    async def drop_urls_released_before(self, moment: int) -> None:
        """Forget URLs that have cooled down."""
        cold = delete(URLS).where(URLS.c.released_at < moment)
        await self._database.write(lambda connection: connection.execute(cold).rowcount)


def _is(key: TaskKey) -> ColumnElement[bool]:
    return and_(TASKS.c.app_id == key.app_id, TASKS.c.task_id == key.task_id)


def _clear_place(connection: Connection, key: TaskKey) -> int:
    """Remove a finished task of that key; the lease it had, 0 if there was none."""
    row = connection.execute(select(TASKS.c.state, TASKS.c.lease).where(_is(key))).first()
    if row is None:
        return 0
    if not TaskState(row.state).final:
        raise Conflict("task", "exists", f"task {key.task_id} exists already")
    connection.execute(delete(TASKS).where(_is(key)))
    return int(row.lease)


def _check_quota(connection: Connection, quota: Quota | None) -> None:
    if quota is None:
        return
    query = select(func.count()).select_from(TASKS).where(_UNFINISHED, TASKS.c.family == quota.family.value)
    if quota.account is not None:
        query = query.where(TASKS.c.account == quota.account)
    if quota.app_id is not None:
        query = query.where(TASKS.c.app_id == quota.app_id)
    if quota.mode is not None:
        query = query.where(TASKS.c.mode == quota.mode.value)
    if int(connection.execute(query).scalar_one()) >= quota.most:
        raise Limited("tasks", f"{quota.most} tasks run already; stop one first")
