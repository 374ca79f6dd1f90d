"""Whose app it is: every operation with every foreign thing (security.md S10)."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.wire.rpc.actions import OPERATIONS
from tests.http.house import RTC, RpcHouse
from tests.http.signing import RpcClient, Signer
from tests.services.doubles import user

EVERYTHING: dict[str, Any] = {
    "ChannelId": "room",
    "TaskId": "t1",
    "UserId": "ann",
    "LayoutId": 10_001,
    "DisplayName": "Ann",
    "StreamURL": "rtmp://a/b/c",
    "LayoutIds": [1],
    "AudioMixCount": 1,
    "Panes": [{"X": 0}],
    "MixMode": 0,
    "SingleSubParams": '{"UserId":"ann"}',
    "CustomSei": "{}",
    "CallbackUrl": "http://a/b",
    "StartTime": "2023-11-14T22:13:20Z",
    "EndTime": "2023-11-14T22:13:20Z",
    "PageNo": 1,
    "PageSize": 10,
    "TerminalIds": ["ann"],
    "Users": [{"UserId": "ann"}],
}
"""Enough for any operation: parameters that it does not know are ignored."""

OWNED = [
    (name, version)
    for name, operation in OPERATIONS.items()
    for version in operation.rates
    if name != "DescribeSystemLayoutList"
]


@pytest.mark.parametrize(("action", "version"), OWNED)
async def test_no_operation_touches_a_foreign_app(house: RpcHouse, action: str, version: str) -> None:
    """One answer for what is somebody else's and for what never was."""
    await house.people(user("ann"), app_id="foreign")
    for app_id in ("foreign", "nowhere"):
        refusal = await house.refusal(action, version, **EVERYTHING, AppId=app_id)
        assert refusal[:2] == (400, "InvalidAppId")


async def test_the_same_task_id_in_two_apps_is_two_tasks(house: RpcHouse) -> None:
    """operations.md 1.2: also when both owners call each other's by name."""
    stranger = RpcClient(house.http, Signer("otherid", "othersecret", house.clock.now()))
    named = {"ChannelId": "room", "TaskId": "t1"}
    await house.ok("StartMPUTask", RTC, AppId="app", **named, StreamURL="rtmp://a/b/c")
    assert (await stranger.v3("GetMPUTaskStatus", RTC, {"AppId": "foreign", **named})).status_code == 404
    start = {"AppId": "foreign", **named, "StreamURL": "rtmp://a/b/d"}
    assert (await stranger.v3("StartMPUTask", RTC, start)).json().keys() == {"RequestId"}
    assert (await stranger.v3("StopMPUTask", RTC, {"AppId": "foreign", **named})).status_code == 200
    assert (await house.ok("GetMPUTaskStatus", RTC, AppId="app", TaskId="t1"))["Status"] == 0
    assert (await stranger.v3("StopMPUTask", RTC, {"AppId": "app", **named})).json()["Code"] == "InvalidAppId"


async def test_what_is_read_otherwise_than_written_is_logged_and_noted(house: RpcHouse, capsys: Any) -> None:
    """operations.md 1.3 rule 7 and 3.8: a warning in the log, a note in the task."""
    start = {"AppId": "app", "ChannelId": "room", "TaskId": "t1", "StreamURL": "rtmp://a/b/c", "MediaEncode": 2}
    await house.ok("StartMPUTask", RTC, **start, **{"UserPanes.11.Url": "http://a/b.png"})
    await house.ok("UpdateMPUTask", RTC, AppId="app", TaskId="t1", **{"UserPanes.12.Text": "x"})
    (record,) = house.tasks.unfinished()
    assert [note.partition(" ")[0] for note in record.spec.notes] == ["UserPanes.11:", "MediaEncode=2", "UserPanes.12:"]
    printed = capsys.readouterr().out
    assert printed.count("read otherwise than written") == 3
