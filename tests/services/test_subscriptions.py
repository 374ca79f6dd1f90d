"""Subscriptions to relay events (operations.md 7)."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest

from openmpu.errors import Conflict, Invalid, NotFound
from openmpu.model.ids import AppId, ChannelId
from openmpu.services.ports import Delivery
from openmpu.services.subscriptions import Subscriptions
from openmpu.store.sql import SqlStore, open_store
from tests.services.doubles import ACCOUNT, SECOND, START, STRANGER, ManualClock

APP = AppId("app")
DAY = 86_400 * SECOND


@pytest.fixture
async def store() -> AsyncIterator[SqlStore]:
    """A store in memory."""
    async with open_store("sqlite://") as store:
        yield store


@pytest.fixture
def subscriptions(store: SqlStore) -> Subscriptions:
    """The service."""
    return Subscriptions(store, ManualClock())


async def test_life_of_a_subscription(subscriptions: Subscriptions) -> None:
    """One an app; absent channels are all again, an absent URL stays."""
    sub_id = await subscriptions.create(ACCOUNT, APP, "http://a.example/", [ChannelId("room")])
    assert re.fullmatch("Sub-[0-9A-F]{32}", sub_id)
    with pytest.raises(Conflict):
        await subscriptions.create(ACCOUNT, APP, "http://b.example/")
    found = await subscriptions.describe(ACCOUNT, APP)
    assert (found.sub_id, found.callback_url, found.channels, found.created_at) == (
        sub_id, "http://a.example/", ("room",), START,
    )  # fmt: skip
    await subscriptions.update(ACCOUNT, APP, None)
    assert (await subscriptions.describe(ACCOUNT, APP)).channels == ()
    await subscriptions.update(ACCOUNT, APP, "http://c.example/", [ChannelId("x")])
    found = await subscriptions.describe(ACCOUNT, APP)
    assert (found.callback_url, found.channels, found.sub_id) == ("http://c.example/", ("x",), sub_id)
    await subscriptions.delete(ACCOUNT, APP)
    assert await subscriptions.create(ACCOUNT, APP, "http://d.example/") != sub_id


async def test_without_a_subscription(subscriptions: Subscriptions) -> None:
    """Describe, update and delete find nothing; neither does a stranger."""
    for account, subject in ((ACCOUNT, "subscription"), (STRANGER, "app")):
        for call in (
            subscriptions.describe(account, APP),
            subscriptions.update(account, APP, "http://a.example/"),
            subscriptions.delete(account, APP),
        ):
            with pytest.raises(NotFound) as refused:
                await call
            assert refused.value.subject == subject
    for call in (
        subscriptions.create(STRANGER, APP, "http://x/"),
        subscriptions.records(STRANGER, APP, START, START, 1, 1),
    ):
        with pytest.raises(NotFound):
            await call


async def test_the_log_is_read_page_by_page(store: SqlStore, subscriptions: Subscriptions) -> None:
    """Newest first, with the whole number."""
    for number in range(5):
        at = START - number * SECOND
        await store.add_delivery(Delivery(APP, "Sub-1", f"m{number}", "http://a.example/", "{}", 200, 3, at))
    count, page = await subscriptions.records(ACCOUNT, APP, START - 3 * SECOND, START, 2, 3)
    assert (count, [each.msg_id for each in page]) == (4, ["m3"])
    assert await subscriptions.records(ACCOUNT, APP, START - DAY, START, 1, 100, "Sub-2") == (0, [])


@pytest.mark.parametrize(
    ("since", "until", "name"),
    [(-7 * DAY - 1, 0, "StartTime"), (0, 1, "EndTime"), (-5, -6, "EndTime")],
)
async def test_times_of_the_log(subscriptions: Subscriptions, since: int, until: int, name: str) -> None:
    """Not older than 7 days, not in the future, not backwards."""
    with pytest.raises(Invalid) as refused:
        await subscriptions.records(ACCOUNT, APP, START + since, START + until, 1, 10)
    assert refused.value.subject == name
    assert await subscriptions.records(ACCOUNT, APP, START - 7 * DAY, START, 1, 10) == (0, [])
