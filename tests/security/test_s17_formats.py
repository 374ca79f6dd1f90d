"""S17: formats switched and numbers blown up; S18: names that are paths."""

from __future__ import annotations

import tracemalloc
from typing import Any

import pytest

from openmpu.wire.rpc.actions import OPERATIONS
from tests.http.house import LIVE, RTC, RpcHouse

START: dict[str, Any] = {"AppId": "app", "ChannelId": "room", "TaskId": "t1", "StreamURL": "rtmp://a/b/c"}
ENTITY = b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>'
NOT_NUMBERS = ["NaN", "Infinity", "-Infinity", "1e999", "9" * 4000, "0x10", "1_000", "\u0661", "1.0.0", "--1"]
PATHS = ["../x", "..", ".", "a/b", "a\\b", "a%2fb", "a\x00b", "a b", "\u202e", "a" * 56, "C:x", "~", "$(id)", "a;b"]


@pytest.mark.parametrize(
    "name",
    ["LayoutIds.1000000000", "LayoutIds.2", "LayoutIds.-1", "LayoutIds.1.1", "LayoutIds." + "9" * 500, "LayoutIds.01"],
)
async def test_s17_lists_have_no_holes_and_no_far_ends(house: RpcHouse, name: str) -> None:
    """Refused, and no list of a billion is made on the way."""
    tracemalloc.start()
    try:
        status, code, _ = await house.refusal("StartMPUTask", RTC, **START, **{name: 1})
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (status, code) == (400, "InvalidLayoutID.Malformed")
    assert most < 4 << 20


@pytest.mark.parametrize("text", NOT_NUMBERS)
async def test_s17_what_only_python_or_json_calls_a_number_is_none(house: RpcHouse, text: str) -> None:
    """A code that names the parameter; nothing is started."""
    for name in ("CropMode", "BackgroundColor", "MediaEncode"):
        status, code, _ = await house.refusal("StartMPUTask", RTC, **{**START, name: text})
        assert status == 400, (name, text)
        assert code.startswith("Invalid"), (name, text, code)
    assert not house.tasks.unfinished()


@pytest.mark.parametrize(
    "value", ['{"UserId":NaN}', '{"UserId":' * 2000, '{"UserId":"a","UserId":"b"', "[" * 5000, "\ufeff{}"]
)
async def test_s17_json_inside_parameters_is_read_strictly(house: RpcHouse, value: str) -> None:
    """Too deep, cut, or no JSON: a refusal, never a failure inside."""
    relay = {**START, "MixMode": 0, "SingleSubParams": value}
    status, code, _ = await house.refusal("StartLiveMPUTask", LIVE, **relay)
    assert (status, code) in {(400, "InvalidParam"), (400, "MissingParam")}


@pytest.mark.parametrize("kind", ["text/xml", "application/xml", "application/soap+xml"])
async def test_s17_no_xml_is_read(house: RpcHouse, kind: str) -> None:
    """Entities are expanded nowhere, because nothing parses them."""
    answer = await house.http.post("/?Action=StartMPUTask&Format=XML", content=ENTITY, headers={"content-type": kind})
    assert answer.status_code in {400, 415}
    assert "root:" not in answer.text


@pytest.mark.parametrize("text", PATHS)
async def test_s18_names_are_never_paths(house: RpcHouse, text: str) -> None:
    """In every operation that takes a TaskId, a ChannelId or an AppId."""
    for action, operation in OPERATIONS.items():
        version = next(iter(operation.rates))
        for name in ("AppId", "TaskId", "ChannelId"):
            status, code, _ = await house.refusal(action, version, **{**START, name: text})
            assert status in {200, 400, 403, 404}, (action, name, status, code)
    assert not [record for record in house.tasks.unfinished() if text in (record.spec.task_id, record.spec.channel_id)]
