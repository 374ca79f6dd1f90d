"""StartLiveMPUTask and its family through HTTP (operations.md 6)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from openmpu.services.quotas import TaskLimits
from tests.http.house import LIVE, RTC, RpcHouse, open_house
from tests.services.doubles import key_of, user
from tests.wire.rpc.test_live import TRANSCODE

NAMED = {"AppId": "app", "TaskId": "t1"}
START: dict[str, Any] = {
    **NAMED,
    "ChannelId": "room",
    "MixMode": "1",
    "StreamURL": "rtmp://cdn.example/live/t1?k=1",
    "TranscodeParams": json.dumps(TRANSCODE),
}
RELAY = {**NAMED, "ChannelId": "room", "MixMode": "0", "SingleSubParams": '{"UserId":"ann"}'}


@pytest.fixture(autouse=True)
async def _somebody_is_there(house: RpcHouse) -> None:
    await house.people(user("ann"), user("bob"))


async def test_a_live_task_lives_from_start_to_stop(house: RpcHouse) -> None:
    """Its state is read with GetMPUTaskStatus; either stop stops it."""
    assert set(await house.ok("StartLiveMPUTask", LIVE, **START)) == {"RequestId"}
    assert (await house.ok("GetMPUTaskStatus", LIVE, **NAMED))["Status"] == 1
    await house.ok("UpdateLiveMPUTask", LIVE, **{**START, "StreamURL": "rtmp://cdn.example/live/t2"})
    await house.ok("StopMPUTask", LIVE, **NAMED)
    assert (await house.ok("GetMPUTaskStatus", RTC, **NAMED))["Status"] == 3
    await house.ok("StopLiveMPUTask", LIVE, **NAMED)


async def test_stop_live_stops_a_task_of_the_older_start(house: RpcHouse) -> None:
    """operations.md 6.3."""
    await house.ok("StartMPUTask", LIVE, **NAMED, ChannelId="room", StreamURL="rtmp://a/b/c")
    await house.ok("StopLiveMPUTask", LIVE, **NAMED)
    assert (await house.ok("GetMPUTaskStatus", LIVE, **NAMED))["Status"] == 3


async def test_the_second_start_is_an_invalid_param_that_says_exists(house: RpcHouse) -> None:
    """operations.md 2.3: not a 200 here."""
    await house.ok("StartLiveMPUTask", LIVE, **START)
    status, code, message = await house.refusal("StartLiveMPUTask", LIVE, **{**START, "TranscodeParams": "x"})
    assert (status, code) == (400, "InvalidParam")
    assert "exists" in message


async def test_an_empty_channel_does_not_exist(house: RpcHouse) -> None:
    """operations.md 2.2."""
    await house.people()
    status, code, message = await house.refusal("StartLiveMPUTask", LIVE, **START)
    assert (status, code) == (400, "InvalidParam")
    assert "channel not exist" in message


REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("StartLiveMPUTask", {**START, "AppId": None}, 400, "MissingParam"),
    ("StartLiveMPUTask", {**START, "TaskId": ""}, 400, "MissingParam"),
    ("StartLiveMPUTask", {**START, "TranscodeParams": "{}"}, 400, "MissingParam"),
    ("StartLiveMPUTask", {**START, "AppId": "no such"}, 400, "InvalidAppId"),
    ("StartLiveMPUTask", {**START, "AppId": "nowhere"}, 400, "InvalidAppId"),
    ("StartLiveMPUTask", {**START, "AppId": "foreign"}, 400, "InvalidAppId"),
    ("StartLiveMPUTask", {**START, "AppId": "off"}, 403, "OperationDenied"),
    ("StartLiveMPUTask", {**START, "TaskId": "a b"}, 400, "InvalidParam"),
    ("StartLiveMPUTask", {**START, "ChannelId": "x" * 65}, 400, "InvalidParam"),
    ("StartLiveMPUTask", {**START, "MixMode": "2"}, 400, "InvalidParam"),
    ("StartLiveMPUTask", {**START, "StreamURL": "http://x/y/z"}, 400, "InvalidParam"),
    ("StartLiveMPUTask", {**START, "TranscodeParams": "[object Object]"}, 400, "InvalidParam"),
    ("UpdateLiveMPUTask", {**NAMED}, 400, "MissingParam"),
    ("UpdateLiveMPUTask", {**NAMED, "ChannelId": "room"}, 400, "InvalidParam"),
    ("StopLiveMPUTask", NAMED, 400, "InvalidParam"),
    ("StopLiveMPUTask", {"AppId": "app"}, 400, "MissingParam"),
    ("ListRtcMPUTaskDetail", {"AppId": "app"}, 400, "MissingParam"),
    ("ListRtcMPUTaskDetail", {"AppId": "app", "PageNo": 1, "PageSize": 101}, 400, "InvalidParam"),
    ("SetLiveMpuTaskSei", NAMED, 400, "MissingParam"),
    ("SetLiveMpuTaskSei", {**NAMED, "CustomSei": "{}"}, 400, "InvalidParam"),
    ("SetLiveMpuTaskSei", {**NAMED, "CustomSei": "{"}, 400, "InvalidParam"),
    ("SetLiveMpuTaskSei", {**NAMED, "CustomSei": '"' + "x" * 4095 + '"'}, 400, "InvalidParam"),
]


@pytest.mark.parametrize(("action", "parameters", "status", "code"), REFUSALS)
async def test_refusals(house: RpcHouse, action: str, parameters: dict[str, Any], status: int, code: str) -> None:
    """The newer names of errors, in JSON and in XML."""
    assert (await house.refusal(action, LIVE, **parameters))[:2] == (status, code)
    xml = await house.client.v1(action, LIVE, parameters, Format="XML")
    assert xml.status_code == status
    assert f"<Code>{code}</Code>" in xml.text


async def test_a_url_in_use_is_an_invalid_param(house: RpcHouse) -> None:
    """operations.md 2.4, all apps and generations together."""
    await house.ok("StartLiveMPUTask", LIVE, **START)
    second = {**START, "TaskId": "t2", "StreamURL": "rtmp://CDN.example:1935/live/t1?k=2"}
    assert (await house.refusal("StartLiveMPUTask", LIVE, **second))[:2] == (400, "InvalidParam")
    classic = {"AppId": "app", "TaskId": "t3", "ChannelId": "room", "StreamURL": second["StreamURL"]}
    assert (await house.refusal("StartMPUTask", RTC, **classic))[:2] == (400, "InvalidStreamURL.InUse")


async def test_a_finished_task_cannot_be_updated_in_either_way(house: RpcHouse) -> None:
    """InvalidParam; and each family has its own update."""
    await house.ok("StartLiveMPUTask", LIVE, **START)
    assert (await house.refusal("UpdateMPUTask", LIVE, **NAMED))[:2] == (400, "UnsupportedOperation")
    await house.ok("StopLiveMPUTask", LIVE, **NAMED)
    update = {**NAMED, "ChannelId": "room"}
    assert (await house.refusal("UpdateLiveMPUTask", LIVE, **update))[:2] == (400, "InvalidParam")
    await house.ok("StartMPUTask", LIVE, **{**NAMED, "TaskId": "t4"}, ChannelId="room", StreamURL="rtmp://a/b/c")
    assert (await house.refusal("UpdateLiveMPUTask", LIVE, **{**update, "TaskId": "t4"}))[1] == "InvalidParam"


async def test_details_are_what_was_given_last(house: RpcHouse) -> None:
    """operations.md 6.4: an update lies over the start; the other form of target goes."""
    await house.ok("StartLiveMPUTask", LIVE, **START, Region="AP-Singapore", MaxIdleTime="60")
    several = [{"URL": "rtmp://a/b/c", "IsAliCdn": "true"}]
    update = {**NAMED, "ChannelId": "room", "MultiStreamURL": json.dumps(several)}
    await house.ok("UpdateLiveMPUTask", LIVE, **update)
    (task,) = (await house.ok("ListRtcMPUTaskDetail", LIVE, **NAMED))["MPUTasks"]
    expected = {**START, "Region": "AP-Singapore", "MaxIdleTime": "60", "MultiStreamURL": several}
    del expected["StreamURL"]
    assert task == {**expected, "TranscodeParams": TRANSCODE}


async def test_details_come_by_pages_oldest_first_and_only_of_unfinished_live_tasks(house: RpcHouse) -> None:
    """operations.md 6.4; an unknown TaskId gives an empty list, and wins over paging."""
    for number in range(5):
        one = {"TaskId": f"t{number}", "StreamURL": f"rtmp://a/b/{number}"}
        await house.ok("StartLiveMPUTask", LIVE, **{**RELAY, **one})
        house.clock.go(1)
    await house.ok("StartMPUTask", LIVE, AppId="app", ChannelId="room", TaskId="old", StreamURL="rtmp://a/b/old")
    await house.ok("StopLiveMPUTask", LIVE, AppId="app", TaskId="t1")

    async def ids(**parameters: Any) -> list[str]:
        body = await house.ok("ListRtcMPUTaskDetail", LIVE, AppId="app", **parameters)
        return [task["TaskId"] for task in body["MPUTasks"]]

    assert await ids(PageNo=1, PageSize=3) == ["t0", "t2", "t3"]
    assert await ids(PageNo=2, PageSize=3) == ["t4"]
    assert await ids(PageNo=1_000_000_000, PageSize=100) == []
    assert await ids(TaskId="t3", PageNo=9, PageSize=9) == ["t3"]
    assert await ids(TaskId="t1") == await ids(TaskId="never") == await ids(TaskId="old") == []


async def test_sei_goes_to_the_running_task_as_it_is(house: RpcHouse) -> None:
    """operations.md 6.5: verbatim."""
    await house.ok("StartLiveMPUTask", LIVE, **START)
    text = '{ "k" : "值" }'
    await house.ok("SetLiveMpuTaskSei", LIVE, **NAMED, CustomSei=text)
    assert house.engine.texts == [(key_of("t1"), text)]


async def test_a_task_without_video_takes_no_sei(house: RpcHouse) -> None:
    """InvalidParam."""
    relay = {**RELAY, "SingleSubParams": '{"UserId":"ann","StreamType":"1"}', "StreamURL": "rtmp://a/b/c"}
    await house.ok("StartLiveMPUTask", LIVE, **relay)
    assert (await house.refusal("SetLiveMpuTaskSei", LIVE, **NAMED, CustomSei="{}"))[:2] == (400, "InvalidParam")


async def test_quotas_count_relays_and_mixes_apart() -> None:
    """operations.md 2.5."""
    async with open_house(limits=TaskLimits(live_relays_per_app=1, live_mixes_per_app=0)) as house:
        await house.people(user("ann"))
        await house.ok("StartLiveMPUTask", LIVE, **RELAY, StreamURL="rtmp://a/b/c")
        second = {**RELAY, "TaskId": "t2", "StreamURL": "rtmp://a/b/d"}
        assert (await house.refusal("StartLiveMPUTask", LIVE, **second))[:2] == (400, "QuotaExceeded.MPUTask")
        third = {**START, "TaskId": "t3"}
        assert (await house.refusal("StartLiveMPUTask", LIVE, **third))[:2] == (400, "QuotaExceeded.MPUTask")
