"""Workers as real processes: brought back, taken over, ended; never two for one task."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import pytest

from openmpu.engines import local
from openmpu.engines.control import ControlServer
from openmpu.engines.crashes import Crashes, Measure
from openmpu.engines.ledger import Ledger
from openmpu.engines.local import LocalEngine
from openmpu.engines.nursery import Nursery
from openmpu.engines.pids import alive
from openmpu.errors import NotFound
from openmpu.model.codec import to_plain
from openmpu.model.ids import AppId, ChannelId, TaskId
from openmpu.model.task import TaskSpec
from openmpu.wire.callbacks import Speaker, VoiceReport

SPEC = TaskSpec(AppId("app"), ChannelId("room"), TaskId("one"))
pytestmark = pytest.mark.e2e


async def until(condition, within_s=10.0):
    """Wait for a condition of other processes; its value."""
    async with asyncio.timeout(within_s):
        while not (value := condition()):
            await asyncio.sleep(0.02)
        return value


class House:
    """A server as far as workers see it: engine, control socket, a store's leases."""

    def __init__(self, directory, grace_s=5.0):
        self.directory = directory
        self.leases: dict = {}
        self.reports: list = []
        path = directory / "control.sock"
        options = {"control_path": str(path), "grace_s": grace_s}
        self.ledger = Ledger(directory / "children")
        self.engine = LocalEngine(
            lambda exited: Nursery("tests.engines.small_worker:main", exited),
            self.ledger,
            options,
            self.next_lease,
            lambda channel: f"unix:/{channel.channel_id}",
        )
        self.voices: list = []
        self.engine.listen(self.heard, lambda *told: self.voices.append(told))
        self.control = ControlServer(path, {"worker": self.engine})

    async def next_lease(self, key):
        self.leases[key] = self.leases.get(key, 0) + 1
        return self.leases[key]

    async def heard(self, report):
        self.reports.append(report)

    async def start(self, spec=SPEC):
        await self.engine.start(spec, await self.next_lease(spec.key))

    def pid(self, spec=SPEC):
        """Of the worker that reported last, if it is alive."""
        report = self.engine.report(spec.key)
        pid = report and report.figures["pid"]
        return pid if pid and alive(pid) else None


@asynccontextmanager
async def a_house(directory, *, killed=False, **options):
    """A running house; `killed`: it vanishes like a server under kill -9, with its zygote, its workers live on."""
    house = House(directory, **options)
    async with AsyncExitStack() as stack:
        await house.control.start()
        running = asyncio.create_task(house.engine.run())
        stack.callback(running.cancel)
        await house.engine.settle()
        yield house
        if not killed:
            await house.engine.shut_down()
        await house.control.stop()
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_worker_runs_what_is_wanted_and_ends_when_it_is_not(tmp_path):
    """It gets the spec and the gateway's address; after stop its process is gone and forgotten."""
    async with a_house(tmp_path) as house:
        await house.start()
        pid = await until(house.pid)

        assert (await house.engine.ask(SPEC.key, "spec"))["channel_id"] == "room"
        assert house.engine.running() == [SPEC.key]

        await house.engine.stop(SPEC.key)
        await until(lambda: not alive(pid))
        await until(lambda: not house.ledger.living())
        with pytest.raises(NotFound):
            await house.engine.ask(SPEC.key, "spec")


async def test_who_spoke_is_told_with_task_and_channel(tmp_path):
    """As the worker told it; nonsense is told to nobody and harms nothing."""
    report = VoiceReport(500, (Speaker("ann", 180, 150, 420),), 17)
    async with a_house(tmp_path) as house:
        await house.start()
        await until(house.pid)
        await house.engine.ask(SPEC.key, "speak", report={"speakers": "nonsense"})
        await house.engine.ask(SPEC.key, "speak", report=to_plain(report))
        await until(lambda: house.voices)

        assert house.voices == [(SPEC.key, SPEC.channel_id, report)]


async def test_an_update_reaches_the_worker(tmp_path):
    """The very next thing it has is the new spec."""
    async with a_house(tmp_path) as house:
        await house.start()
        await until(house.pid)

        await house.engine.update(replace(SPEC, vad_interval_ms=500))

        assert (await house.engine.ask(SPEC.key, "spec"))["vad_interval_ms"] == 500


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_dead_or_frozen_worker_comes_back_with_a_higher_lease(tmp_path, how):
    """Another process, the next lease; the first one is gone for good."""
    async with a_house(tmp_path) as house:
        await house.start()
        first = await until(house.pid)

        os.kill(first, how)

        second = await until(lambda: house.pid() not in (None, first) and house.pid())
        assert not alive(first)
        await until(lambda: house.engine.report(SPEC.key).lease == 2)
        assert second != first


async def test_a_crash_loop_ends_with_a_reason(tmp_path, monkeypatch):
    """A task whose worker cannot live is given up, not restarted for ever (security.md S24)."""
    monkeypatch.setattr(local, "Crashes", lambda: Crashes((Measure(3, 60.0),)))
    poison = replace(SPEC, task_id=TaskId("crash"))
    async with a_house(tmp_path) as house:
        await house.start(poison)
        failed = await until(lambda: next((report.failed for report in house.reports if report.failed), None))

    assert failed[0] == 2001
    assert "status 3" in failed[1]


async def test_the_next_server_takes_the_worker_over(tmp_path):
    """The same process goes on under the new server; no second one is started."""
    async with a_house(tmp_path, killed=True) as house:
        await house.start()
        pid = await until(house.pid)
    assert alive(pid)

    async with a_house(tmp_path) as house:
        assert house.engine.running() == [SPEC.key]
        await house.engine.start(SPEC, 7)
        await until(lambda: house.pid() == pid and house.engine.report(SPEC.key).lease == 7)
        assert house.ledger.living() == [pid]
    assert not alive(pid)


async def test_a_worker_that_nobody_wants_any_more_is_ended(tmp_path):
    """The next server knows it as running, and can stop it without ever having wanted it."""
    async with a_house(tmp_path, killed=True) as house:
        await house.start()
        pid = await until(house.pid)

    async with a_house(tmp_path) as house:
        await house.engine.stop(SPEC.key)
        await until(lambda: not alive(pid))


async def test_without_a_server_a_worker_ends_after_its_grace_time(tmp_path):
    """Nothing of ours is left running for ever."""
    async with a_house(tmp_path, killed=True, grace_s=0.5) as house:
        await house.start()
        pid = await until(house.pid)

    await until(lambda: not alive(pid))


async def test_a_new_zygote_follows_a_dead_one(tmp_path):
    """Workers live on without it, and the next one is forked from its successor."""
    async with a_house(tmp_path) as house:
        await house.start()
        first = await until(house.pid)
        os.kill(house.engine._nursery._process.pid, signal.SIGKILL)

        other = replace(SPEC, task_id=TaskId("two"))
        await house.start(other)

        await until(lambda: house.pid(other))
        assert house.pid() == first
