"""What moves tasks by themselves, and the one way in which any task is changed (operations.md 2.2).

One change of one task at a time (`Book.holding`); each is saved before anybody hears of it. The engine is only ever
told what is wanted (`Steering`), so a slow engine holds up nothing here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import reduce

import structlog

from openmpu.errors import Conflict, NotFound
from openmpu.model.ids import ChannelKey, TaskKey
from openmpu.model.reports import WorkerReport
from openmpu.model.roster import Roster
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services import life
from openmpu.services.book import Book
from openmpu.services.ports import Clock, Engine, Gateways, Store, TargetEvent, TaskListener, TaskRecord
from openmpu.services.quotas import SECOND, TaskLimits
from openmpu.services.steering import Steering
from openmpu.services.targets import GIVEN_UP, TargetWatch

TICK_S = 0.5
SWEEP_EVERY = 60 * SECOND

_log = structlog.get_logger()


class Tending:
    """The unfinished tasks and all that happens to them; see `Tasks` for the arguments."""

    def __init__(
        self,
        store: Store,
        engine: Engine,
        gateways: Gateways,
        notices: TaskListener,
        clock: Clock,
        limits: TaskLimits,
        pause: Callable[[float], Awaitable[None]],
    ) -> None:
        self._store, self._engine, self._gateways = store, engine, gateways
        self._notices, self._clock, self._limits, self._pause = notices, clock, limits, pause
        self.book = Book()
        self.steering = Steering(engine, self._next_lease, self._engine_gave_up, pause)
        self._leases: dict[TaskKey, int] = {}
        self._watches: dict[TaskKey, TargetWatch] = {}
        self._swept_at: int | None = None

    # The life of the service

    async def run(self) -> None:
        """Bring back what ran before, then live until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.steering.run())
            await self.reconcile()
            while True:
                await self._pause(TICK_S)
                await self.tick(self._clock.now())

    async def reconcile(self) -> None:
        """Take up the unfinished tasks of the store; end workers that nobody wants."""
        now = self._clock.now()
        for record in await self._store.tasks(unfinished=True):
            async with self.book.holding(record.spec.key):
                await self._resume(record, now)
        for key in self._engine.running():
            if self.book.get(key) is None:
                _log.warning("a worker without a task; ended", task=str(key))
                self.steering.end_stray(key)

    async def _resume(self, record: TaskRecord, now: int) -> None:
        state = await self._store.task_state(record.spec.key)
        if self.book.get(record.spec.key) or state is None or state.final:
            return  # begun or ended by a call while the list was read
        record = life.resume(record, self._limits, now)
        self._adopt(record)
        self._steer(record, self.presence(record.spec), had_worker=record.lease > 0)

    async def tick(self, now: int) -> None:
        """Everything that the time does, and whatever news of a roster got lost."""
        for record in self.book.all():
            await self._guarded(record.spec.key, self._look(record.spec.key, now))
        if self._swept_at is None or abs(now - self._swept_at) >= SWEEP_EVERY:
            self._swept_at = now
            await self._guarded(None, self._sweep(now))

    async def _sweep(self, now: int) -> None:
        await self._store.drop_tasks_ended_before(now - self._limits.kept)
        await self._store.drop_urls_released_before(now - self._limits.cooling)
        await self._store.drop_deliveries(now - self._limits.deliveries_kept, self._limits.most_deliveries)

    async def _guarded(self, key: TaskKey | None, job: Awaitable[None]) -> None:
        """A failure with one task must not end the life of the others; the next tick tries again."""
        try:
            await job
        except Exception:  # noqa: BLE001 - told by the log; see above
            _log.exception("could not follow a task's life", task=str(key))

    # News

    async def on_roster(self, channel: ChannelKey) -> None:
        """Somebody joined, left, published or stopped publishing; who is there now is asked of the gateways."""
        now = self._clock.now()
        for key in self.book.in_channel(channel):
            await self._guarded(key, self._look(key, now))

    async def _look(self, key: TaskKey, now: int) -> None:
        """Who is there, and what the time says."""
        async with self.book.holding(key):
            record = self.book.get(key)
            if record is None:
                return
            seen = self.presence(record.spec)
            new = life.pass_time(life.observe(record, seen, now), self._limits, now)
            await self.change(record, new, now)
            self._steer(new, seen)

    async def on_report(self, report: WorkerReport) -> None:
        """A worker tells how its targets are doing; a superseded one is not listened to."""
        async with self.book.holding(report.key):
            record = self.book.get(report.key)
            lease = self._leases.get(report.key)
            if record is None or lease is None or report.lease < lease:
                return
            self._leases[report.key] = report.lease
            await self._guarded(report.key, self._take_report(record, report, self._clock.now()))

    async def _take_report(self, record: TaskRecord, report: WorkerReport, now: int) -> None:
        watch = self._watches[record.spec.key]
        events = watch.take(report.targets, now)
        self._tell(record, events, now)
        if report.failed:
            await self.change(record, life.fail(record, *report.failed, now), now)
        elif watch.all_given_up:
            last = next((event for event in reversed(events) if event.code == GIVEN_UP), None)
            code, reason = (last.error_code, last.message) if last else (0, "")
            await self.change(record, life.fail(record, code, reason, now), now)

    async def on_channel_closed(self, channel: ChannelKey) -> None:
        """DeleteChannel: its running tasks end at once, waiting ones stay (operations.md 10.6)."""
        now = self._clock.now()
        for key in self.book.in_channel(channel):
            async with self.book.holding(key):
                record = self.book.get(key)
                if record and record.state is TaskState.RUNNING and record.spec.channel_id == channel.channel_id:
                    await self.change(record, life.end(record, TaskState.CHANNEL_ENDED, now), now)

    # Changing a task: by whoever holds it

    async def unfinished(self, key: TaskKey) -> TaskRecord:
        """The task of that key, out of the book or, before it was taken up, out of the store.

        Raises:
            NotFound: `task`.
            Conflict: `task`/`not_running`: it is over.
        """
        record = self.book.get(key)
        if record:
            return record
        record = await self._store.task(key)
        if record is None:
            raise NotFound("task", f"no task {key.task_id}")
        if record.state.final:
            raise Conflict("task", "not_running", f"task {key.task_id} is over")
        self._adopt(record)
        return record

    async def begin(self, record: TaskRecord, seen: life.Presence, now: int) -> None:
        """Take a task that was just put into the store."""
        self._adopt(record)
        self._notices.task_moved(record, None, now)
        self._steer(record, seen)
        await self._notices.kept()

    async def change(self, old: TaskRecord, new: TaskRecord, now: int) -> None:
        """Save the new record, then let everybody know.

        Raises:
            Conflict: `ingest_url`: a new target is in use or cooling down; nothing was changed.
        """
        if new == old:
            return
        news = self._notices.news(new, old.state, self._leaving(new), now)
        if news:
            await self._notices.kept()  # what happened before stands before it in the store
        await self._store.save_task(new, self._limits.cooling, now, news)
        self.book.put(new)
        if new.state.final:
            self._leave(new.spec.key)
        elif new.spec != old.spec:
            self._watches[new.spec.key].change(new.spec.targets)
            self._steer(new, self.presence(new.spec))
        if new.state is not old.state:
            _log.info("task moved", task=str(new.spec.key), state=new.state.name, code=new.end_code)
        self._notices.changed(new, old.state, news)

    def presence(self, spec: TaskSpec) -> life.Presence:
        """Who is in the task's channels."""
        rosters = (self._gateways.roster(ChannelKey(spec.app_id, channel_id)) for channel_id in spec.channels)
        return life.presence(spec, reduce(Roster.merged, rosters))

    def _adopt(self, record: TaskRecord) -> None:
        self.book.put(record)
        self._watches[record.spec.key] = TargetWatch(record.spec.targets)

    def _leave(self, key: TaskKey) -> None:
        self.steering.drop(key)
        self._leases.pop(key, None)
        self._watches.pop(key, None)

    def _leaving(self, new: TaskRecord) -> Sequence[TargetEvent]:
        """The targets that end with this change."""
        watch = self._watches.get(new.spec.key)
        return watch.leaving(() if new.state.final else new.spec.targets) if watch else ()

    def _tell(self, record: TaskRecord, events: Sequence[TargetEvent], now: int) -> None:
        for event in events:
            self._notices.target_changed(record, event, now)

    # The engine

    def _steer(self, record: TaskRecord, seen: life.Presence, *, had_worker: bool = False) -> None:
        had_one = had_worker or self.steering.wants(record.spec.key)
        if life.needs_worker(record, seen, had_one=had_one):
            self.steering.want(record.spec)

    async def _next_lease(self, key: TaskKey) -> int:
        lease = await self._store.next_lease(key)
        if self.book.get(key):
            self._leases[key] = lease
        return lease

    async def _engine_gave_up(self, key: TaskKey, reason: str) -> None:
        async with self.book.holding(key):
            record = self.book.get(key)
            now = self._clock.now()
            if record:
                await self._guarded(key, self.change(record, life.fail(record, life.ENGINE_FAILED, reason, now), now))
