"""Events that are still to be told."""

from __future__ import annotations

import pytest

from openmpu.errors import Conflict
from openmpu.model.ids import AppId, ChannelId, TaskId, TaskKey
from openmpu.services.ports import Delivery, Notice, Subscription
from openmpu.store.sql import SqlStore, open_store
from tests.store.values import APP, COOLING, NOW, record, url


def notice(number: int, app_id: AppId = APP) -> Notice:
    """One of several events of a task."""
    payload = {"EventTs": NOW, "ErrorMessage": "\u65ad\u5f00 \U0001f4a5", "Status": number}
    return Notice(TaskKey(app_id, TaskId("t1")), ChannelId("room"), 2, payload, f"m{number}")


def attempt(number: int, status: int | None) -> Delivery:
    """One try to tell it."""
    return Delivery(APP, "Sub-1", f"m{number}", "http://a.example/", "{}", status, 3, NOW)


async def subscribe(store: SqlStore) -> None:
    """The app wants events."""
    await store.add_subscription(Subscription(APP, "Sub-1", "http://a.example/", (), NOW))


async def test_events_are_kept_in_order_until_they_are_told(store: SqlStore) -> None:
    """Failed tries are counted; the last one, and having nobody to tell, end it."""
    await subscribe(store)
    for number in range(4):
        assert await store.keep_notice(notice(number))
    await store.add_delivery(attempt(0, 500))
    await store.add_delivery(attempt(0, None))
    await store.add_delivery(attempt(1, 200), last=True)
    await store.drop_notice("m3")
    assert [(kept.msg_id, kept.attempts) for kept in await store.notices()] == [("m0", 2), ("m2", 0)]
    assert (await store.notices())[1] == notice(2)
    assert (await store.deliveries(APP, 0, NOW, None, 0, 10))[0] == 3


async def test_nothing_is_kept_for_apps_without_a_subscription(store: SqlStore) -> None:
    """Another app's does not count."""
    await subscribe(store)
    assert not await store.keep_notice(notice(1, AppId("app2")))
    assert await store.notices() == []


async def test_a_change_and_its_news_are_kept_together(store: SqlStore) -> None:
    """Both; or, where the change is refused, neither."""
    await subscribe(store)
    await store.add_task(record("t1", url("a")), COOLING)
    await store.add_task(record("t2", url("b")), COOLING)
    await store.save_task(record("t1", url("c")), COOLING, NOW, [notice(1), notice(2)])
    with pytest.raises(Conflict):
        await store.save_task(record("t1", url("b")), COOLING, NOW, [notice(3)])
    assert [kept.msg_id for kept in await store.notices()] == ["m1", "m2"]


async def test_events_survive_a_restart(lasting_url: str) -> None:
    """Whole."""
    async with open_store(lasting_url) as store:
        await subscribe(store)
        await store.keep_notice(notice(7))
    async with open_store(lasting_url) as store:
        assert await store.notices() == [notice(7)]
