"""StartMPUTask, UpdateMPUTask, StopMPUTask, GetMPUTaskStatus through HTTP (operations.md 3 and 4)."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.model.colours import Colour
from openmpu.model.task import Mode
from tests.http.house import LIVE, RTC, RpcHouse
from tests.services.doubles import key_of, url, user

START: dict[str, Any] = {
    "AppId": "app",
    "ChannelId": "room",
    "TaskId": "t1",
    "StreamURL": "rtmp://cdn.example/live/t1?auth_key=1-0-0-abc",
}
NAMED = {"AppId": "app", "TaskId": "t1"}


@pytest.mark.parametrize("version", [RTC, LIVE])
async def test_a_task_lives_from_start_to_stop(house: RpcHouse, version: str) -> None:
    """Waiting, running, stopped by the user: states 0, 1, 3 in both versions."""
    assert set(await house.ok("StartMPUTask", version, **START)) == {"RequestId"}
    assert (await house.ok("GetMPUTaskStatus", version, **NAMED))["Status"] == 0
    await house.people(user("ann"))
    assert (await house.ok("GetMPUTaskStatus", version, **NAMED))["Status"] == 1
    await house.ok("StopMPUTask", version, **NAMED)
    assert (await house.ok("GetMPUTaskStatus", version, **NAMED))["Status"] == 3
    await house.ok("StopMPUTask", version, **NAMED)


async def test_a_second_start_is_a_200_that_says_it_exists(house: RpcHouse) -> None:
    """TaskExisted comes with 200, and the first task stays as it was (operations.md 2.3)."""
    await house.ok("StartMPUTask", **START)
    response = await house.call("StartMPUTask", **{**START, "MediaEncode": "nonsense"})
    assert response.status_code == 200
    assert response.json()["Code"] == "TaskExisted"
    assert set(response.json()) == {"RequestId", "HostId", "Code", "Message"}


async def test_task_existed_in_xml_has_the_operations_root(house: RpcHouse) -> None:
    """wire.md 8.1: StartMPUTaskResponse with RequestId, Code, Message."""
    await house.ok("StartMPUTask", **START)
    response = await house.client.v1("StartMPUTask", RTC, START, Format="XML")
    assert response.status_code == 200
    assert "<StartMPUTaskResponse><RequestId>" in response.text
    assert "<Code>TaskExisted</Code>" in response.text
    assert "HostId" not in response.text


async def test_an_update_keeps_what_it_does_not_name(house: RpcHouse) -> None:
    """operations.md 4.1: absent stays, a list replaces the whole list."""
    panes = [{"PaneId": 0, "UserId": "ann"}, {"PaneId": 1, "UserId": "bob"}]
    await house.ok("StartMPUTask", **START, BackgroundColor=255, UserPanes=panes, LayoutIds=[2])
    await house.ok("UpdateMPUTask", **NAMED, UserPanes=[{"PaneId": 1, "UserId": "ann"}])
    mix = (await house.tasks.find(house.accounts.by_access_key("testid")[0], key_of("t1"))).spec.mix
    assert mix.background == Colour(255, 0, 0)
    assert [(pane.pane_id, pane.pin.user_id) for pane in mix.panes] == [(1, "ann")]
    assert mix.layout_ids == (2,)


async def test_an_update_may_turn_a_mix_into_a_relay(house: RpcHouse) -> None:
    """MixMode may change on a running task."""
    await house.ok("StartMPUTask", **START)
    await house.ok("UpdateMPUTask", **NAMED, MixMode=0, SubSpecUsers=["bob"], StreamType=1)
    spec = (await house.tasks.find(house.accounts.by_access_key("testid")[0], key_of("t1"))).spec
    assert (spec.mode, spec.relay.user_id, int(spec.relay.part)) == (Mode.RELAY, "bob", 1)


async def test_an_update_may_change_the_target(house: RpcHouse) -> None:
    """operations.md 4.1 StreamURL: the new one is in use from then on."""
    await house.ok("StartMPUTask", **START)
    await house.ok("UpdateMPUTask", LIVE, **NAMED, ChannelId="room", StreamURL=url("t2").secret)
    second = {**START, "TaskId": "t2", "StreamURL": url("t2").secret}
    assert (await house.refusal("StartMPUTask", **second))[:2] == (400, "InvalidStreamURL.InUse")


async def test_update_mpu_layout_needs_layouts(house: RpcHouse) -> None:
    """operations.md 4.2."""
    await house.ok("StartMPUTask", **START)
    assert (await house.refusal("UpdateMPULayout", **NAMED))[:2] == (400, "MissingLayoutIds")
    await house.ok("UpdateMPULayout", **NAMED, LayoutIds=[6])


async def test_a_finished_task_cannot_be_updated(house: RpcHouse) -> None:
    """400 InvalidTask.NotRunning."""
    await house.ok("StartMPUTask", **START)
    await house.ok("StopMPUTask", **NAMED)
    assert (await house.refusal("UpdateMPUTask", **NAMED))[:2] == (400, "InvalidTask.NotRunning")


async def test_the_second_spelling_of_the_task_id_counts_the_same(house: RpcHouse) -> None:
    """TaskID is taken for TaskId; both and different is refused (operations.md 1.2)."""
    start = {**START, "TaskID": START["TaskId"]}
    del start["TaskId"]
    await house.ok("StartMPUTask", **start)
    assert (await house.ok("GetMPUTaskStatus", AppId="app", TaskID="t1", TaskId="t1"))["Status"] == 0
    refusal = await house.refusal("GetMPUTaskStatus", AppId="app", TaskID="t1", TaskId="t2")
    assert refusal[:2] == (400, "InvalidTask.IDError")


async def test_foreign_and_unknown_apps_look_the_same(house: RpcHouse) -> None:
    """security.md S10: the same answer for what is not theirs and what never was."""
    foreign = await house.refusal("GetMPUTaskStatus", AppId="foreign", TaskId="t1")
    unknown = await house.refusal("GetMPUTaskStatus", AppId="nowhere", TaskId="t1")
    assert foreign[:2] == unknown[:2] == (400, "InvalidAppId")
    assert foreign[2].replace("foreign", "X") == unknown[2].replace("nowhere", "X")
