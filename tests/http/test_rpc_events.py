"""Relay event subscriptions through HTTP (operations.md 7)."""

from __future__ import annotations

from typing import Any

import pytest

from openmpu.model.ids import AppId
from openmpu.services.ports import Delivery
from tests.http.house import LIVE, RpcHouse
from tests.services.doubles import SECOND

URL = "https://hooks.example:8443/mpu?app=1#x"
SUB = {"AppId": "app", "CallbackUrl": URL}


async def test_a_subscription_lives(house: RpcHouse) -> None:
    """Create, read, change, remove."""
    sub_id = (await house.ok("CreateRtcMPUEventSub", LIVE, **SUB, ChannelIds="a,b"))["SubId"]
    info = (await house.ok("DescribeRtcMPUEventSub", LIVE, AppId="app"))["SubInfo"]
    created = {"CreateTime": "2023-11-14T22:13:20Z", "SubId": sub_id}
    assert info == {"AppId": "app", "CallbackUrl": URL, "ChannelIds": "a,b", **created}
    await house.ok("UpdateRtcMPUEventSub", LIVE, AppId="app", CallbackUrl="http://b/c")
    info = (await house.ok("DescribeRtcMPUEventSub", LIVE, AppId="app"))["SubInfo"]
    assert info == {"AppId": "app", "CallbackUrl": "http://b/c", "ChannelIds": "", **created}
    await house.ok("DeleteRtcMPUEventSub", LIVE, AppId="app")
    assert (await house.refusal("DescribeRtcMPUEventSub", LIVE, AppId="app"))[:2] == (400, "InvalidParam")


REFUSALS: list[tuple[str, dict[str, Any], str]] = [
    ("CreateRtcMPUEventSub", {"AppId": "app"}, "MissingParam"),
    ("CreateRtcMPUEventSub", {**SUB, "CallbackUrl": "ftp://a/b"}, "InvalidParam"),
    ("CreateRtcMPUEventSub", {**SUB, "CallbackUrl": "http://a/b?c=1&d=2"}, "InvalidParam"),
    ("CreateRtcMPUEventSub", {**SUB, "CallbackUrl": "http://a/" + "x" * 2083}, "InvalidParam"),
    ("CreateRtcMPUEventSub", {**SUB, "ChannelIds": "a,a"}, "InvalidParam"),
    ("CreateRtcMPUEventSub", {**SUB, "ChannelIds": "a,,b"}, "InvalidParam"),
    ("CreateRtcMPUEventSub", {**SUB, "ChannelIds": ",".join(f"c{n}" for n in range(21))}, "InvalidParam"),
    ("CreateRtcMPUEventSub", {**SUB, "AppId": "foreign"}, "InvalidAppId"),
    ("UpdateRtcMPUEventSub", {"AppId": "app"}, "InvalidParam"),
    ("DeleteRtcMPUEventSub", {"AppId": "app"}, "InvalidParam"),
    ("DescribeRtcMPUEventSub", {"AppId": ""}, "MissingParam"),
]


@pytest.mark.parametrize(("action", "parameters", "code"), REFUSALS)
async def test_refusals(house: RpcHouse, action: str, parameters: dict[str, Any], code: str) -> None:
    """All are 400."""
    assert (await house.refusal(action, LIVE, **parameters))[:2] == (400, code)


async def test_there_is_one_subscription_an_app(house: RpcHouse) -> None:
    """A second Create is an InvalidParam."""
    await house.ok("CreateRtcMPUEventSub", LIVE, **SUB)
    assert (await house.refusal("CreateRtcMPUEventSub", LIVE, **SUB))[:2] == (400, "InvalidParam")


PAGE = {"AppId": "app", "PageNo": 1, "PageSize": 2}


async def test_the_delivery_log_comes_newest_first(house: RpcHouse) -> None:
    """Count is of the page; HasMore tells whether there are older ones."""
    start = house.clock.now()
    for number in range(3):
        at = start + number * SECOND
        status = 200 if number else None
        await house.store.add_delivery(Delivery(AppId("app"), "Sub-1", f"m{number}", "http://a/b", "{}", status, 7, at))
    house.clock.go(60)
    house.client.signer.now = house.clock.now()
    times = {"StartTime": "2023-11-14T22:13:20Z", "EndTime": "2023-11-14T22:14:00Z"}
    body = await house.ok("ListRtcMPUEventSubRecord", LIVE, **PAGE, **times)
    assert ([log["MsgId"] for log in body["Logs"]], body["Count"], body["HasMore"]) == (["m2", "m1"], 2, True)
    body = await house.ok("ListRtcMPUEventSubRecord", LIVE, **{**PAGE, "PageNo": 2}, **times, SubId="Sub-1")
    url = {"CallbackUrl": "http://a/b", "Data": "{}", "HTTPCode": "", "Cost": 7, "Time": "2023-11-14T22:13:20Z"}
    assert body["Logs"] == [{"AppId": "app", "SubId": "Sub-1", "MsgId": "m0", **url}]
    assert (body["Count"], body["HasMore"]) == (1, False)
    assert (await house.ok("ListRtcMPUEventSubRecord", LIVE, **PAGE, **times, SubId="Sub-2"))["Logs"] == []
    last = {**PAGE, "PageNo": 1_000_000_000, "PageSize": 100}
    assert (await house.ok("ListRtcMPUEventSubRecord", LIVE, **last, **times))["Logs"] == []


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        ("2023-11-14T22:13:20Z", None, "MissingParam"),
        ("2023-11-14 22:13:20", "2023-11-14T22:13:20Z", "InvalidParam"),
        ("2023-11-01T00:00:00Z", "2023-11-14T22:13:20Z", "InvalidParam"),
        ("2023-11-14T22:13:20Z", "2023-11-14T23:00:00Z", "InvalidParam"),
        ("2023-11-14T22:13:20Z", "2023-11-14T22:13:19Z", "InvalidParam"),
    ],
)
async def test_times_of_the_log(house: RpcHouse, start: str, end: str | None, code: str) -> None:
    """Not older than 7 days, not in the future, in order."""
    asked = {**PAGE, "StartTime": start, "EndTime": end}
    assert (await house.refusal("ListRtcMPUEventSubRecord", LIVE, **asked))[:2] == (400, code)
