"""Tasks as callers see them: start, update, stop, read (operations.md 2 to 4 and 6).

What happens to them by themselves is `Tending`'s business; whose they are and what may be asked is decided here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Any

from openmpu.errors import Conflict, Invalid, NotFound
from openmpu.model.ids import AppId, ChannelKey, LayoutId, TaskId, TaskKey
from openmpu.model.layouts import DEFAULT_LAYOUT_IDS, LAST_BUILT_IN_ID
from openmpu.model.reports import WorkerReport
from openmpu.model.roster import Roster
from openmpu.model.task import Family, Mode, RelayPart, TaskSpec, TaskState
from openmpu.services import life
from openmpu.services.accounts import Account
from openmpu.services.capacity import Capacity
from openmpu.services.finishing import Finishing
from openmpu.services.layouts import look_up, resolve
from openmpu.services.ports import Clock, Engine, Gateways, Store, TaskListener, TaskRecord
from openmpu.services.quotas import TaskLimits, check_domains, quota_of
from openmpu.services.tending import Tending


class Tasks:
    """All tasks of this server.

    Args:
        store: Keeps them.
        engine: Runs their workers.
        gateways: Tells who is there.
        notices: Hears of their moves.
        clock: The wall clock, read once at the beginning of each call.
        limits: Quotas and times.
        pause: How the outermost loops wait; tests hand in one that does not.
        capacity: Turns new tasks away when the machine is full; None: nobody does.
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        gateways: Gateways,
        notices: TaskListener,
        clock: Clock,
        limits: TaskLimits,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        capacity: Capacity | None = None,
    ) -> None:
        self._store, self._engine, self._clock, self._limits = store, engine, clock, limits
        self._capacity = capacity
        self._tending = Tending(store, engine, gateways, notices, clock, limits, pause)
        self._book = self._tending.book
        self._gate = asyncio.Lock()
        self._finishing = Finishing()

    # What callers ask for

    async def start(self, account: Account, spec: TaskSpec, request: dict[str, Any]) -> None:
        """Accept a new task. Whether its push works is told later, by its state and its events (operations.md 2.6).

        Raises:
            NotFound: `app`.
            Denied: `app`: it is disabled.
            Conflict: `task`/`exists`; `ingest_url`/`in_use` or `cooling_down`.
            Invalid: `layouts`; `channel`: Live-2 into a channel that nobody is in.
            Limited: `tasks`, `ingest_domain`.
            Busy: `machine`: it would hurt those that run (`limits.max_load`).
        """
        account.enabled_app(spec.app_id)
        await self._finishing.whole(self._start(account, spec, request))

    async def _start(self, account: Account, spec: TaskSpec, request: dict[str, Any]) -> None:
        async with self._gate_of(spec), self._book.holding(spec.key):
            if self._book.get(spec.key):  # told before anything else is judged (operations.md 1.8); the store is sure
                raise Conflict("task", "exists", f"task {spec.task_id} exists already")
            await self._begin(account, spec, request, self._clock.now())

    async def _begin(self, account: Account, spec: TaskSpec, request: dict[str, Any], now: int) -> None:
        check_domains(spec, (record.spec for record in self._book.all()), self._limits)
        seen = self._tending.presence(spec)
        if spec.family is Family.LIVE and not seen.somebody:
            raise Invalid("channel", f"channel not exist: nobody is in {spec.channel_id}")
        if self._capacity:
            self._capacity.check(spec, self._book.all(), now)
        record = life.begin(await self._resolved(spec), account.name, request, seen, now)
        await self._store.add_task(record, self._limits.cooling, quota_of(spec, account.name, self._limits))
        await self._tending.begin(record, seen, now)

    async def update(
        self, account: Account, key: TaskKey, change: Callable[[TaskSpec], TaskSpec], request: dict[str, Any]
    ) -> None:
        """Change an unfinished task, whole or not at all.

        Args:
            account: Who asks.
            key: Which task.
            change: Gives the new spec out of the present one; what it raises is passed on.
            request: The parameters as given; they are laid over those of before.

        Raises:
            NotFound: `app`, `task`.
            Conflict: `task`/`not_running`: it is over; `ingest_url` as in `start`.
            Invalid: `layouts`, or by `change`.
        """
        account.app(key.app_id)
        await self._finishing.whole(self._update(key, change, request))

    async def _update(self, key: TaskKey, change: Callable[[TaskSpec], TaskSpec], request: dict[str, Any]) -> None:
        async with self._gate, self._book.holding(key):
            old = await self._tending.unfinished(key)
            spec = await self._resolved(change(old.spec), old.spec)
            new = replace(old, spec=spec, request={**old.request, **request})
            await self._tending.change(old, new, self._clock.now())

    async def stop(self, account: Account, key: TaskKey) -> None:
        """End a task in state 3; one that is over already stays as it is.

        Raises:
            NotFound: `app`, `task`.
        """
        account.app(key.app_id)
        await self._finishing.whole(self._stop(key))

    async def _stop(self, key: TaskKey) -> None:
        async with self._book.holding(key):
            record = self._book.get(key) or await self._store.task(key)
            if record is None:
                raise NotFound("task", f"no task {key.task_id}")
            now = self._clock.now()
            await self._tending.change(record, life.end(record, TaskState.STOPPED_BY_USER, now), now)

    async def state(self, account: Account, key: TaskKey) -> TaskState:
        """The task's state.

        Raises:
            NotFound: `app`, `task`.
        """
        account.app(key.app_id)
        state = await self._state(key)
        if state is None:
            raise NotFound("task", f"no task {key.task_id}")
        return state

    async def details(
        self, account: Account, app_id: AppId, task_id: TaskId | None = None, page: int = 1, size: int = 100
    ) -> Sequence[TaskRecord]:
        """Live-2's unfinished tasks of an app: the one of that id, else a page, oldest first (operations.md 6.4).

        Raises:
            NotFound: `app`.
        """
        account.app(app_id)
        tasks = [task for task in self.unfinished() if task.spec.app_id == app_id and task.spec.family is Family.LIVE]
        if task_id is not None:
            return [task for task in tasks if task.spec.task_id == task_id]
        return tasks[(page - 1) * size : page * size]

    async def inject_sei(self, account: Account, key: TaskKey, text: str) -> None:
        """Put `text` into the next video frame, once.

        Raises:
            NotFound: `app`, `task`.
            Conflict: `task`/`not_running`: it does not run now; `task`/`no_video`: it sends none.
        """
        account.app(key.app_id)
        record = await self._tending.unfinished(key)
        if not _sends_video(record.spec):
            raise Conflict("task", "no_video", f"task {key.task_id} sends no video")
        if record.state is not TaskState.RUNNING or not self._tending.steering.wants(key):
            raise Conflict("task", "not_running", f"task {key.task_id} does not push yet")
        await self._engine.inject_sei(key, text)

    def unfinished(self) -> Sequence[TaskRecord]:
        """All unfinished tasks, oldest first."""
        return self._book.all()

    async def find(self, account: Account, key: TaskKey) -> TaskRecord:
        """The whole record, finished or not.

        Raises:
            NotFound: `app`, `task`.
        """
        account.app(key.app_id)
        record = await self.look_up(key)
        if record is None:
            raise NotFound("task", f"no task {key.task_id}")
        return record

    async def look_up(self, key: TaskKey) -> TaskRecord | None:
        """The task of that key, finished or not, whoever owns it: for those who prove otherwise that they may."""
        return self._book.get(key) or await self._store.task(key)

    async def _state(self, key: TaskKey) -> TaskState | None:
        record = self._book.get(key)
        return record.state if record else await self._store.task_state(key)

    # Layouts (services/layouts.py)

    async def layout_changed(self, app_id: AppId, layout_id: LayoutId) -> None:
        """A custom layout has other panes now: running tasks show them (operations.md 5.1)."""
        for key in await self._users_of(app_id, layout_id):
            async with self._book.holding(key):
                record = self._book.get(key)
                if record and _uses(record.spec, layout_id):
                    spec = await self._resolved(record.spec, record.spec)
                    await self._tending.change(record, replace(record, spec=spec), self._clock.now())

    async def layout_deleted(self, app_id: AppId, layout_id: LayoutId) -> None:
        """A custom layout is gone: the tasks that use it end (operations.md 5.2)."""
        now, reason = self._clock.now(), f"layout {layout_id} was deleted"
        for key in await self._users_of(app_id, layout_id):
            async with self._book.holding(key):
                record = self._book.get(key)
                if record and _uses(record.spec, layout_id):
                    await self._tending.change(record, life.fail(record, life.LAYOUT_DELETED, reason, now), now)

    def _gate_of(self, spec: TaskSpec) -> AbstractAsyncContextManager[None]:
        """Until a task is in the book, none of its custom layouts may change unseen, and no other may be counted."""
        custom = any(number > LAST_BUILT_IN_ID for number in spec.mix.layout_ids)
        return self._gate if custom or self._limits.counts_domains else nullcontext()

    async def _users_of(self, app_id: AppId, layout_id: LayoutId) -> Sequence[TaskKey]:
        async with self._gate:
            specs = [record.spec for record in self._book.all()]
        return [spec.key for spec in specs if spec.app_id == app_id and _uses(spec, layout_id)]

    async def _resolved(self, spec: TaskSpec, old: TaskSpec | None = None) -> TaskSpec:
        """The spec with its layouts put in (operations.md 3.5: audio-only checks them, then has none)."""
        if spec.family is Family.LIVE or spec.mode is not Mode.MIX:
            return spec
        checked = old is not None and old.mode is Mode.MIX and old.mix.layout_ids == spec.mix.layout_ids
        find = look_up if checked else resolve
        layouts = await find(self._store, spec.app_id, spec.mix.layout_ids or DEFAULT_LAYOUT_IDS)
        return replace(spec, mix=replace(spec.mix, layouts=layouts if spec.video else ()))

    # What happens by itself: see `Tending`

    async def run(self) -> None:
        """Bring back what ran before, then live until cancelled."""
        await self._tending.run()

    async def tick(self, now: int) -> None:
        """Everything that the time does, and whatever news of a roster got lost."""
        await self._tending.tick(now)

    async def on_roster(self, channel: ChannelKey, _roster: Roster) -> None:
        """Somebody joined, left, published or stopped publishing."""
        await self._tending.on_roster(channel)

    async def on_report(self, report: WorkerReport) -> None:
        """A worker tells how its targets are doing."""
        await self._tending.on_report(report)

    async def on_channel_closed(self, channel: ChannelKey) -> None:
        """DeleteChannel was called."""
        await self._tending.on_channel_closed(channel)

    async def settled(self) -> None:
        """Wait until the engine follows all that is wanted."""
        await self._tending.steering.settled()


def _uses(spec: TaskSpec, layout_id: LayoutId) -> bool:
    return spec.mode is Mode.MIX and layout_id in spec.mix.layout_ids


def _sends_video(spec: TaskSpec) -> bool:
    return spec.relay.part is not RelayPart.AUDIO if spec.mode is Mode.RELAY else spec.video is not None
