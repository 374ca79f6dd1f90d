"""Relay events as a subscriber gets them from a real server, a real worker and a real target (callbacks.md 2)."""

import asyncio
import json
import signal
from contextlib import asynccontextmanager

import pytest

from tests.e2e.steps import ALICE, enter, received, receiving, until
from tests.rig.ports import free_port
from tests.rig.processes import rig

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120), pytest.mark.asyncio(loop_scope="package")]


@asynccontextmanager
async def subscriber(status="200 OK"):
    """An HTTP server that keeps what is posted to it; yields (URL, events). A status in a list may be changed."""
    events: list[dict] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(
            next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")).split(b":")[1]
        )
        events.append(json.loads(await reader.readexactly(length)))
        writer.write(
            f"HTTP/1.1 {status if isinstance(status, str) else status[0]}\r\nContent-Length: 0\r\n\r\n".encode()
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/events", events


def told(events, kind):
    """(EventCode, ErrorCode) of target events, or Status of task events."""
    payloads = [event["Payload"] for event in events if event["EventType"] == kind]
    return [(payload["EventCode"], payload["ErrorCode"]) if kind == 1 else payload["Status"] for payload in payloads]


async def test_a_normal_life_is_told(house):
    """Connecting, pushing, ended; waiting, running, stopped by the user; without the URL's key."""
    async with subscriber() as (url, events), receiving() as cdn:
        assert (await house.call("CreateRtcMPUEventSub", CallbackUrl=url)).status == 200
        await house.start_task("told", f"{cdn.url}?auth_key=PLANTED")
        await enter(house, ALICE)
        await received(cdn, 1)
        await house.call("StopMPUTask", TaskId="told")
        await until(lambda: told(events, 1)[-1:] == [(4, 0)], f"the end is told: {events}")

    assert told(events, 1) == [(0, 0), (1, 0), (4, 0)]
    assert told(events, 2) == [0, 1, 3]
    assert {event["TaskId"] for event in events} == {"told"}
    assert "PLANTED" not in json.dumps(events)
    assert len({event["MsgId"] for event in events}) == len(events)


async def test_a_target_that_cannot_be_reached_is_told(tmp_path):
    """Connecting, given up with code and sentence; the task ends with Status 5. The limits are the settings' own."""
    limits = "push_attempts = 2\npush_attempts_s = 0.5"
    async with rig(tmp_path, limits=limits) as house, subscriber() as (url, events):
        await house.call("CreateRtcMPUEventSub", CallbackUrl=url)
        await house.start_task("lost", f"rtmp://127.0.0.1:{free_port()}/live/x")
        await enter(house, ALICE)
        await until(lambda: told(events, 2)[-1:] == [5], f"the end is told: {events}")

    assert told(events, 1) == [(0, 0), (3, 1002)]
    assert [event["Payload"]["ErrorMessage"] != "" for event in events if event["EventType"] == 1] == [False, True]


async def test_what_was_not_told_yet_survives_kill_9(own_house):
    """The stop was answered, its event waits behind one that fails: the next server tells both, in order."""
    answer = ["503 Service Unavailable"]
    async with subscriber(answer) as (url, events):
        await own_house.call("CreateRtcMPUEventSub", CallbackUrl=url)
        await own_house.start_task("told", f"rtmp://127.0.0.1:{free_port()}/live/x")
        await until(lambda: events, "the first attempt")
        assert (await own_house.call("StopMPUTask", TaskId="told")).status == 200
        own_house.server.kill(signal.SIGKILL)
        await own_house.server.wait()
        assert told(events, 2) == [0]

        answer[0] = "200 OK"
        await own_house.start_server()
        await until(lambda: told(events, 2)[-1:] == [3], f"the stop is told: {events}")

    assert told(events, 2) == [0, 0, 3]
    assert events[0]["MsgId"] == events[1]["MsgId"] != events[2]["MsgId"]


async def test_a_dead_receiver_holds_nothing_up(house):
    """Callbacks that nobody takes slow neither the API nor the stream, and stand in the delivery log."""
    async with receiving() as cdn:
        dead = f"http://127.0.0.1:{free_port()}/events"
        await house.call("CreateRtcMPUEventSub", CallbackUrl=dead)
        await enter(house, ALICE)
        assert (await house.start_task("dead", cdn.url)).status == 200
        await received(cdn, 2)
        assert (await house.call("StopMPUTask", TaskId="dead")).status == 200
