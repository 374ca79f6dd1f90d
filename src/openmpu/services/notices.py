"""Tells customers what happens to their tasks: relay events, in order, with retries (callbacks.md 2, 3 and 7).

Whoever has news puts it in and goes on; nothing here is ever waited for. One line of events a task, each line served
by itself, so a dead receiver holds back nobody but itself, and its own line for at most 30 s an event. Events are kept
in the store until they are told or given up, so a server that comes after a crash goes on where the last one was.
"""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from openmpu.errors import OpenMpuError
from openmpu.model.ids import ChannelId, TaskKey
from openmpu.model.task import TaskState
from openmpu.services.accounts import Accounts
from openmpu.services.outbox import Outbox
from openmpu.services.ports import Clock, Delivery, Notice, Poster, Store, Subscription, TargetEvent, TaskRecord
from openmpu.wire import callbacks

TIMEOUT_S = 5.0
RETRIES, RETRY_EVERY_S = 3, 10.0
HOLD_S = 30.0
MAX_LINE = 200
MAX_LINES = 5_000
SUCCESS = 200
_MS = 10**6

_log = structlog.get_logger()


@dataclass(slots=True)
class _Line:
    """What is still to be told about one task. Of voices only the latest counts: older ones are no news."""

    events: deque[Notice] = field(default_factory=deque)
    voice: Notice | None = None
    served: bool = False
    voice_served: bool = False

    @property
    def empty(self) -> bool:
        return not (self.events or self.voice or self.served or self.voice_served)


