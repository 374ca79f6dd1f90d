"""Troubles of docs/troubles.md in a running server: T30, T40, T43."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import psutil
import pytest

from tests.e2e.steps import ALICE, BOB, enter, received, receiving, until
from tests.rig.processes import Rig, rig

pytestmark = pytest.mark.e2e


async def test_t30_a_task_is_no_participant(tmp_path: Path) -> None:
    """Who reads a channel is not in it: neither in its lists nor in the task's own picture, also after a new worker."""
    async with rig(tmp_path) as house, receiving() as cdn:
        await enter(house, ALICE)
        await house.start_task("one", cdn.url)
        await received(cdn, 1)
        await _alone(house)
        psutil.Process(house.pids("worker rigapp/one")[0]).kill()
        await until(lambda: cdn.figures().connects == 2, "the next worker pushes")
        await _alone(house)


async def _alone(house: Rig) -> None:
    people = (await house.call("DescribeChannelUsers", ChannelId="room")).value()
    assert people["InteractiveUserList"] == ["alice"]
    assert people["LiveUserNum"] == people["CommTotalNum"] == 0
    await until(lambda: _users_are(house, 1), "the task shows one user")


async def _users_are(house: Rig, count: int) -> bool:
    return (await house.task("one"))["figures"].get("users") == count


async def test_t40_an_idle_server_costs_next_to_nothing(tmp_path: Path) -> None:
    """After people and tasks have gone, all processes together use less than 3 % of a core (measured: below 1 %)."""
    async with rig(tmp_path) as house, receiving() as cdn:
        publishers = [await enter(house, person) for person in (ALICE, BOB)]
        await house.start_task("one", cdn.url)
        await received(cdn, 1)
        await house.call("StopMPUTask", TaskId="one")
        for publisher in publishers:
            await publisher.stop()
        await until(lambda: not house.pids("openmpu: worker"), "the worker ended")

        processes = [psutil.Process(pid) for pid in house.pids("openmpu: ")]
        before, began = _cpu_seconds(processes), time.monotonic()
        await asyncio.sleep(5)
        share = (_cpu_seconds(processes) - before) / (time.monotonic() - began)
    assert len(processes) == 3
    assert share < 0.03


def _cpu_seconds(processes: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def test_t36_a_full_machine_takes_no_more(tmp_path: Path) -> None:
    """With `limits.max_load` the first task is taken, and the next, that would hurt it, refused with a clear code."""
    async with rig(tmp_path, limits="max_load = 0.01") as house:
        first = await house.start_task("first", "rtmp://127.0.0.1:1/live/a")
        second = await house.start_task("second", "rtmp://127.0.0.1:1/live/b")

        assert first.status == 200, first.text
        assert (second.status, second.code) == (503, "ServiceUnavailable"), second.text
        assert "limits.max_load" in second.text
        assert (await house.call("GetMPUTaskStatus", TaskId="first")).status == 200
        assert (await house.call("GetMPUTaskStatus", TaskId="second")).code == "InvalidTask.NotFound"


async def test_t43_a_burst_of_starts_is_answered(tmp_path: Path) -> None:
    """Two hundred at once: each is accepted or refused with a code, none is lost or left waiting."""
    limits = 'tasks_per_account = 150\nrates = { StartMPUTask = "1000/second" }'
    async with rig(tmp_path, limits=limits) as house:
        starts = [house.start_task(f"t{n}", f"rtmp://127.0.0.1:1/live/{n}", channel=f"c{n}") for n in range(200)]
        began = time.monotonic()
        answers = await asyncio.gather(*starts)
        took = time.monotonic() - began
        codes = [answer.code for answer in answers]
        assert codes.count("QuotaExceeded.MPUTask") == 50
        assert codes.count("") == 150
        assert took < 15, f"{took:.1f} s; 1 s on a machine that does nothing else"
