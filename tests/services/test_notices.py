"""Relay events on their way to the customer (callbacks.md 2, 3, 7)."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

import pytest

from openmpu.model.ids import AppId, ChannelId, TaskId
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services import notices as notices_module
from openmpu.services.accounts import Accounts
from openmpu.services.notices import Notices
from openmpu.services.ports import Subscription, TargetEvent, TaskRecord
from openmpu.store.sql import open_store
from openmpu.wire.callbacks import Speaker
from tests.services.doubles import ACCOUNT, SECOND, START, key_of, url
from tests.services.virtual import FakeReceiver, VirtualTime, Watched

APP = AppId("app")
HOOK = "http://hooks.example/in?token=h"


@dataclass
class Post:
    """Notices with a real store, and a receiver."""

    store: Watched
    time: VirtualTime
    receiver: FakeReceiver
    notices: Notices
    running: asyncio.Task[None] | None = None

    def move(self, task_id: str = "t1", state: int = 1, app_id: str = "app", channel: str = "room") -> None:
        """A task moved."""
        self.notices.task_moved(record(task_id, state, app_id, channel), TaskState.WAITING, self.time.now())

    def codes(self, task_id: str = "t1") -> list[tuple[float, int]]:
        """When which state of the task was told, retries included."""
        told = [attempt for attempt in self.receiver.attempts if attempt.body["TaskId"] == task_id]
        told = [attempt for attempt in told if attempt.body["EventType"] == 2]
        return [(attempt.at, attempt.body["Payload"]["Status"]) for attempt in told]

    async def logged(self) -> list[int | None]:
        """Statuses in the delivery log, oldest first."""
        _, rows = await self.store.deliveries(APP, 0, self.time.now(), None, 0, 1000)
        return [row.http_status for row in reversed(rows)]


def record(task_id: str = "t1", state: int = 1, app_id: str = "app", channel: str = "room") -> TaskRecord:
    """A task in a state."""
    spec = TaskSpec(AppId(app_id), ChannelId(channel), TaskId(task_id), targets=(url("s1", "?auth_key=secret"),))
    return TaskRecord(spec, "demo", TaskState(state), START, end_code=1005, end_reason="lost")


@pytest.fixture
async def post() -> AsyncIterator[Post]:
    """A running delivery with a subscription of `app`."""
    async with open_store("sqlite://") as sql:
        store = Watched(sql)
        time = VirtualTime(store)
        receiver = FakeReceiver(time)
        post = Post(store, time, receiver, Notices(store, receiver, Accounts([ACCOUNT]), time, time.pause))
        await store.add_subscription(Subscription(APP, "Sub-1", HOOK, (), START))
        post.running = asyncio.create_task(post.notices.run())
        yield post
        post.running.cancel()
        await asyncio.wait([post.running])


async def test_an_event_arrives_signed_and_complete(post: Post) -> None:
    """The envelope of callbacks.md 2.1, without the query of the target's URL."""
    event = TargetEvent(url("s1", "?auth_key=secret"), 3, 1004, "refused by the server")
    await post.time.go(1.5)
    post.notices.target_changed(record(), event, post.time.now() - 10 * 10**6)
    await post.time.quiet()
    (attempt,) = post.receiver.attempts
    assert attempt.url == HOOK
    assert {name: attempt.body[name] for name in ("EventType", "AppId", "SubId", "TaskId", "ChannelId", "CallbackTs")} == {
        "EventType": 1, "AppId": "app", "SubId": "Sub-1", "TaskId": "t1", "ChannelId": "room", "CallbackTs": START // 10**6 + 1500,
    }  # fmt: skip
    assert attempt.body["Payload"] == {
        "DstUrl": "rtmp://cdn.example/live/s1", "EventTs": START // 10**6 + 1490, "EventCode": 3, "ErrorCode": 1004,
        "ErrorMessage": "refused by the server",
    }  # fmt: skip
    assert attempt.headers["Content-Type"] == "application/json;charset=utf-8"
    seconds = str(START // SECOND + 1)
    digest = hmac.new(b"cbsecret", attempt.raw + seconds.encode(), hashlib.sha256).hexdigest()
    assert attempt.headers["DingRTC-Signature"] == f"app.{seconds}.{digest}"
    assert b"secret" not in attempt.raw


async def test_a_task_event(post: Post) -> None:
    """Status, PrevStatus and the reason; a new task has no previous one."""
    post.notices.task_moved(record(state=5), TaskState.RUNNING, START)
    post.notices.task_moved(record("t2", state=0), None, START)
    await post.time.quiet()
    payloads = {attempt.body["TaskId"]: attempt.body["Payload"] for attempt in post.receiver.attempts}
    at = START // 10**6
    assert payloads["t1"] == {"EventTs": at, "Status": 5, "PrevStatus": 1, "ErrorCode": 1005, "ErrorMessage": "lost"}
    assert payloads["t2"]["PrevStatus"] == -1


async def test_without_secret_nothing_is_signed(post: Post) -> None:
    """callbacks.md 3.3."""
    await post.store.add_subscription(Subscription(AppId("app2"), "Sub-2", HOOK, (), START))
    post.move(app_id="app2")
    await post.time.quiet()
    assert "DingRTC-Signature" not in post.receiver.attempts[0].headers


async def test_without_subscription_nothing_is_sent(post: Post) -> None:
    """Nor where the subscription names other channels; with the right channel it is."""
    post.move(app_id="app2")
    await post.time.quiet()
    assert post.receiver.attempts == []
    old = await post.store.subscription(APP)
    await post.store.save_subscription(replace(old, channels=(ChannelId("stage"),)))
    post.move(channel="room")
    post.move("t2", channel="stage")
    await post.time.quiet()
    assert [attempt.body["TaskId"] for attempt in post.receiver.attempts] == ["t2"]


@pytest.mark.parametrize("status", [None, 201, 204, 302, 404, 500])
async def test_a_failure_is_tried_again_three_times(post: Post, status: int | None) -> None:
    """Every 10 s, with the same MsgId; then it is given up and stays in the log."""
    post.receiver.answer = lambda _: status
    post.move()
    await post.time.go(100)
    assert [attempt.at for attempt in post.receiver.attempts] == [0, 10, 20, 30]
    assert len({attempt.body["MsgId"] for attempt in post.receiver.attempts}) == 1
    stamps = [attempt.body["CallbackTs"] - START // 10**6 for attempt in post.receiver.attempts]
    assert stamps == [0, 10_000, 20_000, 30_000]
    assert await post.logged() == [status] * 4


async def test_a_late_success_ends_the_tries(post: Post) -> None:
    """Each attempt is one row, newest first."""
    post.receiver.answer = lambda attempt: 200 if attempt.at >= 10 else 503
    post.move()
    await post.time.go(100)
    assert await post.logged() == [503, 200]
    _, rows = await post.store.deliveries(APP, 0, post.time.now(), None, 0, 10)
    assert (rows[0].callback_url, rows[0].sub_id, rows[0].msg_id) == (
        HOOK,
        "Sub-1",
        post.receiver.attempts[0].body["MsgId"],
    )
    assert rows[0].body.encode() == post.receiver.attempts[1].raw


async def test_events_of_one_task_come_one_after_the_other(post: Post) -> None:
    """Also when the receiver is slow; tasks do not wait for each other."""
    post.receiver.takes_s = lambda _: 2
    for state in (1, 3, 5):
        post.move("t1", state)
    post.move("t2", 1)
    await post.time.go(10)
    assert post.codes("t1") == [(0, 1), (2, 3), (4, 5)]
    assert post.codes("t2") == [(0, 1)]


async def test_a_failing_event_holds_the_next_back_for_30_seconds_at_most(post: Post) -> None:
    """Even when each try takes its 5 s."""
    post.receiver.answer = lambda _: None
    post.receiver.takes_s = lambda _: 5
    post.move("t1", 1)
    post.move("t1", 3)
    await post.time.go(29.9)
    assert [state for _, state in post.codes()] == [1, 1, 1]
    await post.time.go(0.2)
    assert sorted(post.codes()[3:]) == [(30, 1), (30, 3)]
    await post.time.go(100)
    assert [state for _, state in post.codes()].count(1) == 4
    assert [state for _, state in post.codes()].count(3) == 4


async def test_a_dead_receiver_slows_nobody_else(post: Post) -> None:
    """Another app's events go out at once, and whoever has news does not wait."""
    await post.store.add_subscription(Subscription(AppId("app2"), "Sub-2", "http://good.example/", (), START))
    post.receiver.takes_s = lambda attempt: 5 if attempt.url == HOOK else 0
    post.receiver.answer = lambda attempt: None if attempt.url == HOOK else 200
    for number in range(50):
        post.move(f"t{number}")
    post.move("quick", app_id="app2")
    await post.time.quiet()
    assert [attempt.at for attempt in post.receiver.attempts if attempt.url != HOOK] == [0]


async def test_a_line_is_bounded(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest go, and are counted; so do lines beyond the bound."""
    monkeypatch.setattr(notices_module, "MAX_LINE", 3)
    monkeypatch.setattr(notices_module, "MAX_LINES", 2)
    for number in range(5):
        post.notices.target_changed(record(), TargetEvent(url(), 0, number), START)
    post.move("t2")
    post.move("t3")
    await post.time.quiet()
    codes = [each.body["Payload"]["ErrorCode"] for each in post.receiver.attempts if each.body["TaskId"] == "t1"]
    assert codes == [2, 3, 4]
    assert post.notices.dropped == 3


async def test_a_changed_subscription_counts_for_the_next_try(post: Post) -> None:
    """The new URL gets it; without a subscription it ends."""
    post.receiver.answer = lambda _: 500
    post.move()
    await post.time.go(5)
    old = await post.store.subscription(APP)
    await post.store.save_subscription(replace(old, callback_url="http://new.example/"))
    await post.time.go(10)
    await post.store.drop_subscription(APP)
    await post.time.go(100)
    assert [attempt.url for attempt in post.receiver.attempts] == [HOOK, "http://new.example/"]


async def test_voices_are_sent_once_and_not_logged(post: Post) -> None:
    """Loudest first; without retry (callbacks.md 7)."""
    post.receiver.answer = lambda _: 500
    speakers = [Speaker("ann", 10, 20, 100), Speaker("bob", 180, 150, 420)]
    post.notices.voice(key_of("t1"), ChannelId("room"), 500, speakers, START)
    await post.time.go(100)
    (attempt,) = post.receiver.attempts
    assert attempt.body["EventType"] == 3
    assert attempt.body["Payload"] == {
        "EventTs": START // 10**6, "Interval": 500,
        "Speakers": [
            {"UserId": "bob", "Volume": 180, "Vad": 150, "SpeakingMs": 420},
            {"UserId": "ann", "Volume": 10, "Vad": 20, "SpeakingMs": 100},
        ],
    }  # fmt: skip
    assert await post.logged() == []


async def test_voices_are_no_news_when_late(post: Post) -> None:
    """A slow receiver gets the latest only, and events are not behind voices."""
    post.receiver.takes_s = lambda attempt: 4 if attempt.body["EventType"] == 3 else 0
    for number in range(6):
        post.notices.voice(key_of("t1"), ChannelId("room"), number, [], START)
        await post.time.quiet()
    post.move()
    await post.time.go(20)
    voices = [each.body["Payload"]["Interval"] for each in post.receiver.attempts if each.body["EventType"] == 3]
    assert voices == [0, 5]
    assert post.notices.dropped == 4
    assert post.codes() == [(0, 1)]


async def test_bugs_and_failing_stores_end_nothing(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client raises anything, the log cannot be written, the subscription cannot be read: later events go out."""

    async def broken(*_: object, **__: object) -> None:
        raise OSError("no")

    with monkeypatch.context() as patch:
        patch.setattr(post.receiver, "post", broken)
        patch.setattr(post.store, "add_delivery", broken)
        post.move("t1")
        await post.time.go(50)
        patch.setattr(post.store, "subscription", broken)
        post.move("t2")
        await post.time.go(50)
    post.move("t3")
    await post.time.quiet()
    assert post.codes("t3") == [(100, 1)]


async def test_drain_waits_for_what_is_under_way(post: Post) -> None:
    """True when all is told, False when time is up."""
    post.move()
    assert await post.notices.drain(5)
    assert len(post.receiver.attempts) == 1
    post.receiver.answer = lambda _: None
    post.move()
    assert not await post.notices.drain(0.1)
    await post.time.go(100)
    assert await post.notices.drain(0.1)


async def end(post: Post) -> None:
    """The server is killed: what was under way is gone."""
    post.running.cancel()
    await asyncio.wait([post.running])


async def next_server(post: Post) -> None:
    """Another one on the same store."""
    post.notices = Notices(post.store, post.receiver, Accounts([ACCOUNT]), post.time, post.time.pause)
    post.running = asyncio.create_task(post.notices.run())
    await post.time.quiet()


async def test_what_was_not_told_is_told_by_the_next_server(post: Post) -> None:
    """In order, under the same MsgId, before anything new; the tries go on from where they were."""
    post.receiver.answer = lambda _: None
    for state in (1, 3):
        post.move(state=state)
    await post.time.go(15)
    assert [attempt.at for attempt in post.receiver.attempts] == [0, 10]
    await end(post)
    post.receiver.answer = lambda attempt: 200 if attempt.body["Payload"]["Status"] == 3 else None
    await next_server(post)
    post.move(state=5)
    await post.time.go(100)
    assert post.codes()[2:] == [(15, 1), (25, 1), (25, 3), (25, 5), (35, 5), (45, 5), (55, 5)]
    first = {attempt.body["MsgId"] for attempt in post.receiver.attempts if attempt.body["Payload"]["Status"] == 1}
    assert len(first) == 1
    assert await post.store.notices() == []


async def test_nothing_that_was_told_or_given_up_is_told_again(post: Post) -> None:
    """Nor what nobody subscribed to, or what was pushed out of a full line."""
    post.move("t1")
    post.move("t2", app_id="app2")
    await post.time.quiet()
    post.receiver.answer = lambda _: 500
    post.move("t3")
    await post.time.go(100)
    post.move("t4")
    await post.store.drop_subscription(APP)
    await post.time.go(100)
    assert await post.store.notices() == []
    before = len(post.receiver.attempts)
    await end(post)
    await next_server(post)
    await post.time.go(100)
    assert len(post.receiver.attempts) == before


async def test_a_full_line_keeps_no_more_in_the_store(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pushed out of it is forgotten there too."""
    monkeypatch.setattr(notices_module, "MAX_LINE", 3)
    post.receiver.answer = lambda _: None
    for number in range(20):
        post.notices.target_changed(record(), TargetEvent(url(), 0, number), START)
    await post.time.quiet()
    assert len(await post.store.notices()) <= 4


async def test_events_are_kept_before_anybody_is_told_that_they_happened(post: Post) -> None:
    """`kept` comes back when the store has them; a store that fails holds up nobody."""
    post.receiver.answer = lambda _: None
    post.move()
    await post.notices.kept()
    assert [notice.payload["Status"] for notice in await post.store.notices()] == [1]


async def test_an_event_that_cannot_be_kept_is_told_all_the_same(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    """The outbox is for crashes."""

    async def broken(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(post.store, "keep_notice", broken)
    post.move()
    await post.notices.kept()
    await post.time.quiet()
    assert post.codes() == [(0, 1)]
