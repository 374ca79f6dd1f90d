"""Whatever happens in whatever order: life goes one way, and a task never has two workers."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from openmpu.errors import Conflict, Invalid, NotFound
from openmpu.model.reports import WorkerReport
from openmpu.model.task import MOVES, Family, TaskState
from openmpu.store.sql import open_store
from tests.services.conftest import House
from tests.services.doubles import ACCOUNT, CHANNEL, key_of, report, url, user

NAMES = ("t1", "t2", "t3")
URLS = ("stream-a", "stream-b")
names, urls = st.sampled_from(NAMES), st.sampled_from(URLS)
families = st.sampled_from(list(Family))
states = st.sampled_from(["connecting", "pushing", "interrupted", "given_up", "ended", "nonsense"])

events = st.one_of(
    st.tuples(st.just("start"), names, urls, families),
    st.tuples(st.just("start"), names, urls, families),
    st.tuples(st.just("stop"), names),
    st.tuples(st.just("retarget"), names, urls),
    st.tuples(st.just("people"), st.booleans(), st.booleans()),
    st.tuples(st.just("people"), st.booleans(), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0, 1, 9, 11, 119, 121, 86_400, 31 * 86_400])),
    st.tuples(st.just("report"), names, states, st.sampled_from([0, 1002, 1004]), st.integers(-2, 1)),
    st.tuples(st.just("fails"), names, st.integers(-2, 1)),
    st.tuples(st.just("close")),
    st.tuples(st.just("engine stumbles"), st.integers(1, 7)),
    st.tuples(st.just("new server")),
)


class World:
    """A house, and what must hold in it after every event."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.run = asyncio.create_task(house.tasks.run())

    async def happen(self, event: tuple[object, ...]) -> None:
        what, *details = event
        with suppress(Conflict, NotFound, Invalid):
            await getattr(self, "do_" + str(what).replace(" ", "_"))(*details)
        await self.house.tasks.settled()
        await self.house.tasks.tick(self.house.clock.now())
        await self.house.tasks.settled()

    async def do_start(self, name: str, target: str, family: Family) -> None:
        await self.house.start(name, targets=(url(target),), family=family)

    async def do_stop(self, name: str) -> None:
        await self.house.tasks.stop(ACCOUNT, key_of(name))

    async def do_retarget(self, name: str, target: str) -> None:
        await self.house.tasks.update(ACCOUNT, key_of(name), lambda spec: replace(spec, targets=(url(target),)), {})

    async def do_people(self, somebody: bool, publishing: bool) -> None:
        await self.house.people(*([user("ann", publishing=publishing)] if somebody else []))

    async def do_wait(self, seconds: int) -> None:
        await self.house.wait(seconds)

    async def do_report(self, name: str, state: str, code: int, lease_off: int) -> None:
        spec, lease = self.house.engine.workers.get(key_of(name), (self.house.spec(name), 0))
        await self.house.tasks.on_report(report(key_of(name), lease + lease_off, (spec.targets[0], state, code)))

    async def do_fails(self, name: str, lease_off: int) -> None:
        _, lease = self.house.engine.workers.get(key_of(name), (None, 0))
        await self.house.tasks.on_report(WorkerReport(key_of(name), lease + lease_off, failed=(2001, "crashed")))

    async def do_close(self) -> None:
        await self.house.tasks.on_channel_closed(CHANNEL)

    async def do_engine_stumbles(self, times: int) -> None:
        self.house.engine.failing = times

    async def do_new_server(self) -> None:
        self.run.cancel()
        await asyncio.wait([self.run])
        self.house.tasks = self.house.service()
        self.run = asyncio.create_task(self.house.tasks.run())
        while not self.house.rests.is_set():
            await asyncio.sleep(0)
        self.house.rests.clear()

    async def check(self) -> None:
        """The engine has a worker for each task that should have one and for no other; moves follow the table."""
        stored = {record.spec.key: record for record in await self.house.store.tasks(unfinished=False)}
        running = {key for key, record in stored.items() if record.state is TaskState.RUNNING}
        classic = {key for key in running if stored[key].spec.family is Family.CLASSIC}
        assert classic <= self.house.engine.workers.keys() <= running
        for key, record in stored.items():
            assert await self.house.tasks.state(ACCOUNT, key) is record.state
            assert record.state.final == (record.ended_at is not None)
            if key in self.house.engine.workers:
                assert self.house.engine.workers[key][0] == record.spec
        wanted = [record.spec.targets[0].lock_key for record in stored.values() if not record.state.final]
        assert len(wanted) == len(set(wanted)), "two tasks with one URL"
        self.check_moves()

    def check_moves(self) -> None:
        last: dict[str, int] = {}
        for name, previous, state, _ in self.house.heard.moves:
            if previous is None:
                assert name not in last or TaskState(last[name]).final
                assert state in (0, 1)
            else:
                assert last[name] == previous
                assert TaskState(state) in MOVES[TaskState(previous)]
            last[name] = state


async def live_through(happenings: list[tuple[object, ...]]) -> None:
    """All of it, on a database in memory."""
    async with open_store("sqlite://") as store:
        world = World(House(store))
        try:
            for event in happenings:
                await world.happen(event)
                await world.check()
        finally:
            world.run.cancel()
            await asyncio.wait([world.run])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(events, min_size=1, max_size=25))
def test_any_order_of_events(happenings: list[tuple[object, ...]]) -> None:
    """Random events never leave the table and never make a second worker."""
    asyncio.run(live_through(happenings))
