"""Subscriptions to relay events, and the log of their deliveries, in the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from openmpu.errors import Conflict
from openmpu.model.ids import AppId, ChannelId
from openmpu.services.ports import Delivery, Subscription
from openmpu.store.database import Database
from openmpu.store.outbox import count_attempt, forget
from openmpu.store.tables import DELIVERIES, SUBSCRIPTIONS


class SubscriptionRows:
    """The part of the Store port about subscriptions and deliveries; see there for what each method promises."""

    _database: Database

    async def add_subscription(self, subscription: Subscription) -> None:
        """Keep an app's subscription."""
        columns = _columns(subscription)
        try:
            await self._database.write(lambda connection: connection.execute(insert(SUBSCRIPTIONS), columns).rowcount)
        except IntegrityError:
            raise Conflict("subscription", "exists", "the app has a subscription already") from None

    async def subscription(self, app_id: AppId) -> Subscription | None:
        """The app's subscription."""
        query = select(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.app_id == app_id)
        row = await self._database.read(lambda connection: connection.execute(query).first())
        return _subscription(row) if row else None

    async def save_subscription(self, subscription: Subscription) -> None:
        """Replace it."""
        change = update(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.app_id == subscription.app_id)
        change = change.values(_columns(subscription))
        await self._database.write(lambda connection: connection.execute(change).rowcount)

    async def drop_subscription(self, app_id: AppId) -> bool:
        """Forget it; whether there was one."""
        gone = delete(SUBSCRIPTIONS).where(SUBSCRIPTIONS.c.app_id == app_id)
        return await self._database.write(lambda connection: connection.execute(gone).rowcount) > 0

    async def add_delivery(self, delivery: Delivery, *, last: bool = False) -> None:
        """Log one attempt; `last`: its event waits no longer."""
        columns = {name: getattr(delivery, name) for name in _DELIVERY}

        def job(connection: Connection) -> None:
            connection.execute(insert(DELIVERIES), columns)
            (forget if last else count_attempt)(connection, delivery.msg_id)

        await self._database.write(job)

    async def deliveries(
        self, app_id: AppId, since: int, until: int, sub_id: str | None, offset: int, limit: int
    ) -> tuple[int, Sequence[Delivery]]:
        """How many there were from `since` to `until`, both included, and one page of them, newest first."""
        wanted = [DELIVERIES.c.app_id == app_id, DELIVERIES.c.at.between(since, until)]
        if sub_id is not None:
            wanted.append(DELIVERIES.c.sub_id == sub_id)
        newest = select(DELIVERIES).where(*wanted).order_by(DELIVERIES.c.at.desc(), DELIVERIES.c.number.desc())

        def job(connection: Connection) -> tuple[int, Sequence[Delivery]]:
            count = connection.execute(select(func.count()).select_from(DELIVERIES).where(*wanted)).scalar_one()
            rows = connection.execute(newest.offset(offset).limit(limit)).all()
            return count, [_delivery(row) for row in rows]

        return await self._database.read(job)

    async def drop_deliveries(self, before: int, most: int) -> int:
        """Forget old attempts and all but the latest `most`; how many."""
        last = select(func.max(DELIVERIES.c.number)).scalar_subquery()
        old = delete(DELIVERIES).where(or_(DELIVERIES.c.at < before, DELIVERIES.c.number <= last - most))
        return await self._database.write(lambda connection: connection.execute(old).rowcount)


_DELIVERY = ("app_id", "sub_id", "msg_id", "callback_url", "body", "http_status", "cost_ms", "at")


def _delivery(row: Row[Any]) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in _DELIVERY})


def _columns(subscription: Subscription) -> dict[str, Any]:
    return {
        "app_id": subscription.app_id,
        "sub_id": subscription.sub_id,
        "callback_url": subscription.callback_url,
        "channels": json.dumps(list(subscription.channels)),
        "created_at": subscription.created_at,
    }


def _subscription(row: Row[Any]) -> Subscription:
    channels = tuple(ChannelId(channel) for channel in json.loads(row.channels))
    return Subscription(AppId(row.app_id), row.sub_id, row.callback_url, channels, row.created_at)
