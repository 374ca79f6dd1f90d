"""What dies comes back by itself, nothing else is disturbed, nothing is left running."""

import asyncio
import contextlib
import os
import signal
import socket

import psutil
import pytest

from tests.e2e.steps import ALICE, enter, received, receiving, until
from tests.rig.analysis import Recording
from tests.rig.nginx_rtmp import nginx_rtmp
from tests.rig.packets import SECOND
from tests.rig.processes import rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180), pytest.mark.asyncio(loop_scope="package")]


async def test_a_killed_worker_is_replaced(house, tmp_path):
    """The same stream goes on from another process, with a key frame first; the other task loses no frame."""
    saved, other = tmp_path / "one.flv", tmp_path / "two.flv"
    async with receiving(saved) as cdn, receiving(other) as cdn2:
        await enter(house, ALICE)
        await house.start_task("one", cdn.url)
        await house.start_task("two", cdn2.url, MediaEncode=1)
        await received(cdn, 2)

        os.kill(house.pids("worker rigapp/one")[0], signal.SIGKILL)
        await until(lambda: cdn.figures().connects == 2, "the next worker pushes", within_s=5)
        await received(cdn, 2)
        assert (await house.task("one"))["lease"] == 2

    assert Recording(other).cadence(15).perfect


async def test_the_cdn_is_killed_and_comes_back(house, tmp_path):
    """Nginx dies and is started again: the stream is back by itself, with a key frame first and running pts."""
    async with nginx_rtmp(tmp_path) as cdn:
        await enter(house, ALICE)
        await house.start_task("push", cdn.url("x"))
        await until(lambda: cdn.recordings("x"), "the stream arrives")
        await asyncio.sleep(1)
        await cdn.stop(kill=True)
        await until(lambda: _target_is(house, "push", "interrupted"), "the loss is seen")

        await cdn.start()
        await until(lambda: _target_is(house, "push", "pushing"), "the stream is back")
        await until(lambda: len(cdn.recordings("x")) == 2, "a second recording")
        await asyncio.sleep(2)
        await house.call("StopMPUTask", TaskId="push")
        await until(lambda: not house.pids("worker"), "the worker ended")
        second = Recording(cdn.recordings("x")[1])

    assert second.video[0].key
    assert second.cadence(25).perfect


async def test_a_cdn_that_accepts_and_says_nothing(house, tmp_path):
    """It is noticed, named and tried again, while another task goes on without losing a frame."""
    silent = await asyncio.start_server(lambda reader, _: reader.read(), "127.0.0.1", 0)
    url = f"rtmp://127.0.0.1:{silent.sockets[0].getsockname()[1]}/live/x"
    saved = tmp_path / "other.flv"
    async with silent, receiving(saved) as cdn:
        await enter(house, ALICE)
        await house.start_task("mute", url)
        await house.start_task("fine", cdn.url, MediaEncode=1)
        target = await until(lambda: _failed_target(house, "mute"), "the silence is seen", within_s=15)
        await received(cdn, 3, fps=15)

    assert target["step"] in {"handshake", "tcp"}
    assert target["last_error"]
    assert target["retries"] >= 1
    assert Recording(saved).cadence(15).perfect


async def test_a_frozen_cdn_is_noticed_and_left(house, tmp_path):
    """SIGSTOP while pushing: bytes stop leaving, the connection is given up within seconds; after SIGCONT it is back."""
    async with nginx_rtmp(tmp_path) as cdn:
        await enter(house, ALICE)
        await house.start_task("ice", cdn.url("x"))
        await until(lambda: _target_is(house, "ice", "pushing"), "the stream goes out")

        cdn.signal(signal.SIGSTOP)
        await until(lambda: _target_is(house, "ice", "interrupted", "connecting"), "the freeze is seen", within_s=15)
        cdn.signal(signal.SIGCONT)

        await until(lambda: _target_is(house, "ice", "pushing"), "the stream is back", within_s=30)


async def test_tasks_survive_a_restart_of_the_server(own_house, tmp_path):
    """Stopped in order and started again: the task is brought back, same id, same URL."""
    async with receiving(tmp_path / "out.flv") as cdn:
        await own_house.start_task("stay", cdn.url)
        await own_house.server.stop()
        assert not await own_house.left_behind(within_s=5)

        await own_house.start_server()
        assert (await own_house.call("GetMPUTaskStatus", TaskId="stay")).value()["Status"] == 0
        await enter(own_house, ALICE)
        await received(cdn, 1)


