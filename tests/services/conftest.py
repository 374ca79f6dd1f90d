"""A whole Tasks service on a real store in memory, with a clock set by hand."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from openmpu.model.encoder import VideoProfile
from openmpu.model.ids import AppId, ChannelId, ChannelKey, TaskId
from openmpu.model.roster import Roster, User
from openmpu.model.task import TaskSpec, TaskState
from openmpu.services.quotas import TaskLimits
from openmpu.services.tasks import Tasks
from openmpu.services.tending import TICK_S
from openmpu.store.sql import SqlStore, open_store
from tests.services.doubles import ACCOUNT, CHANNEL, FakeEngine, FakeGateways, HeardEvents, ManualClock, key_of, url

VIDEO = VideoProfile(1280, 720, 25, 1500, 50)


@dataclass
class House:
    """The service and all that is around it."""

    store: SqlStore
    clock: ManualClock = field(default_factory=ManualClock)
    engine: FakeEngine = field(default_factory=FakeEngine)
    gateways: FakeGateways = field(default_factory=FakeGateways)
    heard: HeardEvents = field(default_factory=HeardEvents)
    limits: TaskLimits = field(default_factory=TaskLimits)

    def __post_init__(self) -> None:
        self.tasks = self.service()
        self.rests = asyncio.Event()

    def service(self) -> Tasks:
        """A service, as a new server process has it."""
        return Tasks(self.store, self.engine, self.gateways, self.heard, self.clock, self.limits, self._rest)

    async def _rest(self, seconds: float) -> None:
        """Pauses of the engine's hand pass at once; the loop of the life itself stands still: tests tick by hand."""
        if seconds == TICK_S:
            self.rests.set()
            await asyncio.Event().wait()

    def spec(self, task_id: str = "t1", **changes: Any) -> TaskSpec:
        """A task that mixes `room` to a URL of its own."""
        defaults = {
            "app_id": AppId("app"),
            "channel_id": ChannelId("room"),
            "task_id": TaskId(task_id),
            "targets": (url(task_id),),
            "video": VIDEO,
        }
        return TaskSpec(**{**defaults, **changes})

    async def start(self, task_id: str = "t1", **changes: Any) -> None:
        await self.tasks.start(ACCOUNT, self.spec(task_id, **changes), {"TaskId": task_id})
        await self.tasks.settled()

    async def state(self, task_id: str = "t1") -> TaskState:
        return await self.tasks.state(ACCOUNT, key_of(task_id))

    async def people(self, *users: User, channel: ChannelKey = CHANNEL) -> None:
        """Exactly these are in the channel now."""
        self.gateways.rosters[channel] = Roster.of(*users)
        await self.tasks.on_roster(channel, self.gateways.rosters[channel])
        await self.tasks.settled()

    async def wait(self, seconds: float) -> None:
        """Time passes, in one step."""
        await self.tasks.tick(self.clock.go(seconds))
        await self.tasks.settled()

    def lease(self, task_id: str = "t1") -> int:
        return self.engine.workers[key_of(task_id)][1]


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """A running service on a database file."""
    async with open_store(f"sqlite:///{tmp_path}/openmpu.db") as store:
        house = House(store)
        life = asyncio.create_task(house.tasks.run())
        await asyncio.sleep(0)
        yield house
        life.cancel()
        await asyncio.wait([life])
