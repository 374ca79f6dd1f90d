"""Layouts, subscriptions and deliveries in the store."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from openmpu.errors import Conflict
from openmpu.model.ids import AppId, ChannelId, LayoutId
from openmpu.model.layouts import BUILT_IN
from openmpu.services.ports import Delivery, Subscription
from openmpu.store.sql import SqlStore
from tests.store.values import APP, NOW

LAYOUT = replace(BUILT_IN[LayoutId(3)], layout_id=LayoutId(0), name="两个人")
SUBSCRIPTION = Subscription(APP, "Sub-1", "http://hooks.example/x", (ChannelId("a"), ChannelId("b")), NOW)


async def test_layout_ids_rise_and_are_never_given_again(store: SqlStore) -> None:
    """From 10001 on, over all apps (operations.md 5.1)."""
    first = await store.add_layout(APP, LAYOUT)
    await store.drop_layout(APP, first)
    others = await asyncio.gather(*(store.add_layout(AppId("app2"), LAYOUT) for _ in range(5)))
    assert first == 10_001
    assert sorted(others) == [10_002, 10_003, 10_004, 10_005, 10_006]


async def test_layouts_belong_to_their_app(store: SqlStore) -> None:
    """Listed ascending, changed and dropped by their app only."""
    ids = [await store.add_layout(APP, LAYOUT) for _ in range(2)]
    changed = replace(LAYOUT, layout_id=ids[0], panes=LAYOUT.panes[:1], audio_mix_count=0, name="one")
    await store.save_layout(APP, changed)
    assert list(await store.layouts(APP)) == [changed, replace(LAYOUT, layout_id=ids[1])]
    assert list(await store.layouts(AppId("app2"))) == []
    await store.save_layout(AppId("app2"), replace(changed, name="stolen"))
    assert not await store.drop_layout(AppId("app2"), ids[0])
    assert (await store.layouts(APP))[0].name == "one"
    assert await store.drop_layout(APP, ids[0])
    assert not await store.drop_layout(APP, ids[0])


async def test_one_subscription_an_app(store: SqlStore) -> None:
    """Kept, replaced, dropped."""
    await store.add_subscription(SUBSCRIPTION)
    with pytest.raises(Conflict) as refused:
        await store.add_subscription(replace(SUBSCRIPTION, sub_id="Sub-2"))
    assert (refused.value.subject, refused.value.reason) == ("subscription", "exists")
    assert await store.subscription(APP) == SUBSCRIPTION
    changed = replace(SUBSCRIPTION, callback_url="https://other.example/", channels=())
    await store.save_subscription(changed)
    assert await store.subscription(APP) == changed
    assert await store.subscription(AppId("app2")) is None
    assert await store.drop_subscription(APP)
    assert not await store.drop_subscription(APP)


def delivery(number: int, at: int, sub_id: str = "Sub-1", app_id: AppId = APP) -> Delivery:
    """An attempt."""
    return Delivery(
        app_id, sub_id, f"msg-{number}", "http://hooks.example/x", '{"a":"é"}', 200 if number % 2 else None, 12, at
    )


async def test_deliveries_by_time_and_page(store: SqlStore) -> None:
    """Both ends included, newest first, of one subscription on demand."""
    attempts = [delivery(number, NOW + number) for number in range(6)]
    for attempt in (*attempts, delivery(9, NOW + 3, app_id=AppId("app2")), delivery(8, NOW + 2, "Sub-2")):
        await store.add_delivery(attempt)
    count, page = await store.deliveries(APP, NOW + 1, NOW + 4, "Sub-1", 1, 2)
    assert (count, list(page)) == (4, [attempts[3], attempts[2]])
    count, page = await store.deliveries(APP, NOW, NOW + 9, None, 0, 100)
    assert (count, [each.msg_id for each in page][:4]) == (7, ["msg-5", "msg-4", "msg-3", "msg-8"])
    assert await store.deliveries(APP, NOW + 50, NOW + 60, None, 0, 10) == (0, [])


async def test_the_log_of_deliveries_is_bounded(store: SqlStore) -> None:
    """By age and by number."""
    assert await store.drop_deliveries(NOW, 10) == 0
    for number in range(10):
        await store.add_delivery(delivery(number, NOW + number))
    assert await store.drop_deliveries(NOW + 2, 100) == 2
    assert await store.drop_deliveries(0, 3) == 5
    _, page = await store.deliveries(APP, 0, NOW + 99, None, 0, 10)
    assert [each.msg_id for each in page] == ["msg-9", "msg-8", "msg-7"]