class Notices:
    """The TaskListener that posts relay events to the app's subscription.

    Args:
        store: Has subscriptions, takes the delivery log.
        poster: Sends, through the guarded client.
        accounts: Have the callback secrets.
        clock: The wall clock.
        pause: Waits so many seconds.
    """

    def __init__(
        self,
        store: Store,
        poster: Poster,
        accounts: Accounts,
        clock: Clock,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store, self._poster, self._accounts, self._clock, self._pause = store, poster, accounts, clock, pause
        self._outbox = Outbox(store)
        self._lines: dict[TaskKey, _Line] = {}
        self._news = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.dropped = 0
        """Events that found their line full, and voices that were no longer news."""

    # News: never waits, never fails

    def task_moved(self, record: TaskRecord, previous: TaskState | None, at: int) -> None:
        """The task entered `record.state`."""
        self._put(self._move(record, previous, at))

    def target_changed(self, record: TaskRecord, event: TargetEvent, at: int) -> None:
        """A target of the task entered a state."""
        self._put(self._target(record, event, at))

    def news(self, record: TaskRecord, previous: TaskState, events: Sequence[TargetEvent], at: int) -> Sequence[Notice]:
        """Of targets first: a task ends when its targets have."""
        moved = [self._move(record, previous, at)] if record.state is not previous else []
        return [*(self._target(record, event, at) for event in events), *moved]

    def changed(self, record: TaskRecord, previous: TaskState, news: Sequence[Notice]) -> None:  # noqa: ARG002 - a port
        """Tell what the store keeps already."""
        for notice in news:
            if not self._line_up(notice):
                self._outbox.forget(notice.msg_id)

    def voices(self, key: TaskKey, channel_id: ChannelId, report: callbacks.VoiceReport) -> None:
        """A VoiceListener: what a worker told."""
        self.voice(key, channel_id, report.interval_ms, report.speakers, report.at)

    def voice(
        self, key: TaskKey, channel_id: ChannelId, interval_ms: int, speakers: Sequence[callbacks.Speaker], at: int
    ) -> None:
        """Who spoke within the interval; sent once, not logged (callbacks.md 7)."""
        line = self._line(key)
        if line is None:
            return
        self.dropped += line.voice is not None
        payload = callbacks.voice_payload(at, interval_ms, speakers)
        line.voice = self._notice(key, channel_id, callbacks.VOICE_EVENT, payload)
        self._wake()

    async def kept(self) -> None:
        """All events so far survive the end of this process."""
        await self._outbox.kept()

    def _move(self, record: TaskRecord, previous: TaskState | None, at: int) -> Notice:
        before = None if previous is None else int(previous)
        payload = callbacks.task_payload(at, int(record.state), before, record.end_code, record.end_reason)
        return self._notice(record.spec.key, record.spec.channel_id, callbacks.TASK_EVENT, payload)

    def _target(self, record: TaskRecord, event: TargetEvent, at: int) -> Notice:
        payload = callbacks.target_payload(event.url.public, at, event.code, event.error_code, event.message)
        return self._notice(record.spec.key, record.spec.channel_id, callbacks.TARGET_EVENT, payload)

    @staticmethod
    def _notice(key: TaskKey, channel_id: ChannelId, event_type: int, payload: dict[str, Any]) -> Notice:
        return Notice(key, channel_id, event_type, payload, str(uuid.uuid4()))

    def _put(self, notice: Notice) -> None:
        if self._line_up(notice):
            self._outbox.keep(notice)

    def _line_up(self, notice: Notice) -> bool:
        line = self._line(notice.key)
        if line is None:
            return False
        if len(line.events) >= MAX_LINE:
            self._outbox.forget(line.events.popleft().msg_id)
            self.dropped += 1
        line.events.append(notice)
        self._wake()
        return True

    def _line(self, key: TaskKey) -> _Line | None:
        if key not in self._lines and len(self._lines) >= MAX_LINES:
            self.dropped += 1
            return None
        return self._lines.setdefault(key, _Line())

    def _wake(self) -> None:
        self._idle.clear()
        self._news.set()

    # Sending

    async def run(self) -> None:
        """Take up what the last server left, then deliver until cancelled."""
        await self._take_up()
        async with asyncio.TaskGroup() as group:
            while True:
                await self._news.wait()
                self._news.clear()
                for key, line in list(self._lines.items()):
                    if line.events and not line.served:
                        line.served = True
                        group.create_task(self._serve(key, line, group))
                    if line.voice and not line.voice_served:
                        line.voice_served = True
                        group.create_task(self._serve_voice(key, line))

    async def _take_up(self) -> None:
        known = {notice.msg_id for line in self._lines.values() for notice in line.events}
        for notice in reversed(await self._outbox.waiting()):
            line = self._line(notice.key)
            if line and notice.msg_id not in known:
                line.events.appendleft(notice)
                self._wake()

    async def drain(self, within_s: float) -> bool:
        """Wait until all is told, at most so long; whether it is. What is not will be by the next server."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        return self._idle.is_set()

    async def _serve(self, key: TaskKey, line: _Line, group: asyncio.TaskGroup) -> None:
        """One event after the other; one that fails holds the next back for 30 s, then goes on beside them."""
        while line.events:
            delivery = group.create_task(self._deliver(line.events.popleft()))
            hold = group.create_task(self._hold())
            await asyncio.wait([delivery, hold], return_when=asyncio.FIRST_COMPLETED)
            hold.cancel()
        line.served = False
        self._leave(key, line)

    async def _hold(self) -> None:
        await self._pause(HOLD_S)

    async def _serve_voice(self, key: TaskKey, line: _Line) -> None:
        while line.voice:
            notice, line.voice = line.voice, None
            subscription = await self._subscription(notice)
            if subscription:
                await self._send(notice, subscription)
        line.voice_served = False
        self._leave(key, line)

    def _leave(self, key: TaskKey, line: _Line) -> None:
        if line.empty and self._lines.get(key) is line:
            del self._lines[key]
        if not self._lines:
            self._idle.set()

    async def _deliver(self, notice: Notice) -> None:
        await self._outbox.kept(notice.msg_id)
        for attempt in range(min(notice.attempts, RETRIES), 1 + RETRIES):
            subscription = await self._subscription(notice)
            if subscription is None:
                self._outbox.forget(notice.msg_id)
                return
            sent_at = self._clock.now()
            if await self._attempt(notice, subscription, last=attempt == RETRIES):
                return
            if attempt < RETRIES:
                took_s = (self._clock.now() - sent_at) / 10**9
                await self._pause(max(0.0, RETRY_EVERY_S - took_s))
        _log.warning("callback given up", task=str(notice.key), msg_id=notice.msg_id)

    async def _subscription(self, notice: Notice) -> Subscription | None:
        """Asked anew for each attempt: it may have been changed or deleted meanwhile."""
        try:
            found = await self._store.subscription(notice.key.app_id)
        except Exception:  # noqa: BLE001 - a failing store must not end the deliveries of others
            _log.exception("no subscription could be read", app=notice.key.app_id)
            return None
        wanted = found and (not found.channels or notice.channel_id in found.channels)
        return found if wanted else None

    async def _attempt(self, notice: Notice, subscription: Subscription, *, last: bool) -> bool:
        """One attempt, logged; whether it arrived."""
        sent_at = self._clock.now()
        body, status = await self._send(notice, subscription)
        cost_ms = (self._clock.now() - sent_at) // _MS
        app_id, url = notice.key.app_id, subscription.callback_url
        delivery = Delivery(app_id, subscription.sub_id, notice.msg_id, url, body.decode(), status, cost_ms, sent_at)
        await self._outbox.attempted(delivery, last=last or status == SUCCESS)
        return status == SUCCESS

    async def _send(self, notice: Notice, subscription: Subscription) -> tuple[bytes, int | None]:
        """What was sent, and the answer's status, None without one."""
        sent_at = self._clock.now()
        address = callbacks.Address(notice.key.app_id, notice.channel_id, notice.key.task_id)
        body = callbacks.envelope(
            notice.event_type, address, subscription.sub_id, notice.msg_id, notice.payload, sent_at
        )
        return body, await self._post(subscription.callback_url, body, sent_at, notice)

    async def _post(self, url: str, body: bytes, sent_at: int, notice: Notice) -> int | None:
        app_id = notice.key.app_id
        app = self._accounts.app(app_id)
        headers = callbacks.headers(app_id, app.callback_secret if app else "", body, sent_at)
        try:
            async with asyncio.timeout(TIMEOUT_S):
                return await self._poster.post(url, body, headers, TIMEOUT_S)
        except (OpenMpuError, TimeoutError) as error:
            _log.info("callback failed", task=str(notice.key), msg_id=notice.msg_id, error=str(error) or "timeout")
        except Exception:  # noqa: BLE001 - a bug in the client must not end the deliveries of others
            _log.exception("callback failed inside", task=str(notice.key), msg_id=notice.msg_id)
        return None
