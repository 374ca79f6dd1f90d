"""The vendor's own, unmodified clients against a running server, over TCP with the system's clock."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.http.serving import serving
from tests.sdk import environments
from tests.sdk.scenario import FIRST_LAYOUT, LAYOUT, LIVE_START, STEPS, Step

HERE = Path(__file__).parent
pytestmark = pytest.mark.e2e


async def play(*command: str, folder: Path = HERE) -> dict[int, dict[str, Any]]:
    """Let a driver go through all steps; what its caller saw, by the number of the step."""
    async with serving() as endpoint:
        steps = [step.plain() for step in STEPS]
        scenario = {"endpoint": endpoint, "key": "testid", "secret": "testsecret", "steps": steps}
        process = await asyncio.create_subprocess_exec(
            *command,
            cwd=folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env={**os.environ, "NO_PROXY": "127.0.0.1"},
        )
        out, err = await asyncio.wait_for(process.communicate(json.dumps(scenario).encode()), 120)
        assert process.returncode == 0, err.decode()[-3000:]
        return dict(enumerate(json.loads(out.splitlines()[-1])))


def expected(step: Step, quiet: frozenset[str], other: dict[str, str]) -> str:
    """The code that this client's caller sees: some codes it drops, some it turns into its own."""
    return "" if step.code in quiet else other.get(step.code, step.code)


def check(seen: dict[int, dict[str, Any]], quiet: frozenset[str] = frozenset(), **other: str) -> None:
    """Every step as the scenario says, in the client's own way of telling errors."""
    assert len(seen) == len(STEPS)
    for number, step in enumerate(STEPS):
        told = seen[number]
        where = f"step {number} {step.action}: {told}"
        assert told["code"] == expected(step, quiet, other), where
        if not told["code"]:
            assert "RequestId" in told["body"], where
            assert step.body.items() <= told["body"].items(), where
    check_bodies({step.action: seen[number]["body"] for number, step in enumerate(STEPS) if not step.code})


def check_bodies(bodies: dict[str, Any]) -> None:
    """The nested answers come through the client's own models."""
    layout = bodies["DescribeMPULayoutInfoList"]["Layouts"]["Layout"][0]
    assert (layout["LayoutId"], layout["Name"]) == (FIRST_LAYOUT, LAYOUT["Name"])
    assert layout["Panes"]["Panes"] == LAYOUT["Panes"]
    (task,) = bodies["ListRtcMPUTaskDetail"]["MPUTasks"]
    assert task["TranscodeParams"]["EncodeParams"] == LIVE_START["TranscodeParams"]["EncodeParams"]
    assert task["MultiStreamURL"][0]["URL"] == "rtmp://cdn.example/live/l1"
    assert bodies["DescribeRtcMPUEventSub"]["SubInfo"]["ChannelIds"] == "room"
    assert bodies["DescribeChannelUsers"]["InteractiveUserList"] == ["ann", "bob"]


EXISTED_IS_FINE = frozenset({"TaskExisted"})
"""These clients take the 200 for a success (wire.md 5)."""


@pytest.mark.parametrize("signature", ["v3", "v2"])
async def test_todays_python_sdks(signature: str) -> None:
    """alibabacloud_rtc20180111 and alibabacloud_live20161101, both signatures."""
    check(await play(sys.executable, "new_python.py", signature), EXISTED_IS_FINE)


async def test_the_older_python_sdks() -> None:
    """aliyun-python-sdk-rtc and -live, and the core's CommonRequest where they know no operation."""
    seen = await play(str(environments.old_python()), "old_python.py")
    check(seen, EXISTED_IS_FINE, SignatureDoesNotMatch="InvalidAccessKeySecret")


@pytest.mark.parametrize("driver", ["pop_core.js", "openapi_client.js"])
async def test_the_node_clients(driver: str) -> None:
    """@alicloud/pop-core (V1, query and body) and @alicloud/openapi-client (V3)."""
    folder = environments.node()
    if folder is None:
        pytest.skip("no Node on this machine") if not os.environ.get("CI") else pytest.fail("CI must have Node")
    quiet = EXISTED_IS_FINE if driver == "openapi_client.js" else frozenset()
    check(await play("node", driver, folder=folder), quiet)
