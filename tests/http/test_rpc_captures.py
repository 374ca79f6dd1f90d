"""The recorded requests, replayed byte for byte over HTTP with the clock near their time."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from openmpu.wire.rpc.stamps import read_stamp
from tests.http.house import LIVE, RTC, RpcHouse
from tests.services.doubles import user
from tests.wire.rpc.captures import CAPTURES, all_captures, incoming_of

TWO_OF_A_KIND = "InvalidLayoutID.Malformed"
"""The full starts name layouts 2 and 4, which both have two panes: forbidden (operations.md 3.8)."""


def outcome(name: str) -> tuple[int, str]:
    """Status and code that a capture must get."""
    if name == "pop-node-rtc-StartMPUTask-plain-struct":
        return 400, "InvalidEnhancedParam.Malformed"
    if name == "pop-node-live-StartLiveMPUTask-naive":
        return 400, "InvalidParam"
    if "StartMPUTask-full" in name:
        return 400, TWO_OF_A_KIND
    if "MPULayout" in name and ("Modify" in name or "Delete" in name):
        return 403, "Forbidden"  # they name layout 11, a built-in one
    return 200, ""


async def furnish(house: RpcHouse, name: str) -> None:
    """Somebody in the channel, and the tasks that a later call needs."""
    people = [user(who, channel="yourChannelId") for who in ("userA", "userB", "userC")]
    await house.people(*people, app_id="yourAppId", channel_id="yourChannelId")
    action = CAPTURES[name]["decoded"]["action"]
    task_id = CAPTURES[name]["decoded"]["parameters"].get("TaskId")
    if action.startswith("Start") or not task_id:
        return
    named = {"AppId": "yourAppId", "ChannelId": "yourChannelId", "TaskId": task_id}
    start = {**named, "StreamURL": f"rtmp://cdn.example/live/{task_id}"}
    if "Live" in action or "Detail" in action:
        await house.ok("StartLiveMPUTask", LIVE, **start, MixMode=0, SingleSubParams='{"UserId":"userA"}')
    else:
        await house.ok("StartMPUTask", RTC, **start)


def moment_of(name: str) -> int:
    """When the request was sent, nanoseconds of Unix time."""
    incoming = incoming_of(name)
    query = httpx.QueryParams((incoming.query or incoming.body).decode())
    seconds = read_stamp(incoming.header("x-acs-date") or query.get("Timestamp", ""))
    assert seconds
    return seconds * 10**9


async def replay(house: RpcHouse, name: str) -> httpx.Response:
    """Send the capture as it was; a chunked body goes in pieces again."""
    request = CAPTURES[name]["request"]
    headers = [(key, value) for key, value in request["headers"] if key.lower() != "transfer-encoding"]
    body = request["body"].encode()
    return await house.http.request(request["method"], request["target"], headers=headers, content=body)


@all_captures()
async def test_a_recorded_request_is_answered_in_its_format(house: RpcHouse, name: str) -> None:
    """Signature accepted, parameters taken, answered as asked, with both ids in the headers."""
    house.clock.time = house.client.signer.now = moment_of(name)
    await furnish(house, name)
    house.clock.go(2)
    response = await replay(house, name)
    xml = CAPTURES[name]["decoded"]["format"] == "XML"
    wanted = "text/xml;charset=utf-8" if xml else "application/json;charset=utf-8"
    assert response.headers["content-type"] == wanted
    status, code = outcome(name)
    assert (response.status_code, code_of(response)) == (status, code), response.text
    assert response.headers["x-acs-request-id"] in response.text
    assert len(response.headers["x-acs-trace-id"]) == 32


def code_of(response: httpx.Response) -> str:
    if response.headers["content-type"].startswith("text/xml"):
        return response.text.partition("<Code>")[2].partition("</Code>")[0]
    return str(json.loads(response.text).get("Code", ""))


@pytest.mark.parametrize("name", ["tea-py-v3-rtc-StopMPUTask", "core-py-rtc-StopMPUTask", "pop-node-rtc-StopMPUTask"])
async def test_the_same_request_again_is_a_replay(house: RpcHouse, name: str) -> None:
    """wire.md 8.3: the nonce is used up."""
    house.clock.time = house.client.signer.now = moment_of(name)
    await furnish(house, name)
    assert (await replay(house, name)).status_code == 200
    again = await replay(house, name)
    assert (again.status_code, code_of(again)) == (400, "SignatureNonceUsed")


async def test_what_a_live_task_was_given_is_given_back(house: RpcHouse) -> None:
    """ListRtcMPUTaskDetail tells the capture's own parameters, as JSON objects with leaves as strings."""
    name = "tea-py-v3-live-StartLiveMPUTask-full"
    house.clock.time = house.client.signer.now = moment_of(name)
    await furnish(house, name)
    assert (await replay(house, name)).status_code == 200
    body = await house.ok("ListRtcMPUTaskDetail", LIVE, AppId="yourAppId", TaskId="task-live_01")
    assert body["MPUTasks"] == [as_texts(CAPTURES[name]["input"])]


def as_texts(value: Any) -> Any:
    """Leaves as strings (operations.md 6.4)."""
    if isinstance(value, dict):
        return {key: as_texts(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_texts(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else str(value)
