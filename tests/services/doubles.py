"""Hand-written doubles for the ports of the services: they keep what they were told and obey the ports' words."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from openmpu.errors import NotFound
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TaskId, TaskKey, TrackId, UserId
from openmpu.model.reports import Publication, TargetReport, WorkerReport
from openmpu.model.roster import Kind, Roster, Source, Track, User
from openmpu.model.task import TaskSpec, TaskState
from openmpu.model.urls import IngestUrl
from openmpu.services.accounts import AccessKey, Account, App
from openmpu.services.ports import Notice, TargetEvent, TaskRecord

SECOND = 10**9
START = 1_700_000_000 * SECOND

ACCOUNT = Account(
    "demo",
    (AccessKey("testid", "testsecret"),),
    (
        App(AppId("app"), ("appkey",), "cbsecret"),
        App(AppId("app2"), ("appkey2",)),
        App(AppId("off"), ("k",), enabled=False),
    ),
)
STRANGER = Account("stranger", (AccessKey("otherid", "othersecret"),), (App(AppId("foreign"), ("foreignkey",)),))

CHANNEL = ChannelKey(AppId("app"), ChannelId("room"))


class ManualClock:
    """A clock that goes only when it is told to."""

    def __init__(self) -> None:
        self.time = START

    def now(self) -> int:
        return self.time

    def go(self, seconds: float) -> int:
        self.time += round(seconds * SECOND)
        return self.time


class FakeEngine:
    """Workers as entries of a dict. It checks what must never be: two workers for one task, a lease that falls."""

    def __init__(self) -> None:
        self.workers: dict[TaskKey, tuple[TaskSpec, int]] = {}
        self.leases: dict[TaskKey, int] = {}
        self.log: list[tuple[str, TaskKey]] = []
        self.texts: list[tuple[TaskKey, str]] = []
        self.failing = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def _work(self, what: str, key: TaskKey) -> None:
        await self.gate.wait()
        self.log.append((what, key))
        if self.failing:
            self.failing -= 1
            raise RuntimeError("the engine is out of order")

    async def start(self, spec: TaskSpec, lease: int) -> None:
        await self._work("start", spec.key)
        assert lease > self.leases.get(spec.key, 0), "a lease was given out twice"
        self.leases[spec.key] = lease
        self.workers[spec.key] = (spec, lease)

    async def update(self, spec: TaskSpec) -> None:
        await self._work("update", spec.key)
        if spec.key not in self.workers:
            raise NotFound("task", "no worker")
        self.workers[spec.key] = (spec, self.workers[spec.key][1])

    async def stop(self, key: TaskKey) -> None:
        await self._work("stop", key)
        self.workers.pop(key, None)

    async def inject_sei(self, key: TaskKey, text: str) -> None:
        self.texts.append((key, text))

    def report(self, key: TaskKey) -> WorkerReport | None:
        return None

    def running(self) -> Sequence[TaskKey]:
        return list(self.workers)


class FakeGateways:
    """Rosters as they are put in."""

    def __init__(self) -> None:
        self.rosters: dict[ChannelKey, Roster] = {}
        self.published: list[tuple[ChannelKey, UserId, Source, str]] = []

    def roster(self, channel: ChannelKey) -> Roster:
        return self.rosters.get(channel, Roster())

    def channels(self, app_id: AppId) -> Sequence[ChannelId]:
        return [key.channel_id for key, roster in self.rosters.items() if key.app_id == app_id and roster.users]

    async def publish(self, channel: ChannelKey, user_id: UserId, source: Source, offer: str) -> Publication:
        self.published.append((channel, user_id, source, offer))
        return Publication("resource", "answer", "etag")

    async def trickle(self, resource: str, fragment: str, etag: str | None) -> Publication:
        return Publication(resource, "", etag or "")

    async def unpublish(self, resource: str) -> None:
        return None

    async def remove_user(self, channel: ChannelKey, user_id: UserId) -> bool:
        users = self.roster(channel).users
        self.rosters[channel] = Roster.of(*(user for user in users if user.user_id != user_id))
        return len(self.rosters[channel].users) < len(users)

    async def close_channel(self, channel: ChannelKey) -> None:
        self.rosters.pop(channel, None)


class HeardEvents:
    """A TaskListener that writes down what it hears."""

    def __init__(self) -> None:
        self.moves: list[tuple[str, int | None, int, int]] = []
        self.targets: list[tuple[str, int, int]] = []

    def task_moved(self, record: TaskRecord, previous: TaskState | None, at: int) -> None:
        before = None if previous is None else int(previous)
        self.moves.append((record.spec.task_id, before, int(record.state), record.end_code))

    def target_changed(self, record: TaskRecord, event: TargetEvent, at: int) -> None:
        self.targets.append((event.url.public, event.code, event.error_code))

    def news(self, record: TaskRecord, previous: TaskState, events: Sequence[TargetEvent], at: int) -> Sequence[Notice]:
        told = ({"told": (event.url.public, event.code, event.error_code)} for event in events)
        key, channel_id = record.spec.key, record.spec.channel_id
        return [Notice(key, channel_id, 1, payload, f"{at} {place}") for place, payload in enumerate(told)]

    def changed(self, record: TaskRecord, previous: TaskState, news: Sequence[Notice]) -> None:
        self.targets += [notice.payload["told"] for notice in news]
        if record.state is not previous:
            self.task_moved(record, previous, 0)

    async def kept(self) -> None:
        return None


def key_of(task_id: str, app_id: str = "app") -> TaskKey:
    return TaskKey(AppId(app_id), TaskId(task_id))


def user(name: str, *, joined_at: int = START, publishing: bool = True, channel: str = "room") -> User:
    track = Track(TrackId(f"{name}-v"), Kind.VIDEO, Source.CAMERA, "h264", joined_at)
    return User(ChannelId(channel), UserId(name), joined_at, (track,) if publishing else ())


def url(name: str = "s1", query: str = "") -> IngestUrl:
    return IngestUrl.parse(f"rtmp://cdn.example/live/{name}{query}")


def report(key: TaskKey, lease: int, *states: tuple[IngestUrl, str, int]) -> WorkerReport:
    """A report of a worker about its targets: (url, state, error code) in the order of the spec."""
    targets = [
        TargetReport(target.redacted, place, state, error_code=code, last_error="refused" if code else "")
        for place, (target, state, code) in enumerate(states)
    ]
    return WorkerReport(key, lease, tuple(targets))
