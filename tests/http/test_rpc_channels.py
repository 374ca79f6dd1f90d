"""Channels and their users through HTTP, in the shape of either version (operations.md 10)."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.http.house import LIVE, RTC, RpcHouse
from tests.services.doubles import SECOND, START, user

ROOM = {"AppId": "app", "ChannelId": "room"}
NOW = START // SECOND


@pytest.fixture
async def full(house: RpcHouse) -> RpcHouse:
    """Three who came one after the other."""
    await house.people(*(user(name, joined_at=START - age * SECOND) for name, age in (("a", 30), ("b", 20), ("c", 10))))
    return house


async def plain(house: RpcHouse, action: str, version: str = RTC, **parameters: object) -> dict[str, object]:
    """A body without its RequestId."""
    body = await house.ok(action, version, **{**ROOM, **parameters})
    del body["RequestId"]
    return body


async def test_describe_channel_users(full: RpcHouse) -> None:
    """operations.md 10.1: the names differ."""
    names = ["a", "b", "c"]
    assert await plain(full, "DescribeChannelUsers", LIVE) == {
        "IsChannelExists": True,
        "InteractiveUserNumber": 3,
        "InteractiveUserList": names,
        "LiveUserNumber": 0,
        "LiveUserList": [],
        "Timestamp": NOW,
    }
    assert await plain(full, "DescribeChannelUsers") == {
        "IsChannelExist": True,
        "ChannelProfile": 2,
        "CommTotalNum": 0,
        "UserList": [],
        "InteractiveUserNum": 3,
        "InteractiveUserList": names,
        "LiveUserNum": 0,
        "LiveUserList": [],
        "Timestamp": NOW,
    }


async def test_flat_lists_in_xml(full: RpcHouse) -> None:
    """wire.md 7: repeated elements, none for an empty list."""
    text = (await full.client.v1("DescribeChannelUsers", LIVE, ROOM, Format="XML")).text
    assert "<InteractiveUserList>a</InteractiveUserList><InteractiveUserList>b</InteractiveUserList>" in text
    assert "<IsChannelExists>true</IsChannelExists>" in text
    assert "LiveUserList" not in text


async def test_an_unknown_channel_does_not_exist(house: RpcHouse) -> None:
    """HTTP 200 with zeros."""
    body = await plain(house, "DescribeChannelUsers", LIVE)
    assert (body["IsChannelExists"], body["InteractiveUserNumber"], body["InteractiveUserList"]) == (False, 0, [])


async def test_describe_channel_participants(full: RpcHouse) -> None:
    """operations.md 10.2: by join time, falling unless asked otherwise; wrapped or flat."""
    body = await plain(full, "DescribeChannelParticipants", PageSize=2)
    assert body == {"Timestamp": NOW, "TotalNum": 3, "TotalPage": 2, "UserList": {"User": ["c", "b"]}}
    body = await plain(full, "DescribeChannelParticipants", LIVE, Order="asc", PageNum=2, PageSize=2)
    assert body == {"Times": NOW, "TotalNum": 3, "TotalPage": 2, "UserList": ["c"]}


async def test_one_user(full: RpcHouse) -> None:
    """operations.md 10.3, 10.4: the session is the same in both, and ends with the stay."""
    body = await plain(full, "DescribeUserInfoInChannel", UserId="b")
    (stay,) = body["Property"]  # type: ignore[misc]
    assert (stay["Join"], stay["Role"]) == (NOW - 20, 1)
    assert (body["IsChannelExist"], body["IsInChannel"], body["Timestamp"]) == (True, True, NOW)
    newer = await plain(full, "DescribeChannelUser", UserId="b")
    session = {"UserId": "b", "SessionId": stay["Session"], "Joined": NOW - 20}
    assert newer == {"ChannelExist": True, "InChannel": True, "Sessions": [session]}
    gone = await plain(full, "DescribeChannelUser", UserId="z")
    assert gone == {"ChannelExist": True, "InChannel": False, "Sessions": []}
    assert (await plain(full, "DescribeUserInfoInChannel", UserId="z"))["Property"] == []


async def test_channels(full: RpcHouse) -> None:
    """operations.md 10.4."""
    channel = {"ChannelId": "room", "StartTime": NOW - 30}
    assert await plain(full, "DescribeChannel") == {"ChannelExist": True, "Channel": channel}
    assert await plain(full, "DescribeChannel", ChannelId="other") == {"ChannelExist": False}
    everybody = [{"UserId": name} for name in "abc"]
    assert await plain(full, "DescribeChannelAllUsers") == {"ChannelExist": True, "Users": everybody}
    page = {"PageNo": 1, "PageSize": 10, "TotalCnt": 1, "Records": ["room"]}
    assert await plain(full, "DescribeChannels") == page
    assert await plain(full, "ListRTCLiveRooms", LIVE) == {"Rooms": ["room"], "Total": 1}
    assert (await full.refusal("ListRTCLiveRooms", LIVE, AppId="app", PageSize=9))[1] == "InvalidPageSize.Malformed"


async def test_remove_terminals(full: RpcHouse) -> None:
    """operations.md 10.5: who was not there is told so; the page's own spelling counts too."""
    done, failed = {"Code": 0, "Message": "Success"}, {"Code": 1, "Message": "Failed"}
    body = await plain(full, "RemoveTerminals", TerminalIds=["a", "z"])
    assert body == {"Terminals": {"Terminal": [{"Id": "a", **done}, {"Id": "z", **failed}]}}
    assert await plain(full, "RemoveTerminals", LIVE, Terminals=["b"]) == {"Terminals": [{"Id": "b", **done}]}
    body = await plain(full, "RemoveUsers", Users=[{"UserId": "c"}, {"UserId": "a"}])
    assert body == {"Users": [{"UserId": "c", **done}, {"UserId": "a", **failed}]}
    many = [f"u{number}" for number in range(31)]
    refusal = await full.refusal("RemoveTerminals", **ROOM, TerminalIds=many)
    assert refusal[:2] == (400, "InvalidTerminalIds.Malformed")


