"""Events that are still to be told, in the store: a server that comes after a crash tells them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Row, delete, exists, insert, literal, select, update

from openmpu.model.ids import AppId, ChannelId, TaskId, TaskKey
from openmpu.services.ports import Notice
from openmpu.store.database import Database
from openmpu.store.tables import OUTBOX, SUBSCRIPTIONS


class OutboxRows:
    """The part of the Store port about events that wait; see there for what each method promises."""

    _database: Database

    async def keep_notice(self, notice: Notice) -> bool:
        """Keep an event of an app that has a subscription; whether it has."""
        return await self._database.write(lambda connection: keep(connection, notice))

    async def drop_notice(self, msg_id: str) -> None:
        """Forget it: there is nobody to be told."""
        await self._database.write(lambda connection: forget(connection, msg_id))

    async def notices(self) -> Sequence[Notice]:
        """Those that wait, oldest first."""
        query = select(OUTBOX).order_by(OUTBOX.c.number)
        return [_notice(row) for row in await self._database.read(lambda connection: connection.execute(query).all())]


def keep(connection: Connection, notice: Notice) -> bool:
    """Put it in, where there is a subscription; whether there is."""
    values: list[BindParameter[Any]] = [literal(value) for value in _columns(notice).values()]
    wanted = exists().where(SUBSCRIPTIONS.c.app_id == notice.key.app_id)
    kept = insert(OUTBOX).from_select(list(_columns(notice)), select(*values).where(wanted))
    return connection.execute(kept).rowcount > 0


def forget(connection: Connection, msg_id: str) -> None:
    """It was told, or is given up."""
    connection.execute(delete(OUTBOX).where(OUTBOX.c.msg_id == msg_id))


def count_attempt(connection: Connection, msg_id: str) -> None:
    """It was tried once more."""
    connection.execute(update(OUTBOX).where(OUTBOX.c.msg_id == msg_id).values(attempts=OUTBOX.c.attempts + 1))


def _columns(notice: Notice) -> dict[str, Any]:
    return {
        "app_id": notice.key.app_id,
        "task_id": notice.key.task_id,
        "channel_id": notice.channel_id,
        "event_type": notice.event_type,
        "msg_id": notice.msg_id,
        "payload": json.dumps(notice.payload, ensure_ascii=False),
        "attempts": notice.attempts,
    }


def _notice(row: Row[Any]) -> Notice:
    key = TaskKey(AppId(row.app_id), TaskId(row.task_id))
    payload = json.loads(row.payload)
    return Notice(key, ChannelId(row.channel_id), row.event_type, payload, row.msg_id, row.attempts)
