"""The life of a custom layout through HTTP, and the built-in ones (operations.md 5)."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.model.layouts import BUILT_IN
from openmpu.services import layouts as layouts_module
from tests.http.house import RTC, RpcHouse
from tests.services.doubles import key_of, user

LEFT = {"PaneId": 0, "MajorPane": 1, "X": 0, "Y": 0, "Width": 0.5, "Height": 1, "ZOrder": 0}
RIGHT = {"PaneId": 1, "MajorPane": 0, "X": 0.5, "Y": 0, "Width": 0.5, "Height": 1, "ZOrder": 0}
TWO_UP: dict[str, Any] = {"AppId": "app", "Name": "two up", "AudioMixCount": 3, "Panes": [LEFT, RIGHT]}


async def test_a_layout_is_told_as_it_was_made(house: RpcHouse) -> None:
    """operations.md 5.3: nested lists, numbers as numbers."""
    made = await house.ok("CreateMPULayout", **TWO_UP)
    assert made["LayoutId"] == 10_001
    listed = await house.ok("DescribeMPULayoutInfoList", AppId="app")
    del listed["RequestId"]
    assert listed == {
        "TotalNum": 1,
        "TotalPage": 1,
        "Layouts": {
            "Layout": [
                {"LayoutId": 10_001, "Name": "two up", "AudioMixCount": 3, "Panes": {"Panes": [LEFT, RIGHT]}},
            ]
        },
    }
    one = await house.ok("DescribeMPULayoutInfo", AppId="app", LayoutId=10_001)
    assert one["Layout"] == listed["Layouts"]["Layout"][0]


async def test_the_same_in_xml(house: RpcHouse) -> None:
    """wire.md 7: wrapped lists, elements repeated; an empty wrapped list is an empty element."""
    empty = await house.client.v1("DescribeMPULayoutInfoList", "2018-01-11", {"AppId": "app"}, Format="XML")
    assert "<TotalNum>0</TotalNum><TotalPage>0</TotalPage><Layouts></Layouts></Describe" in empty.text
    await house.ok("CreateMPULayout", **{**TWO_UP, "Name": "a<b>&\"c'"})
    full = await house.client.v1("DescribeMPULayoutInfoList", "2018-01-11", {"AppId": "app"}, Format="XML")
    assert "<Layouts><Layout><LayoutId>10001</LayoutId><Name>a&lt;b&gt;&amp;&quot;c&apos;</Name>" in full.text
    assert full.text.count("<Panes>") == 3
    assert "<Panes><Panes><PaneId>0</PaneId><MajorPane>1</MajorPane><X>0.0</X>" in full.text


async def test_defaults_of_panes(house: RpcHouse) -> None:
    """operations.md 5.1: the place in the list, the whole canvas."""
    await house.ok("CreateMPULayout", AppId="app", AudioMixCount=0, Panes=[{"ZOrder": 1}])
    (layout,) = (await house.ok("DescribeMPULayoutInfoList", AppId="app"))["Layouts"]["Layout"]
    pane = {"PaneId": 0, "MajorPane": 0, "X": 0, "Y": 0, "Width": 1, "Height": 1, "ZOrder": 1}
    assert layout == {"LayoutId": 10_001, "Name": "", "AudioMixCount": 0, "Panes": {"Panes": [pane]}}


async def test_modify_changes_what_is_sent(house: RpcHouse) -> None:
    """A sent list replaces all panes; running tasks show it."""
    await house.people(user("ann"))
    number = (await house.ok("CreateMPULayout", **TWO_UP))["LayoutId"]
    start = {"AppId": "app", "ChannelId": "room", "TaskId": "t1", "StreamURL": "rtmp://a/b/c", "LayoutIds": [number]}
    await house.ok("StartMPUTask", **start)
    await house.ok("ModifyMPULayout", AppId="app", LayoutId=number, Name="one", Panes=[{"X": 0.25, "Width": 0.5}])
    (layout,) = (await house.ok("DescribeMPULayoutInfoList", AppId="app", Name="on"))["Layouts"]["Layout"]
    assert (layout["Name"], layout["AudioMixCount"], len(layout["Panes"]["Panes"])) == ("one", 3, 1)
    (record,) = house.tasks.unfinished()
    assert record.spec.mix.layouts[0].panes[0].rect.x == 0.25


async def test_deleting_ends_the_tasks_that_use_it(house: RpcHouse) -> None:
    """operations.md 5.2: Status 2."""
    await house.people(user("ann"))
    number = (await house.ok("CreateMPULayout", **TWO_UP))["LayoutId"]
    start = {"AppId": "app", "ChannelId": "room", "TaskId": "t1", "StreamURL": "rtmp://a/b/c", "LayoutIds": [number]}
    await house.ok("StartMPUTask", **start)
    await house.ok("DeleteMPULayout", AppId="app", LayoutId=number)
    assert (await house.ok("GetMPUTaskStatus", AppId="app", TaskId="t1"))["Status"] == 2
    assert house.heard.moves[-1] == (key_of("t1").task_id, 1, 2, 2002)
    assert (await house.ok("DescribeMPULayoutInfoList", AppId="app"))["TotalNum"] == 0


async def test_layouts_of_another_app_are_unknown(house: RpcHouse) -> None:
    """operations.md 5.1, security.md S10."""
    number = (await house.ok("CreateMPULayout", **TWO_UP))["LayoutId"]
    other = {"AppId": "yourAppId", "LayoutId": number}
    assert (await house.refusal("DeleteMPULayout", **other))[:2] == (404, "InvalidLayout.NotFound")
    assert (await house.ok("DescribeMPULayoutInfoList", **other))["TotalNum"] == 0
    start = {"AppId": "yourAppId", "ChannelId": "r", "TaskId": "t", "StreamURL": "rtmp://a/b/c", "LayoutIds": [number]}
    assert (await house.refusal("StartMPUTask", **start))[:2] == (400, "InvalidLayoutID.Malformed")


async def test_pages(house: RpcHouse) -> None:
    """Ten a page, ascending; a page past the end is empty."""
    for number in range(12):
        await house.ok("CreateMPULayout", **{**TWO_UP, "Name": f"n{number}"})
    first = await house.ok("DescribeMPULayoutInfoList", AppId="app")
    assert (first["TotalNum"], first["TotalPage"], len(first["Layouts"]["Layout"])) == (12, 2, 10)
    second = await house.ok("DescribeMPULayoutInfoList", AppId="app", PageNum=2)
    assert [layout["Name"] for layout in second["Layouts"]["Layout"]] == ["n10", "n11"]
    assert (await house.ok("DescribeMPULayoutInfoList", AppId="app", PageNum=9))["Layouts"] == {"Layout": []}


async def test_the_built_in_layouts(house: RpcHouse) -> None:
    """operations.md 5.4: without an AppId; ids alone with one."""
    listed = await house.ok("DescribeSystemLayoutList", PageSize=100)
    assert [layout["LayoutId"] for layout in listed["Layouts"]["Layout"]] == list(BUILT_IN)
    assert listed["Layouts"]["Layout"][0]["Panes"]["Panes"][0]["MajorPane"] == 1
    number = (await house.ok("CreateMPULayout", **TWO_UP))["LayoutId"]
    ids = (await house.ok("DescribeMPULayoutList", AppId="app"))["LayoutIds"]["LayoutId"]
    assert ids == [*BUILT_IN, number]
    assert (await house.ok("DescribeMPULayoutInfo", AppId="app", LayoutId=13))["Layout"]["Name"]


@pytest.mark.parametrize("format_", ["JSON", "XML"])
async def test_an_app_has_only_so_many_layouts(house: RpcHouse, format_: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Named like the quota of tasks."""
    monkeypatch.setattr(layouts_module, "MAX_OWN", 1)
    layout = {"AppId": "app", "AudioMixCount": 1, "Panes": [{"PaneId": 0}]}
    await house.ok("CreateMPULayout", RTC, **layout)
    response = await house.client.v1("CreateMPULayout", RTC, layout, Format=format_)
    assert response.status_code == 400
    assert "QuotaExceeded.MPULayout" in response.text