async def test_both_spellings_of_terminals_at_once(full: RpcHouse) -> None:
    """Taken where they say the same, refused where they do not."""
    body = await plain(full, "RemoveTerminals", TerminalIds=["y", "z"], Terminals=["y", "z"])
    assert [each["Id"] for each in body["Terminals"]["Terminal"]] == ["y", "z"]
    for other in (["z", "y"], ["y"], ["y", "z", "x"]):
        refusal = await full.refusal("RemoveTerminals", **ROOM, TerminalIds=["y", "z"], Terminals=other)
        assert refusal[:2] == (400, "InvalidTerminalIds.Malformed")


@pytest.mark.parametrize(("action", "version"), [("DeleteChannel", RTC), ("DeleteChannel", LIVE), ("StopChannel", RTC)])
async def test_closing_a_channel_ends_its_running_tasks(full: RpcHouse, action: str, version: str) -> None:
    """operations.md 10.6: Status 4 at once; a channel that is not there is fine."""
    start = {"AppId": "app", "TaskId": "t1", "StreamURL": "rtmp://a/b/c"}
    await full.ok("StartMPUTask", **start, ChannelId="room")
    assert await plain(full, action, version) == {}
    assert (await full.ok("GetMPUTaskStatus", AppId="app", TaskId="t1"))["Status"] == 4
    assert await plain(full, action, version, ChannelId="never") == {}


async def test_a_whip_address_carries_a_token(house: RpcHouse) -> None:
    """operations.md 10.7: it opens this user's door of this channel."""
    person = {"UserId": "ann", "DisplayName": "Ann"}
    address = str((await plain(house, "CreateRTCWhipStreamAddress", LIVE, **person))["WhipAddress"])
    parts = urlsplit(address)
    assert address.startswith("http://rtc.example.test/whip/app/room/ann?token=")
    token = parse_qs(parts.query)["token"][0]
    house.door.channels.admit("app", "room", "ann", {"token": token})
    for wrong, code in (({"DisplayName": "值" * 11}, "InvalidDisplayName"), ({"ExpireTime": 0}, "InvalidExpireTime")):
        refusal = await house.refusal("CreateRTCWhipStreamAddress", LIVE, **{**ROOM, **person, **wrong})
        assert refusal[:2] == (400, f"{code}.Malformed")
    refusal = await house.refusal("CreateRTCWhipStreamAddress", LIVE, **ROOM, UserId="ann")
    assert refusal[:2] == (400, "MissingDisplayName")


async def test_app_keys(house: RpcHouse) -> None:
    """operations.md 11: the newest key, under both names."""
    for action in ("DescribeAppKey", "DescribeRTCAppKey"):
        assert (await house.ok(action, AppId="app"))["AppKey"] == "appkey"


@pytest.mark.parametrize("action", ["DescribeChannelUsers", "DeleteChannel", "RemoveTerminals"])
async def test_a_foreign_apps_channels_are_nobodys_business(full: RpcHouse, action: str) -> None:
    """security.md S10."""
    refusal = await full.refusal(action, AppId="foreign", ChannelId="room", TerminalIds=["a"])
    assert refusal[:2] == (400, "InvalidAppId")
