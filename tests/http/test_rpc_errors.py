"""Every code of the older operations through HTTP, in JSON and in XML (wire.md 8.2, 8.4, operations.md 3.10 to 5)."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.http.rpc import RpcOptions
from openmpu.services.quotas import TaskLimits
from openmpu.store import nonces
from tests.http.house import LIVE, RTC, RpcHouse, open_house

NAMED = {"AppId": "app", "TaskId": "t1"}
START: dict[str, Any] = {**NAMED, "ChannelId": "room", "StreamURL": "rtmp://cdn.example/live/t1?k=1"}
PANE = {"PaneId": 0, "X": 0, "Y": 0, "Width": 1, "Height": 1}
LAYOUT: dict[str, Any] = {"AppId": "app", "AudioMixCount": 3, "Panes": [PANE]}

REFUSALS: list[tuple[str, dict[str, Any], int, str]] = [
    ("StartMPUTask", {**START, "AppId": None}, 400, "MissingAppId"),
    ("StartMPUTask", {**START, "ChannelId": ""}, 400, "MissingChannelId"),
    ("StartMPUTask", {**START, "TaskId": None}, 400, "MissingTaskId"),
    ("StartMPUTask", {**START, "StreamURL": None}, 400, "MissingStreamURL"),
    ("StartMPUTask", {**START, "AppId": "a b"}, 400, "InvalidAppId"),
    ("StartMPUTask", {**START, "AppId": "nowhere"}, 400, "InvalidAppId"),
    ("StartMPUTask", {**START, "AppId": "foreign"}, 400, "InvalidAppId"),
    ("StartMPUTask", {**START, "AppId": "off"}, 403, "Forbidden"),
    ("StartMPUTask", {**START, "ChannelId": "a/b"}, 400, "InvalidChannelId.Malformed"),
    ("StartMPUTask", {**START, "TaskId": "x" * 56}, 400, "InvalidTask.IDError"),
    ("StartMPUTask", {**START, "TaskId": "../../etc/passwd"}, 400, "InvalidTask.IDError"),
    ("StartMPUTask", {**START, "TaskID": "t2"}, 400, "InvalidTask.IDError"),
    ("StartMPUTask", {**START, "TaskType": 1}, 400, "UnsupportedOperation"),
    ("StartMPUTask", {**START, "TaskType": "x"}, 400, "InvalidTaskType.Malformed"),
    ("StartMPUTask", {**START, "MixMode": 7}, 400, "InvalidMixMode.Malformed"),
    ("StartMPUTask", {**START, "TaskProfile": "x"}, 400, "InvalidTaskProfile.Malformed"),
    ("StartMPUTask", {**START, "MediaEncode": 3}, 400, "InvalidMediaEncode.Malformed"),
    ("StartMPUTask", {**START, "BackgroundColor": -1}, 400, "InvalidBackgroundColor.Malformed"),
    ("StartMPUTask", {**START, "CropMode": 3}, 400, "InvalidCropMode.Malformed"),
    ("StartMPUTask", {**START, "LayoutIds": [77]}, 400, "InvalidLayoutID.Malformed"),
    ("StartMPUTask", {**START, "LayoutIds": [10_001]}, 400, "InvalidLayoutID.Malformed"),
    ("StartMPUTask", {**START, "LayoutIds": ["x"]}, 400, "InvalidLayoutID.Malformed"),
    ("StartMPUTask", {**START, "LayoutIds": list(range(1, 18))}, 400, "InvalidLayoutID.Malformed"),
    ("StartMPUTask", {**START, "MediaEncode": 0, "LayoutIds": [10_001]}, 400, "InvalidLayoutID.Malformed"),
    ("StartMPUTask", {**START, "SubSpecUsers": ["a b"]}, 400, "InvalidSubSpecUsers.Malformed"),
    ("StartMPUTask", {**START, "StreamType": 3}, 400, "InvalidStreamType.Malformed"),
    ("StartMPUTask", {**START, "SourceType": "screen"}, 400, "InvalidSourceType.Malformed"),
    ("StartMPUTask", {**START, "StreamURL": "http://a/b/c"}, 400, "InvalidStreamURL.Malformed"),
    ("StartMPUTask", {**START, "UserPanes": [{"PaneId": 16}]}, 400, "InvalidUserPanes.Malformed"),
    ("StartMPUTask", {**START, "Watermarks": [{"Alpha": 2}]}, 400, "InvalidWatermarks.Malformed"),
    ("StartMPUTask", {**START, "EnhancedParam": "[object Object]"}, 400, "InvalidEnhancedParam.Malformed"),
    ("UpdateMPUTask", NAMED, 404, "InvalidTask.NotFound"),
    ("UpdateMPUTask", {"AppId": "app"}, 400, "MissingTaskId"),
    ("StopMPUTask", NAMED, 404, "InvalidTask.NotFound"),
    ("GetMPUTaskStatus", NAMED, 404, "InvalidTask.NotFound"),
    ("GetMPUTaskStatus", {"AppId": "app", "TaskId": "a b"}, 400, "InvalidTask.IDError"),
]


@pytest.mark.parametrize("version", [RTC, LIVE])
@pytest.mark.parametrize(("action", "parameters", "status", "code"), REFUSALS)
async def test_task_operations_of_both_versions(
    house: RpcHouse, version: str, action: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    """The same codes under either version."""
    assert (await house.refusal(action, version, **parameters))[:2] == (status, code)
    await in_xml(house, action, version, parameters, status, code)
    assert not house.tasks.unfinished()


OTHERS: list[tuple[str, dict[str, Any], int, str]] = [
    ("UpdateMPULayout", NAMED, 400, "MissingLayoutIds"),
    ("UpdateMPULayout", {**NAMED, "LayoutIds": [1]}, 404, "InvalidTask.NotFound"),
    ("CreateMPULayout", {"AppId": "app", "AudioMixCount": 3}, 400, "MissingPanes"),
    ("CreateMPULayout", {"AppId": "app", "Panes": [PANE]}, 400, "MissingAudioMixCount"),
    ("CreateMPULayout", {**LAYOUT, "AudioMixCount": 7}, 400, "InvalidAudioMixCount.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "Name": "x" * 65}, 400, "InvalidName.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "Panes": [PANE, PANE]}, 400, "InvalidPanes.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "Panes": [{**PANE, "PaneId": 1}]}, 400, "InvalidPanes.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "Panes": [{**PANE, "Width": 0}]}, 400, "InvalidPanes.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "Panes": [{"MajorPane": 1}, {"MajorPane": 1}]}, 400, "InvalidPanes.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "Panes": [{"X": 0}] * 17}, 400, "InvalidPanes.Malformed"),
    ("CreateMPULayout", {**LAYOUT, "AppId": "foreign"}, 400, "InvalidAppId"),
    ("ModifyMPULayout", {"AppId": "app"}, 400, "MissingLayoutId"),
    ("ModifyMPULayout", {"AppId": "app", "LayoutId": 10_001}, 404, "InvalidLayout.NotFound"),
    ("ModifyMPULayout", {"AppId": "app", "LayoutId": 1}, 403, "Forbidden"),
    ("DeleteMPULayout", {"AppId": "app", "LayoutId": "x"}, 400, "InvalidLayoutId.Malformed"),
    ("DeleteMPULayout", {"AppId": "app", "LayoutId": 10_001}, 404, "InvalidLayout.NotFound"),
    ("DeleteMPULayout", {"AppId": "app", "LayoutId": 13}, 403, "Forbidden"),
    ("DescribeMPULayoutInfo", {"AppId": "app", "LayoutId": 12}, 404, "InvalidLayout.NotFound"),
    ("DescribeMPULayoutInfoList", {"AppId": "app", "PageSize": 101}, 400, "InvalidPageSize.Malformed"),
    ("DescribeMPULayoutInfoList", {"AppId": "app", "PageNum": 0}, 400, "InvalidPageNum.Malformed"),
    ("DescribeSystemLayoutList", {"PageNum": "first"}, 400, "InvalidPageNum.Malformed"),
    ("DeleteChannel", {"AppId": "app"}, 400, "MissingChannelId"),
    ("DescribeChannelUsers", {"AppId": "app", "ChannelId": "a b"}, 400, "InvalidChannelId.Malformed"),
    ("DescribeChannelParticipants", {"AppId": "app", "ChannelId": "r", "Order": "up"}, 400, "InvalidOrder.Malformed"),
    ("RemoveTerminals", {"AppId": "app", "ChannelId": "r"}, 400, "MissingTerminalIds"),
    ("DescribeChannelUser", {"AppId": "app", "ChannelId": "r", "UserId": "a b"}, 400, "InvalidUserId.Malformed"),
    ("ModifyApp", {"AppId": "app", "AppName": "x"}, 403, "Forbidden"),
    ("DescribeAppKey", {"AppId": "foreign"}, 400, "InvalidAppId"),
]


@pytest.mark.parametrize(("action", "parameters", "status", "code"), OTHERS)
async def test_other_operations(
    house: RpcHouse, action: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    """Layouts, channels, apps."""
    assert (await house.refusal(action, RTC, **parameters))[:2] == (status, code)
    await in_xml(house, action, RTC, parameters, status, code)


async def in_xml(
    house: RpcHouse, action: str, version: str, parameters: dict[str, Any], status: int, code: str
) -> None:
    """The same call by V1, answered in XML with the same code."""
    response = await house.client.v1(action, version, parameters, Format="XML")
    assert response.status_code == status
    assert response.headers["content-type"] == "text/xml;charset=utf-8"
    assert f"</HostId><Code>{code}</Code><Message>" in response.text


@pytest.mark.parametrize("format_", ["JSON", "XML"])
async def test_states_that_do_not_allow_it(house: RpcHouse, format_: str) -> None:
    """TaskExisted, InUse, CoolingDown, NotRunning: what depends on what was before."""
    codes = []
    for parameters, action in (
        (START, "StartMPUTask"),
        (START, "StartMPUTask"),
        ({**START, "TaskId": "t2"}, "StartMPUTask"),
        (NAMED, "StopMPUTask"),
        (NAMED, "UpdateMPUTask"),
        ({**START, "TaskId": "t2"}, "StartMPUTask"),
    ):
        response = await house.client.v1(action, RTC, parameters, Format=format_)
        codes.append((response.status_code, code_of(response.text)))
    assert codes == [
        *((200, ""), (200, "TaskExisted"), (400, "InvalidStreamURL.InUse"), (200, "")),
        *((400, "InvalidTask.NotRunning"), (400, "InvalidStreamURL.CoolingDown")),
    ]
    house.clock.go(10)
    house.client.signer.now = house.clock.now()
    await house.ok("StartMPUTask", RTC, **{**START, "TaskId": "t2"})


def code_of(text: str) -> str:
    _, _, rest = text.partition('"Code":"') if text.startswith("{") else text.partition("<Code>")
    return rest.partition('"' if text.startswith("{") else "<")[0]


@pytest.mark.parametrize("format_", ["JSON", "XML"])
async def test_the_quota_of_tasks(format_: str) -> None:
    """operations.md 2.5: per account, both versions together."""
    async with open_house(limits=TaskLimits(tasks_per_account=1)) as house:
        await house.ok("StartMPUTask", RTC, **START)
        second = {**START, "TaskId": "t2", "StreamURL": "rtmp://a/b/c", "AppId": "yourAppId"}
        response = await house.client.v1("StartMPUTask", LIVE, second, Format=format_)
    assert (response.status_code, code_of(response.text)) == (400, "QuotaExceeded.MPUTask")


@pytest.mark.parametrize("format_", ["JSON", "XML"])
async def test_the_quota_of_an_ingest_domain(format_: str) -> None:
    """operations.md 2.5: over all accounts, where it is switched on."""
    async with open_house(limits=TaskLimits(mixes_per_domain=1)) as house:
        await house.ok("StartMPUTask", RTC, **START)
        second = {**START, "TaskId": "t2", "StreamURL": "rtmp://CDN.example/live/t2"}
        response = await house.client.v1("StartMPUTask", LIVE, second, Format=format_)
        assert (response.status_code, code_of(response.text)) == (400, "QuotaExceeded.IngestDomain")
        await house.ok("StartMPUTask", RTC, **{**second, "StreamURL": "rtmp://other.example/live/t2"})


@pytest.mark.parametrize("format_", ["JSON", "XML"])
async def test_an_overloaded_server(house: RpcHouse, format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """ServiceUnavailable: more calls within half an hour than nonces can be kept."""
    monkeypatch.setattr(nonces, "MOST_KEPT", 3)
    await house.ok("StartMPUTask", RTC, **START)
    for _ in range(3):
        house.clock.go(11)
        house.client.signer.now = house.clock.now()
        response = await house.client.v1("GetMPUTaskStatus", RTC, NAMED, Format=format_)
    assert response.status_code == 200
    response = await house.client.v1("GetMPUTaskStatus", RTC, NAMED, Format=format_)
    assert (response.status_code, code_of(response.text)) == (503, "ServiceUnavailable")
    house.clock.go(1800)
    house.client.signer.now = house.clock.now()
    await house.ok("GetMPUTaskStatus", RTC, **NAMED)


async def test_task_existed_may_be_raised_to_400() -> None:
    """wire.md 5: a configuration switch; then it is an error like any other."""
    async with open_house(options=RpcOptions(task_existed_status=400)) as house:
        await house.ok("StartMPUTask", RTC, **START)
        assert (await house.refusal("StartMPUTask", RTC, **START))[:2] == (400, "TaskExisted")
        response = await house.client.v1("StartMPUTask", RTC, START, Format="XML")
        assert "<Error><RequestId>" in response.text


async def test_the_order_of_checks_inside_an_operation(house: RpcHouse) -> None:
    """operations.md 1.8: required, identifiers, app, task, values, each asked for before the next."""
    await house.ok("StartMPUTask", RTC, **START)
    wrong: dict[str, Any] = {"AppId": "no app", "ChannelId": "a b", "TaskId": "a b", "CropMode": 9}
    seen = []
    for name, right in (
        ("StreamURL", "x"),
        ("AppId", "nowhere"),
        ("ChannelId", "room"),
        ("TaskId", "t1"),
        ("AppId", "app"),
        ("TaskId", "t2"),
        ("CropMode", 1),
        ("StreamURL", START["StreamURL"]),
    ):
        seen.append((await house.refusal("StartMPUTask", RTC, **wrong))[1])
        wrong[name] = right
    seen.append((await house.refusal("StartMPUTask", RTC, **wrong))[1])
    assert seen == [
        *("MissingStreamURL", "InvalidAppId", "InvalidChannelId.Malformed", "InvalidTask.IDError", "InvalidAppId"),
        *("TaskExisted", "InvalidCropMode.Malformed", "InvalidStreamURL.Malformed", "InvalidStreamURL.InUse"),
    ]


async def test_a_message_names_the_value_in_full(house: RpcHouse) -> None:
    """operations.md 1.1."""
    panes = [{"PaneId": 0}, {"PaneId": 1, "Texts": [{"Text": "a"}, {"Text": "b", "FontSize": 99}]}]
    _, _, message = await house.refusal("StartMPUTask", RTC, **START, UserPanes=panes)
    assert message == "UserPanes.2.Texts.2.FontSize = 99: out of range 0 to 72"
    _, _, message = await house.refusal("StartMPUTask", RTC, **START, LayoutIds=[1, 77])
    assert message == "LayoutIds: 77: no such layout"
