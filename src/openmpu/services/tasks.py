"""Tasks: start, update, stop, read, and everything that moves them by itself (operations.md 2).

One change of one task at a time (`Book.holding`); each is saved before anybody hears of it. The engine is only ever
told what is wanted (`Steering`), so a slow engine delays no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from typing import Any

import structlog

from openmpu.errors import Conflict, Invalid, NotFound
from openmpu.model.ids import AppId, ChannelKey, LayoutId, TaskId, TaskKey
from openmpu.model.layouts import DEFAULT_LAYOUT_IDS, LAST_BUILT_IN_ID
from openmpu.model.reports import WorkerReport
from openmpu.model.roster import Roster
from openmpu.model.task import Family, Mode, RelayPart, TaskSpec, TaskState
from openmpu.services import life
from openmpu.services.accounts import Account
from openmpu.services.book import Book
from openmpu.services.layouts import resolve
from openmpu.services.ports import Clock, Engine, Gateways, Store, TargetEvent, TaskListener, TaskRecord
from openmpu.services.quotas import SECOND, TaskLimits, quota_of
from openmpu.services.steering import Steering
from openmpu.services.targets import GIVEN_UP, TargetWatch

TICK_S = 0.5
SWEEP_EVERY = 60 * SECOND

_log = structlog.get_logger()


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
    """

    def __init__(
        self,
        store: Store,
        engine: Engine,
        gateways: Gateways,
        notices: TaskListener,
        clock: Clock,
        limits: TaskLimits,
        pause: Callable[[float], Any] = asyncio.sleep,
    ) -> None:
        self._store, self._engine, self._gateways = store, engine, gateways
        self._notices, self._clock, self._limits, self._pause = notices, clock, limits, pause
        self._book = Book()
        self._steering = Steering(engine, self._next_lease, self._engine_gave_up, pause)
        self._leases: dict[TaskKey, int] = {}
        self._watches: dict[TaskKey, TargetWatch] = {}
        self._layout_gate = asyncio.Lock()
        self._swept_at: int | None = None

    # What callers ask for

    async def start(self, account: Account, spec: TaskSpec, request: dict[str, Any]) -> None:
        """Accept a new task. Whether its push works is told later, by its state and its events (operations.md 2.6).

        Raises:
            NotFound: `app`.
            Denied: `app`: it is disabled.
            Conflict: `task`/`exists`; `ingest_url`/`in_use` or `cooling_down`.
            Invalid: `layouts`; `channel`: Live-2 into a channel that nobody is in.
            Limited: `tasks`.
        """
        account.enabled_app(spec.app_id)
        async with self._gate(spec), self._book.holding(spec.key):
            state = await self._state(spec.key)
            if state is not None and not state.final:
                raise Conflict("task", "exists", f"task {spec.task_id} exists already")
            await self._begin(account, spec, request, self._clock.now())

    async def _begin(self, account: Account, spec: TaskSpec, request: dict[str, Any], now: int) -> None:
        seen = self._presence(spec)
        if spec.family is Family.LIVE and not seen.somebody:
            raise Invalid("channel", f"channel not exist: nobody is in {spec.channel_id}")
        record = life.begin(await self._resolved(spec), account.name, request, seen, now)
        await self._store.add_task(record, self._limits.cooling, quota_of(spec, account.name, self._limits))
        self._adopt(record)
        self._notices.task_moved(record, None, now)
        self._steer(record, seen)

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
        async with self._layout_gate, self._book.holding(key):
            old = await self._unfinished(key)
            spec = await self._resolved(change(old.spec))
            new = replace(old, spec=spec, request={**old.request, **request})
            await self._change(old, new, self._clock.now())

    async def stop(self, account: Account, key: TaskKey) -> None:
        """End a task in state 3; one that is over already stays as it is.

        Raises:
            NotFound: `app`, `task`.
        """
        account.app(key.app_id)
        async with self._book.holding(key):
            record = self._book.get(key) or await self._store.task(key)
            if record is None:
                raise NotFound("task", f"no task {key.task_id}")
            now = self._clock.now()
            await self._change(record, life.end(record, TaskState.STOPPED_BY_USER, now), now)

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
        record = await self._unfinished(key)
        if not _sends_video(record.spec):
            raise Conflict("task", "no_video", f"task {key.task_id} sends no video")
        if record.state is not TaskState.RUNNING or not self._steering.wants(key):
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
        record = self._book.get(key) or await self._store.task(key)
        if record is None:
            raise NotFound("task", f"no task {key.task_id}")
        return record

    # What happens by itself

    async def run(self) -> None:
        """Bring back what ran before, then live until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._steering.run())
            await self.reconcile()
            while True:
                await self._pause(TICK_S)
                await self.tick(self._clock.now())

    async def reconcile(self) -> None:
        """Take up the unfinished tasks of the store; end workers that nobody wants."""
        now = self._clock.now()
        for record in await self._store.tasks(unfinished=True):
            async with self._book.holding(record.spec.key):
                await self._resume(record, now)
        for key in self._engine.running():
            if self._book.get(key) is None:
                _log.warning("a worker without a task; ended", task=str(key))
                await self._engine.stop(key)

    async def _resume(self, record: TaskRecord, now: int) -> None:
        key = record.spec.key
        state = await self._store.task_state(key)
        if self._book.get(key) or state is None or state.final:
            return  # begun or ended by a call while the list was read
        record = life.resume(record, now)
        self._adopt(record)
        if record.state is TaskState.RUNNING:
            self._steer(record, self._presence(record.spec), had_worker=record.lease > 0)

    async def tick(self, now: int) -> None:
        """Everything that the time does, and whatever news of a roster got lost."""
        for record in self._book.all():
            await self._guarded(record.spec.key, self._look(record.spec.key, now))
        if self._swept_at is None or abs(now - self._swept_at) >= SWEEP_EVERY:
            self._swept_at = now
            await self._guarded(None, self._sweep(now))

    async def on_roster(self, channel: ChannelKey, roster: Roster) -> None:
        """Somebody joined, left, published or stopped publishing."""
        now = self._clock.now()
        for key in self._book.in_channel(channel):
            await self._guarded(key, self._look(key, now, {channel: roster}))

    async def on_report(self, report: WorkerReport) -> None:
        """A worker tells how its targets are doing; a superseded one is not listened to."""
        async with self._book.holding(report.key):
            record = self._book.get(report.key)
            lease = self._leases.get(report.key)
            if record is None or lease is None or report.lease < lease:
                return
            self._leases[report.key] = report.lease
            await self._guarded(report.key, self._take_report(record, report, self._clock.now()))

    async def on_channel_closed(self, channel: ChannelKey) -> None:
        """DeleteChannel: its running tasks end at once, waiting ones stay (operations.md 10.6)."""
        now = self._clock.now()
        for key in self._book.in_channel(channel):
            async with self._book.holding(key):
                record = self._book.get(key)
                if record and record.state is TaskState.RUNNING and record.spec.channel_id == channel.channel_id:
                    await self._change(record, life.end(record, TaskState.CHANNEL_ENDED, now), now)

    async def layout_changed(self, app_id: AppId, layout_id: LayoutId) -> None:
        """A custom layout has other panes now."""
        for key in await self._users_of(app_id, layout_id):
            await self._guarded(key, self._refresh_layouts(key))

    async def layout_deleted(self, app_id: AppId, layout_id: LayoutId) -> None:
        """A custom layout is gone: the tasks that use it end (operations.md 5.2)."""
        now = self._clock.now()
        for key in await self._users_of(app_id, layout_id):
            async with self._book.holding(key):
                record = self._book.get(key)
                if record and _uses(record.spec, layout_id):
                    reason = f"layout {layout_id} was deleted"
                    await self._change(record, life.fail(record, life.LAYOUT_DELETED, reason, now), now)

    async def settled(self) -> None:
        """Wait until the engine follows all that is wanted."""
        await self._steering.settled()

    # Inside

    def _gate(self, spec: TaskSpec) -> AbstractAsyncContextManager[None]:
        """Between reading custom layouts and being in the book none of them may change unseen."""
        custom = any(number > LAST_BUILT_IN_ID for number in spec.mix.layout_ids)
        return self._layout_gate if custom else nullcontext()

    async def _users_of(self, app_id: AppId, layout_id: LayoutId) -> Sequence[TaskKey]:
        async with self._layout_gate:
            records = self._book.all()
        return [record.spec.key for record in records if record.spec.app_id == app_id and _uses(record.spec, layout_id)]

    async def _refresh_layouts(self, key: TaskKey) -> None:
        async with self._book.holding(key):
            record = self._book.get(key)
            if record:
                spec = await self._resolved(record.spec)
                await self._change(record, replace(record, spec=spec), self._clock.now())

    async def _resolved(self, spec: TaskSpec) -> TaskSpec:
        """The spec with its layouts put in (operations.md 3.5: audio-only checks them, then has none)."""
        if spec.family is Family.LIVE or spec.mode is not Mode.MIX:
            return spec
        layouts = await resolve(self._store, spec.app_id, spec.mix.layout_ids or DEFAULT_LAYOUT_IDS)
        return replace(spec, mix=replace(spec.mix, layouts=layouts if spec.video else ()))

    async def _state(self, key: TaskKey) -> TaskState | None:
        record = self._book.get(key)
        return record.state if record else await self._store.task_state(key)

    async def _unfinished(self, key: TaskKey) -> TaskRecord:
        record = self._book.get(key)
        if record:
            return record
        record = await self._store.task(key)
        if record is None:
            raise NotFound("task", f"no task {key.task_id}")
        if record.state.final:
            raise Conflict("task", "not_running", f"task {key.task_id} is over")
        self._adopt(record)
        return record

    def _adopt(self, record: TaskRecord) -> None:
        self._book.put(record)
        self._watches[record.spec.key] = TargetWatch(record.spec.targets)

    def _presence(self, spec: TaskSpec, news: dict[ChannelKey, Roster] | None = None) -> life.Presence:
        roster = Roster()
        for channel in (ChannelKey(spec.app_id, channel_id) for channel_id in spec.channels):
            roster = roster.merged((news or {}).get(channel) or self._gateways.roster(channel))
        return life.presence(spec, roster)

    async def _look(self, key: TaskKey, now: int, news: dict[ChannelKey, Roster] | None = None) -> None:
        """Who is there, and what the time says."""
        async with self._book.holding(key):
            record = self._book.get(key)
            if record is None:
                return
            seen = self._presence(record.spec, news)
            new = life.pass_time(life.observe(record, seen, now), self._limits, now)
            await self._change(record, new, now)
            self._steer(new, seen)

    async def _take_report(self, record: TaskRecord, report: WorkerReport, now: int) -> None:
        watch = self._watches[record.spec.key]
        events = watch.take(report.targets, now)
        for event in events:
            self._notices.target_changed(record, event, now)
        if report.failed:
            await self._change(record, life.fail(record, *report.failed, now), now)
        elif watch.all_given_up:
            last = next((event for event in reversed(events) if event.code == GIVEN_UP), None)
            if last:
                await self._change(record, life.fail(record, last.error_code, last.message, now), now)

    async def _change(self, old: TaskRecord, new: TaskRecord, now: int) -> None:
        """Save the new record, then let everybody know."""
        if new == old:
            return
        await self._store.save_task(new, self._limits.cooling, now)
        self._book.put(new)
        if new.state.final:
            self._leave(new, now)
        elif new.spec != old.spec:
            self._tell(new, self._watches[new.spec.key].change(new.spec.targets), now)
            self._steer(new, self._presence(new.spec))
        if new.state is not old.state:
            _log.info("task moved", task=str(new.spec.key), state=new.state.name, code=new.end_code)
            self._notices.task_moved(new, old.state, now)

    def _leave(self, record: TaskRecord, now: int) -> None:
        key = record.spec.key
        self._steering.drop(key)
        self._leases.pop(key, None)
        watch = self._watches.pop(key, None)
        if watch:
            self._tell(record, watch.end(), now)

    def _tell(self, record: TaskRecord, events: Sequence[TargetEvent], now: int) -> None:
        for event in events:
            self._notices.target_changed(record, event, now)

    def _steer(self, record: TaskRecord, seen: life.Presence, *, had_worker: bool = False) -> None:
        key = record.spec.key
        if life.needs_worker(record, seen, had_one=had_worker or self._steering.wants(key)):
            self._steering.want(record.spec)

    async def _next_lease(self, key: TaskKey) -> int:
        lease = await self._store.next_lease(key)
        if self._book.get(key):
            self._leases[key] = lease
        return lease

    async def _engine_gave_up(self, key: TaskKey, reason: str) -> None:
        async with self._book.holding(key):
            record = self._book.get(key)
            now = self._clock.now()
            if record:
                await self._guarded(key, self._change(record, life.fail(record, life.ENGINE_FAILED, reason, now), now))

    async def _sweep(self, now: int) -> None:
        await self._store.drop_tasks_ended_before(now - self._limits.kept)
        await self._store.drop_urls_released_before(now - self._limits.cooling)
        await self._store.drop_deliveries(now - self._limits.deliveries_kept, self._limits.most_deliveries)

    async def _guarded(self, key: TaskKey | None, job: Any) -> None:
        """A failure with one task must not end the life of the others; the next tick tries again."""
        try:
            await job
        except Exception:  # noqa: BLE001 - told by the log; see above
            _log.exception("could not follow a task's life", task=str(key))


def _uses(spec: TaskSpec, layout_id: LayoutId) -> bool:
    return spec.mode is Mode.MIX and layout_id in spec.mix.layout_ids


def _sends_video(spec: TaskSpec) -> bool:
    return spec.relay.part is not RelayPart.AUDIO if spec.mode is Mode.RELAY else spec.video is not None