async def test_a_killed_server_is_followed_by_the_next_without_a_gap(own_house, tmp_path):
    """Publishers and workers go on; the next server takes them over, and the stream never stopped."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        publisher = await enter(own_house, ALICE)
        await own_house.start_task("on", cdn.url)
        await received(cdn, 2)
        worker, gateway = own_house.pids("worker rigapp/on"), own_house.pids("openmpu: gateway")

        own_house.server.kill(signal.SIGKILL)
        await own_house.server.wait()
        await own_house.start_server()
        await received(cdn, 2)

        assert own_house.pids("worker rigapp/on") == worker
        assert own_house.pids("openmpu: gateway") == gateway
        assert publisher.text.count("connects=2") == 0
        assert cdn.figures().connects == 1
        assert (await own_house.call("StopMPUTask", TaskId="on")).status == 200

    assert Recording(saved).cadence(25).perfect


async def test_a_server_that_stands_still_is_found_by_its_supervisor(own_house, tmp_path):
    """SIGSTOP: it says no more that it lives; who supervises it kills it and starts the next; the stream never stops."""
    await own_house.server.stop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
        notified.bind(str(tmp_path / "notify"))
        notified.setblocking(False)
        own_house.environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000000"}
        await own_house.start_server()
        saved = tmp_path / "out.flv"
        async with receiving(saved) as cdn:
            await enter(own_house, ALICE)
            await own_house.start_task("on", cdn.url)
            await received(cdn, 1)
            assert {b"READY=1", b"WATCHDOG=1"} <= set(_heard(notified))

            own_house.server.kill(signal.SIGSTOP)
            await until(lambda: not _heard(notified) and _stopped(own_house.server.pid), "it stands still")
            await received(cdn, 3)
            assert not _heard(notified)
            own_house.server.kill(signal.SIGKILL)
            await own_house.server.wait()
            await own_house.start_server()
            await received(cdn, 1)
            assert cdn.figures().connects == 1
            assert (await own_house.call("StopMPUTask", TaskId="on")).status == 200

    assert Recording(saved).cadence(25).perfect


def _heard(notified):
    heard = []
    with contextlib.suppress(BlockingIOError):
        while True:
            heard.append(notified.recv(100))
    return heard


def _stopped(pid):
    return psutil.Process(pid).status() == psutil.STATUS_STOPPED


async def test_a_killed_gateway_is_replaced_and_publishers_come_back(house):
    """The task goes on meanwhile, and shows them again."""
    async with receiving() as cdn:
        await enter(house, ALICE)
        await house.start_task("gate", cdn.url)
        await received(cdn, 1)

        os.kill(house.pids("openmpu: gateway")[0], signal.SIGKILL)
        await until(lambda: _users(house, "gate", 0), "the publisher is gone")
        await until(lambda: _users(house, "gate", 1), "the publisher is back")
        await received(cdn, 1)
        assert cdn.figures().connects == 1


async def test_nothing_is_left_after_a_kill(tmp_path):
    """Kill -9 of the server alone: everything else ends by itself within 10 s."""
    async with rig(tmp_path) as house, receiving() as cdn:
        publisher = await enter(house, ALICE)
        await house.start_task("orphan", cdn.url)
        await received(cdn, 1)

        house.server.kill(signal.SIGKILL)
        await publisher.stop()

        assert await house.left_behind(within_s=10) == {}


async def test_the_stream_is_ended_in_order(house, tmp_path):
    """Stop: the connection is closed within 2 s, the recording has sound and picture to the same end."""
    saved = tmp_path / "out.flv"
    async with receiving(saved) as cdn:
        await enter(house, ALICE)
        await house.start_task("end", cdn.url)
        await received(cdn, 2)
        await house.call("StopMPUTask", TaskId="end")
        await until(lambda: not cdn.figures().live, "closed", within_s=2)
        assert (await house.call("GetMPUTaskStatus", TaskId="end")).value()["Status"] == 3

    recording = Recording(saved)
    assert abs(recording.audio[-1].pts - recording.video[-1].pts) < 0.3 * SECOND


async def _target(house, task_id):
    return (await house.task(task_id))["targets"][0]


async def _target_is(house, task_id, *states):
    return (await _target(house, task_id)).get("state") in states


async def _failed_target(house, task_id):
    target = await _target(house, task_id)
    return target if target.get("last_error") else None


async def _users(house, task_id, count):
    return (await house.task(task_id))["figures"].get("users") == count
